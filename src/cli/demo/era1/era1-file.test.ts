import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { effort, sweep } from "../../../base/effort.contract.js";
import { CorruptionError, FormatError, toHex } from "../../../base/index.js";
import { type BlockPlan, addressOf, concat, entry, era1Bytes, frame } from "./era1.contract.js";
import { type Era1Block, Era1File } from "./era1-file.js";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "holdfast-era1-test-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Writes a file, and reads its blocks from `first` on. */
async function readBlocks(bytes: Uint8Array, first?: number): Promise<Era1Block[]> {
  const file = path.join(directory, "blocks.era1");
  await writeFile(file, bytes);
  const era1 = await Era1File.open(file);
  try {
    const blocks: Era1Block[] = [];
    for await (const block of era1.blocks(first)) blocks.push(block);
    return blocks;
  } finally {
    await era1.close();
  }
}

const plans: readonly BlockPlan[] = [
  {},
  { coinbase: 2, difficulty: 1000 },
  { coinbase: 3, uncles: [{ number: 1, coinbase: 9 }] },
  {
    uncles: [
      { number: 2, coinbase: 8 },
      { number: 1, coinbase: 8 },
    ],
  },
];

describe("an era1 file", () => {
  it("gives its blocks in order, with uncles and total difficulties", async () => {
    const blocks = await readBlocks(era1Bytes(plans));
    expect(blocks.map(({ number }) => number)).toEqual([0, 1, 2, 3]);
    expect(blocks.map(({ totalDifficulty }) => totalDifficulty)).toEqual([17n, 1017n, 1034n, 1051n]);
    expect(blocks.map(({ header }) => header.coinbase)).toEqual([1, 2, 3, 1].map(addressOf));
    expect(blocks[3]?.uncles.map(({ number, coinbase }) => [number, coinbase])).toEqual([
      [2, addressOf(8)],
      [1, addressOf(8)],
    ]);
    expect(blocks[1]?.header.parentHash).toEqual(blocks[0]?.header.hash);
  });

  it("is read from any block on", async () => {
    const all = await readBlocks(era1Bytes(plans));
    for (const first of [0, 1, 3, 4]) expect(await readBlocks(era1Bytes(plans), first)).toEqual(all.slice(first));
  });

  it("may begin with another block than 0", async () => {
    const blocks = await readBlocks(era1Bytes([{ totalDifficulty: 5000n }, { totalDifficulty: 5017n }], 8192));
    expect(blocks.map(({ number }) => number)).toEqual([8192, 8193]);
  });

  it("counts the transactions of a block, which need not be read", async () => {
    const transactions = [[new Uint8Array([1])], new Uint8Array([2])];
    const blocks = await readBlocks(era1Bytes([{}, { transactions }]));
    expect(blocks.map(({ transactions }) => transactions)).toEqual([0, 2]);
  });

  it("may have entries of other types before its accumulator", async () => {
    const bytes = era1Bytes([{}]);
    // version 8 | block | accumulator 40 | index 8 + 24
    const at = bytes.length - 72;
    const other = entry(0x99, new Uint8Array([1, 2, 3]));
    const moved = concat([bytes.subarray(0, at), other, bytes.subarray(at)]);
    const indexAt = moved.length - 32;
    new DataView(moved.buffer).setBigInt64(indexAt + 16, BigInt(8 - indexAt), true);
    expect(await readBlocks(moved)).toHaveLength(1);
  });

  it("that is none is called so, and never damaged", async () => {
    for (const bytes of [new Uint8Array(0), new Uint8Array(100), new TextEncoder().encode("PAR1 and so on")])
      await expect(readBlocks(bytes)).rejects.toThrow(FormatError);
  });

  it("that is not there is an error of the file system", async () => {
    await expect(Era1File.open(path.join(directory, "none"))).rejects.toMatchObject({ code: "HF_IO" });
  });

  it("that was cut short anywhere is damaged", async () => {
    const bytes = era1Bytes(plans.slice(0, 2));
    for (const at of sweep(bytes.length - 8, 8)) {
      const length = at + 8;
      await expect(readBlocks(bytes.subarray(0, length)), `${length} bytes`).rejects.toThrow(CorruptionError);
    }
  });

  it("with a flipped byte is damaged, unless the byte says the same in another way", { timeout: 60_000 }, async () => {
    const bytes = era1Bytes([{}, { uncles: [{ number: 0, coinbase: 9 }] }]);
    const sound = JSON.stringify(await readBlocks(bytes), plain);
    let silent = 0;
    const places = [...sweep(bytes.length, 8)];
    for (const at of places) {
      const flipped = bytes.slice();
      flipped[at] = bytes[at]! ^ (1 << (at & 7));
      try {
        expect(JSON.stringify(await readBlocks(flipped), plain), `byte ${at}`).toBe(sound);
        silent += 1;
      } catch (error) {
        if (!(error instanceof FormatError || error instanceof CorruptionError)) throw error;
      }
    }
    // A copy of zeros may come from other zeros: few flips find such a place.
    expect(silent).toBeLessThan(places.length / effort(20, 10));
  });

  const unsound: readonly (readonly [string, readonly BlockPlan[]])[] = [
    ["a block out of order", [{}, { number: 2 }]],
    ["a block of another parent", [{}, { parentHash: new Uint8Array(32) }]],
    ["a total difficulty that does not add up", [{}, { totalDifficulty: 35n }]],
    ["a first total difficulty that is not block 0's", [{ totalDifficulty: 18n }]],
    ["uncles that the header does not name", [{}, { unclesHash: new Uint8Array(32) }]],
    ["an uncle that is no block before", [{}, { uncles: [{ number: 1, coinbase: 1 }] }]],
    ["an uncle from too long ago", [{}, {}, {}, {}, {}, {}, {}, { uncles: [{ number: 0, coinbase: 1 }] }]],
    ["three uncles", [{}, { uncles: [1, 2, 3].map((coinbase) => ({ number: 0, coinbase })) }]],
    ["a header that is no RLP", [{ header: new Uint8Array([0xf8, 1]) }]],
    ["a header that is no list", [{ header: new Uint8Array([0x83, 1, 2, 3]) }]],
    ["a header of three fields", [{ header: new Uint8Array([0xc3, 1, 2, 3]) }]],
    ["a body that is no list", [{ body: new Uint8Array([0x80]) }]],
    ["a body that is half a list", [{ body: new Uint8Array([0xc1, 0xc0]) }]],
    ["transactions that are no list", [{ body: new Uint8Array([0xc2, 0x80, 0xc0]) }]],
    ["a header of 20 kB", [{ header: new Uint8Array(20_000) }]],
  ];
  it.each(unsound)("with %s is damaged", async (_name, plans) => {
    await expect(readBlocks(era1Bytes(plans))).rejects.toMatchObject({ code: "HF_CORRUPTION" });
  });

  it("with the blocks of another accumulator is damaged", async () => {
    const bytes = era1Bytes(plans);
    bytes[bytes.length - (16 + 32 + 8) - 1]! ^= 1;
    await expect(readBlocks(bytes)).rejects.toMatchObject({ code: "HF_CORRUPTION" });
    // Without its first block nobody can tell.
    expect(await readBlocks(bytes, 2)).toHaveLength(2);
  });

  it("with an entry that says it has 4 GB is damaged, and nothing of the kind is allocated", async () => {
    const bytes = era1Bytes(plans);
    bytes.fill(0xff, 10, 14);
    await expect(readBlocks(bytes)).rejects.toMatchObject({ code: "HF_CORRUPTION", details: { offset: 8 } });
  });

  it("with a small entry that uncompresses to much is damaged", async () => {
    const zeros = frame(new Uint8Array(3 * 1024 * 1024));
    const sound = era1Bytes([{}]);
    const headerEnd = 16 + new DataView(sound.buffer).getUint32(10, true);
    const bytes = concat([sound.subarray(0, headerEnd), entry(0x04, zeros), sound.subarray(headerEnd)]);
    const indexAt = bytes.length - 32;
    new DataView(bytes.buffer).setBigInt64(indexAt + 16, BigInt(8 - indexAt), true);
    await expect(readBlocks(bytes)).rejects.toMatchObject({ code: "HF_CORRUPTION", details: { offset: headerEnd } });
  });
});

function plain(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  return typeof value === "bigint" ? String(value) : value;
}
