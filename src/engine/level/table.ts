/**
 * Whether a table of LevelDB is what was written, by the checksums of its blocks. Pure.
 *
 * LevelDB itself, as `classic-level` opens it, passes over these checksums: it takes a damaged filter or index for a key that is not there, and may end
 * the process over a damaged block. A table is blocks, each followed by its type and a masked CRC-32C of both; then 48 bytes that say where the index and
 * the index of other blocks (the filter) are. Both are blocks themselves, whose values say where the blocks are that they lead to.
 */
import { readU32 } from "../../base/index.js";
import { crc32cRange } from "../../checksum/index.js";
import { Fields, unmask } from "./fields.js";
import { unsnap } from "./snappy.js";

const FOOTER_BYTES = 48;
const MAGIC_LOW = 0x8b80_fb57;
const MAGIC_HIGH = 0xdb47_7524;
const TRAILER_BYTES = 5;
const PLAIN = 0;
const SNAPPY = 1;

interface Handle {
  readonly offset: number;
  readonly bytes: number;
}

/** What is wrong with a table; `undefined` where nothing is. */
export function damageOfTable(bytes: Uint8Array): string | undefined {
  const footer = bytes.length - FOOTER_BYTES;
  if (footer < 0 || readU32(bytes, bytes.length - 8) !== MAGIC_LOW || readU32(bytes, bytes.length - 4) !== MAGIC_HIGH)
    return "no table of LevelDB";
  const fields = new Fields(bytes.subarray(footer, bytes.length - 8));
  const roots = [readHandle(fields), readHandle(fields)];
  for (const root of roots) {
    const index = fields.failed ? undefined : blockAt(bytes, root, footer);
    const handles = index === undefined ? undefined : handlesIn(index);
    if (handles === undefined) return `a damaged index at offset ${root.offset}`;
    for (const handle of handles)
      if (!isSound(bytes, handle, footer)) return `a damaged block at offset ${handle.offset}`;
  }
  return undefined;
}

function readHandle(fields: Fields): Handle {
  return { offset: fields.varint(), bytes: fields.varint() };
}

/** Whether a block has its checksum. */
function isSound(table: Uint8Array, { offset, bytes }: Handle, end: number): boolean {
  const type = offset + bytes;
  if (type + TRAILER_BYTES > end) return false;
  return unmask(readU32(table, type + 1)) === crc32cRange(table, offset, type + 1);
}

/** What a sound block holds. */
function blockAt(table: Uint8Array, handle: Handle, end: number): Uint8Array | undefined {
  if (!isSound(table, handle, end)) return undefined;
  const type = handle.offset + handle.bytes;
  const stored = table.subarray(handle.offset, type);
  if (table[type] === PLAIN) return stored;
  return table[type] === SNAPPY ? unsnap(stored) : undefined;
}

/** Where an index leads: the values of its entries. */
function handlesIn(block: Uint8Array): Handle[] | undefined {
  if (block.length < 4) return undefined;
  const end = block.length - 4 - 4 * readU32(block, block.length - 4);
  if (end < 0) return undefined;
  const fields = new Fields(block.subarray(0, end));
  const handles: Handle[] = [];
  while (fields.more) {
    fields.varint();
    const keyBytes = fields.varint();
    const valueBytes = fields.varint();
    fields.skip(keyBytes);
    const start = fields.at;
    handles.push(readHandle(fields));
    // What else the value may hold says nothing about places.
    if (fields.at > start + valueBytes) return undefined;
    fields.skip(start + valueBytes - fields.at);
  }
  return fields.failed ? undefined : handles;
}
