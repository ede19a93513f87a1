import { expect, it } from "vitest";
import { assert } from "./assert.js";

it("assert passes what holds and throws on what does not", () => {
  assert(true, "one is one");
  expect(() => assert(false, "one is two")).toThrow(Error);
});
