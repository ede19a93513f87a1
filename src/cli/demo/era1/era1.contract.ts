/** Era1 files for tests: small chains that are made up, and written by the format's rules. */
import { encode } from "@ethereumjs/rlp";
import { snappyCompress } from "hysnappy";
import { writeU16, writeU32, writeU64 } from "../../../base/index.js";
import { keccak256 } from "../../../hash/index.js";
import { AccumulatorTree, littleEndian32 } from "./accumulator-tree.js";
import { blocksMax } from "./block-index.js";
import { entryTypes } from "./entry-types.js";
import type { RlpValue } from "./era1-libraries.js";
import { maskedChecksum } from "./snappy-frames.js";

const emptyRoot = fromHex("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");

/** A block to be made. What is not given is made up soundly. */
export interface BlockPlan {
  readonly coinbase?: number;
  readonly uncles?: readonly { readonly number: number; readonly coinbase: number }[];
  readonly transactions?: readonly RlpValue[];
  readonly difficulty?: number;
  /** Changes that make the block unsound. */
  readonly number?: number;
  readonly parentHash?: Uint8Array;
  readonly unclesHash?: Uint8Array;
  readonly totalDifficulty?: bigint;
  readonly header?: Uint8Array;
  readonly body?: Uint8Array;
}

/** Block 0 of mainnet. What follows it in a file may be made up. */
export const mainnetBlock0: BlockPlan = {
  difficulty: 0x4_0000_0000,
  header: encode([
    new Uint8Array(32),
    fromHex("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"),
    new Uint8Array(20),
    fromHex("d7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544"),
    emptyRoot,
    emptyRoot,
    new Uint8Array(256),
    0x4_0000_0000,
    0,
    5000,
    0,
    0,
    fromHex("11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e50b1b82fa"),
    new Uint8Array(32),
    fromHex("0000000000000042"),
  ]),
};

/** The bytes of a file of blocks, from `firstNumber` on. */
export function era1Bytes(plans: readonly BlockPlan[], firstNumber: number = 0): Uint8Array {
  const entries: Uint8Array[] = [entry(entryTypes.version, new Uint8Array(0))];
  const tree = new AccumulatorTree(blocksMax);
  const offsets: number[] = [];
  let parentHash: Uint8Array = new Uint8Array(32);
  let total = 0n;
  for (const [index, plan] of plans.entries()) {
    const number = plan.number ?? firstNumber + index;
    const difficulty = plan.difficulty ?? 17;
    const uncles = (plan.uncles ?? []).map((uncle) => headerRlp({ ...uncle, parentHash: new Uint8Array(32) }));
    const transactions = plan.transactions ?? [];
    const header =
      plan.header ??
      encode(
        headerRlp({
          number,
          coinbase: plan.coinbase ?? 1,
          parentHash: plan.parentHash ?? parentHash,
          unclesHash: plan.unclesHash ?? keccak256.hash(encode(uncles)),
          root: transactions.length === 0 ? emptyRoot : new Uint8Array(32),
          difficulty,
        }),
      );
    total += BigInt(difficulty);
    const totalDifficulty = plan.totalDifficulty ?? total;
    offsets.push(lengthOf(entries));
    entries.push(
      entry(entryTypes.header, frame(header)),
      entry(entryTypes.body, frame(plan.body ?? encode([transactions as unknown[], uncles] as never))),
      entry(entryTypes.receipts, frame(encode(transactions.map(() => "receipt")))),
      entry(entryTypes.totalDifficulty, littleEndian32(totalDifficulty)),
    );
    parentHash = keccak256.hash(header);
    tree.add(parentHash, totalDifficulty);
  }
  entries.push(entry(entryTypes.accumulator, tree.root()));
  const indexAt = lengthOf(entries);
  const blockIndex = new Uint8Array(16 + 8 * offsets.length);
  writeU64(blockIndex, 0, firstNumber);
  for (const [block, offset] of offsets.entries())
    new DataView(blockIndex.buffer).setBigInt64(8 + 8 * block, BigInt(offset - indexAt), true);
  writeU64(blockIndex, blockIndex.length - 8, offsets.length);
  entries.push(entry(entryTypes.blockIndex, blockIndex));
  return concat(entries);
}

/** One entry. */
export function entry(type: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + data.length);
  writeU16(bytes, 0, type);
  writeU32(bytes, 2, data.length);
  bytes.set(data, 8);
  return bytes;
}

/** Bytes in frames, cut into chunks of `chunkBytes`. */
export function frame(data: Uint8Array, chunkBytes: number = 65_536): Uint8Array {
  const chunks = [chunk(0xff, new TextEncoder().encode("sNaPpY"))];
  for (let at = 0; at < data.length; at += chunkBytes) {
    const part = data.subarray(at, at + chunkBytes);
    chunks.push(dataChunk(0, part, snappyCompress(part)));
  }
  return concat(chunks);
}

/** A chunk of framed snappy: its checksum is that of `data`, whatever the block says. */
export function dataChunk(type: 0 | 1, data: Uint8Array, block: Uint8Array): Uint8Array {
  const checksum = new Uint8Array(4);
  writeU32(checksum, 0, maskedChecksum(data));
  return chunk(type, concat([checksum, block]));
}

/** A chunk of any type. */
export function chunk(type: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + body.length);
  writeU32(bytes, 0, type + body.length * 256);
  bytes.set(body, 4);
  return bytes;
}

/** An address that ends in a number. */
export function addressOf(number: number): Uint8Array {
  const address = new Uint8Array(20);
  address[19] = number;
  return address;
}

interface HeaderPlan {
  readonly number: number;
  readonly coinbase: number;
  readonly parentHash: Uint8Array;
  readonly unclesHash?: Uint8Array;
  readonly root?: Uint8Array;
  readonly difficulty?: number;
}

function headerRlp({ number, coinbase, parentHash, unclesHash, root = emptyRoot, difficulty = 17 }: HeaderPlan): never {
  const hash = new Uint8Array(32);
  const bloom = new Uint8Array(256);
  const nonce = new Uint8Array(8);
  const roots = [hash, root, root];
  const numbers = [difficulty, number, 5000, 0, 1_438_269_988];
  return [
    parentHash,
    unclesHash ?? hash,
    addressOf(coinbase),
    ...roots,
    bloom,
    ...numbers,
    "extra",
    hash,
    nonce,
  ] as never;
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

function fromHex(digits: string): Uint8Array {
  return new Uint8Array(Buffer.from(digits, "hex"));
}
