import { readFile } from "node:fs/promises";
import { crc32 as nativeCrc32, crc32c as nativeCrc32c } from "@node-rs/crc32";
import { describe, expect, it } from "vitest";
import { encodeSlot } from "../../src/anchor/format.js";
import { readU16, readU32, readU64 } from "../../src/base/index.js";
import {
  FORMAT_VERSION,
  GROUP_HEADER_BYTES,
  LOG_ID_BYTES,
  RECORD_HEADER_BYTES,
  SALT_BYTES,
  backCountMax,
  encodeSegmentHeader,
  parseGroupHeader,
  parseSegmentHeader,
  sealGroup,
  segmentSeed,
} from "../../src/log/format.js";
import { DoubleWriteBuffer, Log, verifyLog } from "../../src/log/index.js";
import { readMark } from "../../src/log/mark.js";
import { LOG_ANCHOR_KIND, encodeLogState, parseLogState } from "../../src/log/state.js";
import { SimVfs } from "../../src/vfs/index.js";
import { formatHexdump, parseHexdump } from "./hexdump.js";
import { DIRECTORY, EXAMPLE_RECORDS, PlainVfs, fileOf, writeExample } from "./worked-example.js";

interface Field {
  readonly offset: number;
  readonly bytes: number;
}

/** A format page: its dump, and its tables by the field's name. */
async function readPage(name: string): Promise<{ dump: Uint8Array; tables: Map<string, Field>[] }> {
  const page = await readFile(new URL(`../../docs/formats/${name}.md`, import.meta.url), "utf8");
  const dump = parseHexdump(/```hexdump\n([^`]*)```/.exec(page)?.[1] ?? "");
  const tables: Map<string, Field>[] = [];
  let table: Map<string, Field> | undefined;
  for (const line of page.split("\n")) {
    if (line.startsWith("| offset | bytes | field |")) tables.push((table = new Map()));
    const row = /^\| (\d+) \| (\d+|\w+) \| (\w+) \|/.exec(line);
    const name = row?.[3] === "reserved" ? `reserved at ${row[1]}` : row?.[3];
    if (row !== null) table?.set(name!, { offset: Number(row[1]), bytes: Number(row[2]) });
  }
  return { dump, tables };
}

/** Expects the fields of a table to hold these values at `start`, the table to have no others but reserved ones, and no gaps. */
function expectFields(
  bytes: Uint8Array,
  start: number,
  table: Map<string, Field>,
  values: Record<string, number | Uint8Array>,
): void {
  for (const [name, { offset, bytes: width }] of table) {
    const at = start + offset;
    if (name.startsWith("reserved")) {
      expect([...bytes.subarray(at, at + width)].every((byte) => byte === 0)).toBe(true);
      continue;
    }
    const value = values[name];
    const found = {
      1: () => bytes[at],
      2: () => readU16(bytes, at),
      4: () => readU32(bytes, at),
      8: () => readU64(bytes, at),
    };
    if (value instanceof Uint8Array) expect(bytes.subarray(at, at + width), name).toEqual(value);
    else expect(found[width as 1 | 2 | 4 | 8](), name).toBe(value);
  }
  expect([...table.keys()].filter((name) => !name.startsWith("reserved")).sort()).toEqual(Object.keys(values).sort());
  let end = 0;
  for (const { offset, bytes: width } of table.values()) {
    expect(offset).toBe(end);
    end = offset + width;
  }
}

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const from = (count: number, first: number): Uint8Array =>
  Uint8Array.from({ length: count }, (_, index) => first + index);

describe("the page of segments", () => {
  it("has the offsets of the code", async () => {
    const { tables } = await readPage("segment");
    const [header, entry, group, record] = tables;
    const back = [9, 8].map((number) => ({
      version: number - 7,
      number,
      salt: from(SALT_BYTES, number),
      firstLsn: number * 100,
      end: number * 1000,
      chain: number * 7,
    }));
    const facts = {
      version: FORMAT_VERSION,
      number: 10,
      salt: from(SALT_BYTES, 50),
      firstLsn: 1234,
      epoch: 77,
      blockBytes: 1024,
      torn: "trust",
      segmentBytes: 8192,
      recycled: true,
    } as const;
    const block = encodeSegmentHeader({ ...facts, logId: from(LOG_ID_BYTES, 100), back });
    expectFields(block, 0, header!, {
      ...facts,
      magic: ascii("HFSEGMNT"),
      version: 2,
      backCount: 2,
      preambleCrc: nativeCrc32c(block.subarray(0, 12)),
      headerCrc: nativeCrc32c(block.subarray(20, 128 + 80), nativeCrc32c(block.subarray(0, 12))),
      torn: 2,
      recycled: 1,
      logId: from(LOG_ID_BYTES, 100),
    });
    back.forEach((values, index) => expectFields(block, 128 + index * 40, entry!, values));
    expect(backCountMax(1024)).toBe(Math.floor((1024 - 128) / 40));

    const bytes = new Uint8Array(512).fill(3);
    const stamp = { firstLsn: 5, count: 6, floor: 4, epoch: 77, chain: 99 };
    const crc = sealGroup(bytes, 100, { version: FORMAT_VERSION, seed: 1000 }, stamp);
    const body = bytes.subarray(GROUP_HEADER_BYTES, GROUP_HEADER_BYTES + 100);
    const bodyCrc = nativeCrc32c(body, 1000);
    const bodyCheck = nativeCrc32(body);
    expect(crc).toBe(nativeCrc32c(bytes.subarray(8, GROUP_HEADER_BYTES), 1000));
    expectFields(bytes, 0, group!, { ...stamp, magic: ascii("HFGR"), crc, bodyBytes: 100, bodyCrc, bodyCheck });
    expect(record!.get("payload")!.offset).toBe(RECORD_HEADER_BYTES);
  });

  it("dumps what the code writes, with checksums as they are described", async () => {
    const { dump, tables } = await readPage("segment");
    const vfs = await writeExample();
    expect(formatHexdump(fileOf(vfs, `${DIRECTORY}/0000000000000001.seg`))).toBe(formatHexdump(dump));
    const parse = parseSegmentHeader(dump.subarray(0, 512));
    expect(parse).toMatchObject({
      kind: "sound",
      header: { number: 1, firstLsn: 1, epoch: 1, blockBytes: 512, segmentBytes: 2048, back: [] },
    });
    const identity = new Uint8Array(34);
    identity.set(from(16, 1), 0);
    identity[16] = 1;
    identity.set(from(8, 1), 24);
    identity[32] = 2;
    const seed = nativeCrc32c(identity);
    expect(segmentSeed(from(16, 1), 1, from(8, 1), 2)).toBe(seed);
    const format = { version: 2, seed };
    const record = tables[3]!;
    const first = parseGroupHeader(dump, 512, format)!;
    expect(first).toMatchObject({ firstLsn: 1, count: 1, floor: 0, chain: 0 });
    expect(parseGroupHeader(dump, 1024, format)).toMatchObject({
      firstLsn: 2,
      count: 2,
      floor: 1,
      chain: first.headerCrc,
    });
    const at = 512 + GROUP_HEADER_BYTES;
    expectFields(dump, at, new Map([...record].filter(([name]) => name !== "payload")), { length: 6, type: 1 });
  });

  it("and that of the state make a log that opens with its records", async () => {
    const segment = (await readPage("segment")).dump;
    const state = (await readPage("log-state")).dump;
    const slot = encodeSlot(4096, { mode: "mirror", sequence: 4, kind: LOG_ANCHOR_KIND, value: state });
    const vfs = new SimVfs({ seed: 1 });
    await vfs.makeDirectory(DIRECTORY);
    const files: [string, Uint8Array][] = [
      ["anchor", Buffer.concat([slot, slot])],
      ["0000000000000001.seg", segment],
    ];
    for (const [name, contents] of files) {
      const file = await vfs.open(`${DIRECTORY}/${name}`, { access: "read-write", create: "exclusive" });
      await file.write(contents, 0);
      await file.close();
    }
    expect(await verifyLog(DIRECTORY, { vfs })).toMatchObject({ sound: true, problems: [], records: 3, groups: 2 });
    const log = await Log.open(DIRECTORY, { vfs });
    expect(log.recovery).toMatchObject({ clean: true, firstLsn: 1, lastLsn: 3, epoch: 2 });
    const found: { type: number; text: string }[] = [];
    for await (const { type, payload } of log.read()) found.push({ type, text: new TextDecoder().decode(payload) });
    expect(found).toEqual(EXAMPLE_RECORDS);
    await log.close();
  });
});

describe("the page of a log's state", () => {
  it("has the offsets of the code, and dumps what it writes", async () => {
    const { dump, tables } = await readPage("log-state");
    const tail = { offset: 700, lsn: 41, chain: 12_345, previousGroup: 600 };
    const facts = {
      blockBytes: 512,
      segmentBytes: 2048,
      epoch: 9,
      firstLsn: 30,
      firstSegment: 3,
      nextSegment: 8,
      activeSegment: 7,
      cuts: 5,
      cutLsn: 38,
    };
    const value = encodeLogState({
      ...facts,
      logId: from(16, 10),
      torn: "double-write",
      clean: true,
      activeSalt: from(8, 90),
      tail,
    });
    expectFields(value, 0, tables[0]!, {
      ...facts,
      version: 1,
      torn: 1,
      clean: 1,
      logId: from(16, 10),
      activeSalt: from(8, 90),
      tailOffset: 700,
      tailLsn: 41,
      tailChain: 12_345,
      tailPreviousGroup: 600,
    });
    expect(dump.length).toBe(value.length);
    const anchor = fileOf(await writeExample(), `${DIRECTORY}/anchor`);
    expect(formatHexdump(anchor.subarray(40, 40 + dump.length))).toBe(formatHexdump(dump));
    expect(parseLogState(dump)).toMatchObject({
      kind: "sound",
      state: { clean: true, epoch: 1, tail: { offset: 1536, lsn: 4, previousGroup: 1024 } },
    });
    expect(LOG_ANCHOR_KIND).toBe(0x31474f4c);
  });
});

describe("the page of marks", () => {
  it("has the offsets of the code, and dumps what it writes", async () => {
    const { dump, tables } = await readPage("mark");
    const vfs = await writeExample();
    expect(formatHexdump(fileOf(vfs, `${DIRECTORY}/mark`))).toBe(formatHexdump(dump));
    const crc = nativeCrc32c(dump.subarray(8), nativeCrc32c(from(16, 1)));
    expectFields(dump, 0, tables[0]!, { magic: ascii("HFMK"), crc, epoch: 1, durableLsn: 3, visibleLsn: 3 });
    expect(await readMark(vfs, `${DIRECTORY}/mark`, from(16, 1))).toEqual({ epoch: 1, durableLsn: 3, visibleLsn: 3 });
  });
});

describe("the page of double-write files", () => {
  it("has the offsets of the code, and dumps what it writes; the images are read back", async () => {
    const { dump, tables } = await readPage("double-write");
    const images = [
      { target: ascii("target 1"), offset: 512, image: ascii("a block's bytes") },
      { target: ascii("target 2"), offset: 4096, image: ascii("and another's") },
    ];
    const vfs = new PlainVfs({ seed: 1 });
    const buffer = await DoubleWriteBuffer.open(vfs, "/double-write");
    await buffer.protect(images);
    await buffer.close();
    expect(formatHexdump(fileOf(vfs, "/double-write"))).toBe(formatHexdump(dump));
    const [header, entry] = tables;
    expectFields(dump, 0, header!, {
      magic: ascii("HFDWRITE"),
      version: 2,
      preambleCrc: nativeCrc32c(dump.subarray(0, 12)),
      tableCrc: nativeCrc32c(dump.subarray(20, 96)),
      count: 2,
      sequence: 1,
    });
    images.forEach(({ target, offset, image }, index) => {
      expectFields(dump, 32 + index * 32, entry!, {
        target,
        offset,
        length: image.length,
        imageCrc: nativeCrc32c(image),
        imageCheck: nativeCrc32(image),
      });
    });
    const again = await DoubleWriteBuffer.open(vfs, "/double-write");
    expect(await again.recover()).toEqual(images);
    await again.close();
  });
});
