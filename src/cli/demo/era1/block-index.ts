/** The block index at the end of an era1 file: where the header of each block is. */
import { readU32, readU64 } from "../../../base/index.js";
import { type EntryFile, entryHeaderBytes } from "./entry-file.js";
import { entryTypes } from "./entry-types.js";

/** The most blocks that an era1 file has. */
export const blocksMax = 8_192;

/** What the index says. */
export interface BlockIndex {
  /** Where its entry starts. */
  readonly offset: number;
  readonly firstNumber: number;
  /** Offsets of the headers, ascending. */
  readonly blocks: readonly number[];
}

/** Reads the index, which ends the file. Damage is a `CorruptionError`. */
export async function readBlockIndex(entries: EntryFile): Promise<BlockIndex> {
  // It ends with its count, which says where it starts.
  const countAt = entries.bytes - 8;
  const count = readU64(await entries.read(countAt, 8, "the end of a block index"), 0);
  const length = 16 + 8 * count;
  const offset = entries.bytes - length - entryHeaderBytes;
  if (count < 1 || count > blocksMax || offset < entryHeaderBytes)
    throw entries.damaged(countAt, `a block index of 1 to ${blocksMax} blocks at the end`, `one of ${count}`);
  const { type, end, data } = await entries.entryAt(offset, length);
  if (type !== entryTypes.blockIndex || end !== entries.bytes)
    throw entries.damaged(offset, `the block index of ${count} blocks`, `an entry of type ${type}`);
  const firstNumber = readU64(data, 0);
  if (firstNumber < 0 || firstNumber > Number.MAX_SAFE_INTEGER - count)
    throw entries.damaged(offset, "the number of the first block", "a larger one than any block has");
  const blocks: number[] = [];
  let before = 0;
  for (let block = 0; block < count; block++) {
    const at = 8 + 8 * block;
    // Headers stand before the index, so the offset from it is negative.
    const start = offset + (readU32(data, at + 4) | 0) * 0x1_0000_0000 + readU32(data, at);
    if (start <= before || start >= offset)
      throw entries.damaged(offset, `offsets that ascend, for block ${firstNumber + block}`, `${start}`);
    blocks.push(start);
    before = start;
  }
  return { offset, firstNumber, blocks };
}
