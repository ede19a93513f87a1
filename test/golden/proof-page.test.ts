/** The page of proofs beside the code: its dumps both ways. */
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { blake3 } from "../../src/hash/index.js";
import {
  LeafList,
  decodeMultiProof,
  decodePathProof,
  encodeMultiProof,
  encodePathProof,
  multiProofOf,
  siblingsInList,
} from "../../src/proof/index.js";
import { formatHexdump, parseHexdump } from "./hexdump.js";

const filled = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

const leaves = new LeafList();
for (const byte of [0x00, 0x40, 0x41]) leaves.push(filled(byte), filled(byte ^ 0xff));
const path = siblingsInList(blake3, leaves, 0, filled(0x60));
const multi = multiProofOf([path, siblingsInList(blake3, leaves, 0, filled(0x40))]);

describe("the page of proofs", () => {
  it("dumps what the code writes, and the code reads what it dumps", async () => {
    const page = await readFile(new URL("../../docs/formats/proof.md", import.meta.url), "utf8");
    const [pathDump, multiDump] = [...page.matchAll(/```hexdump\n([\s\S]*?)\n```/g)].map(([, dump = ""]) => dump);
    expect(pathDump).toBe(formatHexdump(encodePathProof(path)));
    expect(multiDump).toBe(formatHexdump(encodeMultiProof(multi)));
    expect(decodePathProof(parseHexdump(pathDump!))).toEqual(path);
    expect(decodeMultiProof(parseHexdump(multiDump!))).toEqual(multi);
  });

  it("tells of a terminator at depth 3, and of one path more", () => {
    expect(path.terminal).toEqual({ kind: "terminator", path: filled(0).with(0, 0x60) });
    expect(path.siblings).toHaveLength(3);
    expect(multi.paths.map(({ depth }) => depth)).toEqual([8, 3]);
  });
});
