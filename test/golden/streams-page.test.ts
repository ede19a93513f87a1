/** The page of shared logs beside the code: its tables, and its dumps both ways. */
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { readU32, readU64 } from "../../src/base/index.js";
import { Log } from "../../src/log/index.js";
import { StreamBook, StreamState } from "../../src/streams/book.js";
import { CheckpointPointer, POINTER_NAME } from "../../src/streams/checkpoint-pointer.js";
import {
  CHECKPOINT,
  DROP,
  ENTRY,
  ENTRY_HEADER_BYTES,
  MOVED,
  MOVED_HEADER_BYTES,
  PART_HEADER_BYTES,
  STATE,
  STATE_HEADER_BYTES,
  decodePart,
  encodeDrop,
  encodeMoved,
  encodePart,
  encodeState,
  writeEntryHeader,
} from "../../src/streams/format.js";
import { SharedLog } from "../../src/streams/index.js";
import { SegmentUse } from "../../src/streams/segment-use.js";
import { decodeSnapshot, encodeSnapshot } from "../../src/streams/snapshot.js";
import { SimVfs } from "../../src/vfs/index.js";
import { formatHexdump, parseHexdump } from "./hexdump.js";

const KINDS = [STATE, ENTRY, MOVED, CHECKPOINT, DROP];
const text = new TextEncoder();

async function readPage(): Promise<string> {
  return await readFile(new URL("../../docs/formats/streams.md", import.meta.url), "utf8");
}

function dumpsOf(page: string): Uint8Array[] {
  return [...page.matchAll(/```hexdump\n([^`]*)```/g)].map(([, dump = ""]) => parseHexdump(dump));
}

/** The records of the example, and the slot. */
async function example(): Promise<Uint8Array[]> {
  const state = encodeState({ stream: 1, firstLsn: 1, nextLsn: 1 }, text.encode("a"));
  const entry = new Uint8Array(ENTRY_HEADER_BYTES + 2);
  writeEntryHeader(entry, 1, 7, 1);
  entry.set(text.encode("a1"), ENTRY_HEADER_BYTES);
  const moved = encodeMoved({ stream: 1, type: 7, lsn: 1, from: 0, bodyStart: 0 }, 2, text.encode("a1"));
  const book = new StreamBook(new SegmentUse([1]));
  const stream = new StreamState(1, "a", text.encode("a"));
  book.add(stream);
  book.applyState(stream, 1, 1, 1);
  book.applyEntry(stream, 3);
  const part = encodePart({ asOf: 3, previous: 0, index: 0, isLast: true, body: encodeSnapshot(book) });
  const vfs = new SimVfs();
  await vfs.makeDirectory("/log");
  const pointer = await CheckpointPointer.read(vfs, "/log");
  await pointer.write(4);
  await pointer.close();
  const file = await vfs.open(`/log/${POINTER_NAME}`, { access: "read" });
  const slot = new Uint8Array(24);
  await file.read(slot, 4096);
  await file.close();
  return [state, entry, moved, part, encodeDrop(1), slot];
}

describe("the page of shared logs", () => {
  it("dumps what the code writes", async () => {
    const dumps = dumpsOf(await readPage());
    expect(dumps.map(formatHexdump)).toEqual((await example()).map(formatHexdump));
  });

  it("dumps what a shared log writes into its log", async () => {
    const vfs = new SimVfs();
    const shared = await SharedLog.open("/log", { vfs });
    await (await shared.stream("a")).append(text.encode("a1"), 7);
    await shared.drop("a");
    await shared.close();
    const log = await Log.open("/log", { vfs });
    const found: string[] = [];
    for await (const { type, payload } of log.read()) found.push(`${type}\n${formatHexdump(payload)}`);
    await log.close();
    const [state, entry, , , drop] = dumpsOf(await readPage());
    expect(found).toEqual(
      [
        [STATE, state],
        [ENTRY, entry],
        [DROP, drop],
      ].map(([type, dump]) => `${String(type)}\n${formatHexdump(dump as Uint8Array)}`),
    );
  });

  it("dumps what this build reads, whatever it writes", async () => {
    const dumps = dumpsOf(await readPage());
    for (const count of [3, 4, 5]) {
      const vfs = new SimVfs();
      const log = await Log.open("/log", { vfs });
      for (let at = 0; at < count; at++) await log.append(dumps[at]!, KINDS[at]);
      await log.close();
      const file = await vfs.open(`/log/${POINTER_NAME}`, { access: "read-write", create: "if-missing" });
      await file.write(dumps[5]!, 4096);
      await file.close();
      const shared = await SharedLog.open("/log", { vfs });
      expect(shared.recovery.index).toBe(count === 3 ? "scan" : "checkpoint");
      expect(shared.streams()).toEqual(count === 5 ? [] : ["a"]);
      if (count < 5) expect((await (await shared.stream("a")).get(1))?.type).toBe(7);
      await shared.close();
    }
    const part = decodePart(dumps[3]!)!;
    expect(decodeSnapshot(part.body, part.asOf, new SegmentUse([1]))?.byId.size).toBe(1);
  });

  it("has the offsets of the code", async () => {
    const page = await readPage();
    const dumps = dumpsOf(page);
    const tables: { offset: number; bytes: number; field: string }[][] = [];
    for (const line of page.split("\n")) {
      if (line.startsWith("| offset | bytes | field |")) tables.push([]);
      const row = /^\| (\d+) \| (\d+) \| (\w+) \|/.exec(line);
      if (row !== null) tables.at(-1)!.push({ offset: Number(row[1]), bytes: Number(row[2]), field: row[3]! });
    }
    const expected: readonly (readonly [dump: number, bytes: number, values: Record<string, number>])[] = [
      [1, ENTRY_HEADER_BYTES, { stream: 1, type: 7, lsn: 1 }],
      [2, MOVED_HEADER_BYTES, { stream: 1, type: 7, lsn: 1, from: 2 }],
      [0, STATE_HEADER_BYTES, { stream: 1, firstLsn: 1, nextLsn: 1 }],
      [4, 4, { stream: 1 }],
      [3, PART_HEADER_BYTES, { asOf: 3, previous: 0, index: 0, last: 1 }],
      [5, 24, { magic: 0x5053_4648, crc: readU32(dumps[5]!, 4), sequence: 1, lsn: 4 }],
    ];
    expect(tables.length).toBe(expected.length);
    for (const [at, [dump, length, values]] of expected.entries()) {
      let end = 0;
      for (const { offset, bytes, field } of tables[at]!) {
        expect(offset, field).toBe(end);
        const source = dumps[dump]!;
        const found = bytes === 8 ? readU64(source, offset) : bytes === 4 ? readU32(source, offset) : source[offset];
        expect(found, field).toBe(values[field]);
        end = offset + bytes;
      }
      expect(end).toBe(length);
      expect(tables[at]!.map(({ field }) => field)).toEqual(Object.keys(values));
    }
    const types = [...page.matchAll(/^\| (\d+) \| (entry|moved entry|state|drop|part of a checkpoint) \|/gm)];
    expect(types.map(([, type]) => Number(type))).toEqual([ENTRY, MOVED, STATE, DROP, CHECKPOINT]);
  });
});
