import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Anchor } from "./index.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "holdfast-anchor-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("an anchor", () => {
  it("gives back what was written last", async () => {
    const path = join(directory, "anchor");
    const anchor = await Anchor.create(path, bytes("one"));
    await anchor.write(bytes("two"));
    await anchor.close();
    const again = await Anchor.open(path);
    expect(again.value).toEqual(bytes("two"));
    expect(again.sequence).toBe(2);
    await again.close();
    expect((await Anchor.peek(path)).value).toEqual(bytes("two"));
  });
});
