import { expect, it } from "vitest";
import { encodeAll } from "./codec.js";

it("the bytes of a codec that returns a Buffer, and uses it again, were not copied: all values became the last", () => {
  for (const shared of [Buffer.alloc(1), new Uint8Array(1)]) {
    const codec = {
      encode(value: number): Uint8Array {
        shared[0] = value;
        return shared;
      },
      decode: (bytes: Uint8Array) => bytes[0]!,
    };
    expect(encodeAll(codec, [1, 2, 3], "a lane").map((bytes) => bytes[0])).toEqual([1, 2, 3]);
  }
});
