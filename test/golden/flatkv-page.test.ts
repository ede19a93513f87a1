/** The page of commit stores beside the code: its tables, and its dumps both ways. */
import { readFile } from "node:fs/promises";
import { crc32c as nativeCrc32c } from "@node-rs/crc32";
import { describe, expect, it } from "vitest";
import { Anchor } from "../../src/anchor/index.js";
import { readU16, readU32, readU64, writeU32 } from "../../src/base/index.js";
import { memoryEngine } from "../../src/engine/index.js";
import { FLAT_KV_ANCHOR_KIND, parseBooks } from "../../src/flatkv/books.js";
import { COMMIT_HEADER_BYTES, COMMIT_RECORD, decodeCommit, readCommitHeader } from "../../src/flatkv/commit-format.js";
import { IMPORT_KEY, encodeProgress } from "../../src/flatkv/import-progress.js";
import { FlatKv } from "../../src/flatkv/index.js";
import {
  META_KEY,
  decodeMarker,
  decodeRow,
  encodeMetadata,
  markerKey,
  parseMetadata,
  rowKey,
} from "../../src/flatkv/row-format.js";
import { LtHash } from "../../src/hash/index.js";
import { Log } from "../../src/log/index.js";
import { SimVfs } from "../../src/vfs/index.js";
import { formatHexdump, parseHexdump } from "./hexdump.js";

const text = new TextEncoder();
const STORE_ID = Uint8Array.from({ length: 16 }, (_, index) => index);
const ROW = rowKey(text.encode("k"));

async function readPage(): Promise<string> {
  return await readFile(new URL("../../docs/formats/flatkv.md", import.meta.url), "utf8");
}

function dumpsOf(page: string): Uint8Array[] {
  return [...page.matchAll(/```hexdump\n([^`]*)```/g)].map(([, dump = ""]) => parseHexdump(dump));
}

/** The bytes, with the page's id in the place of the store's random one. */
function withPagesId(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy.set(STORE_ID, at);
  return copy;
}

/** What a store writes, in the order of the page. */
async function example(): Promise<Uint8Array[]> {
  const vfs = new SimVfs({ seed: 1 });
  const engine = memoryEngine({ vfs });
  const journal = await Log.open("/log", { vfs });
  const store = await FlatKv.open("/state", { vfs, engine, databases: ["a", "b"], journal });
  await store.applyChangeSets([{ database: "a", changes: [{ key: text.encode("k"), value: text.encode("one") }] }]);
  await store.commit();
  // The snapshot prunes it.
  const first = await journal.get(1);
  await store.snapshot();
  await store.applyChangeSets([{ database: "a", changes: [{ key: text.encode("k") }] }]);
  await store.commit();
  const second = await journal.get(2);
  expect([first?.type, second?.type, journal.lastLsn]).toEqual([COMMIT_RECORD, COMMIT_RECORD, 2]);
  await store.close();
  await journal.close();

  const { value } = await Anchor.peek("/state/anchor", { vfs, kind: FLAT_KV_ANCHOR_KIND });
  const parse = parseBooks(value);
  if (parse.kind !== "sound") throw new Error("the books can't be read");
  const { books } = parse;
  const read = async (number: number, key: Uint8Array): Promise<Uint8Array> => {
    const database = (await engine.open(`/state/db-${String(number).padStart(16, "0")}`))!;
    const found = await database.get(key);
    await database.close();
    return found!;
  };
  const metadata = withPagesId(await read(books.directories[1]!, META_KEY), 4);
  writeU32(metadata, metadata.length - 4, nativeCrc32c(metadata.subarray(0, -4)));
  return [
    withPagesId(value, 4),
    withPagesId(first!.payload, 8).subarray(COMMIT_HEADER_BYTES + 2 + 32 + 1 + LtHash.bytes),
    withPagesId(second!.payload, 8),
    metadata,
    await read(books.directories[1]!, markerKey(2)),
    await read(books.snapshots[0]!.directories[0]!, ROW),
  ];
}

interface Field {
  readonly offset: number;
  readonly bytes: number;
  readonly field: string;
}

/** The tables with offsets. */
function tablesOf(page: string): Field[][] {
  const tables: Field[][] = [];
  for (const line of page.split("\n")) {
    if (line.startsWith("| offset | bytes | field |")) tables.push([]);
    const row = /^\| ([\d,]+) \| ([\d,]+) \| (\w*) ?\|/.exec(line);
    const number = (digits: string): number => Number(digits.replaceAll(",", ""));
    if (row !== null && !line.startsWith("| 32 | checksum"))
      tables.at(-1)!.push({ offset: number(row[1]!), bytes: number(row[2]!), field: row[3]! });
  }
  return tables;
}

function valueAt(source: Uint8Array, { offset, bytes }: Field): number | string {
  if (bytes === 2) return readU16(source, offset);
  if (bytes === 4) return readU32(source, offset);
  if (bytes === 8) return readU64(source, offset);
  return Buffer.from(source.subarray(offset, offset + bytes)).toString("hex");
}

describe("the page of commit stores", () => {
  it("dumps what a store writes", async () => {
    expect(dumpsOf(await readPage()).map(formatHexdump)).toEqual((await example()).map(formatHexdump));
  });

  it("dumps what this build reads, whatever it writes", async () => {
    const [value, , record, metadata, marker, row] = dumpsOf(await readPage());
    const books = parseBooks(value!);
    expect(books).toMatchObject({
      kind: "sound",
      books: {
        storeId: STORE_ID,
        engine: "memory",
        names: ["a", "b"],
        directories: [1, 2],
        nextDirectory: 5,
        timeline: 1,
        timelineLsn: 0,
        base: { version: 0, lsn: 0 },
        synced: { version: 2, lsn: 2 },
        snapshots: [{ version: 1, lsn: 1, timeline: 1, directories: [3, 4] }],
      },
    });
    const header = readCommitHeader(COMMIT_RECORD, record!);
    if (header === undefined || !("version" in header)) throw new Error("the record has no header");
    const commit = decodeCommit(header, [record!]);
    expect(commit).toMatchObject({ storeId: STORE_ID, timeline: 1, version: 2 });
    expect(commit?.databases.map(({ hash, rows }) => [hash?.isZero(), rows])).toEqual([
      [true, [{ key: text.encode("k"), value: undefined }]],
      [undefined, []],
    ]);
    expect(parseMetadata(metadata!)).toMatchObject({
      kind: "sound",
      metadata: { storeId: STORE_ID, database: "b", timeline: 1, version: 2 },
    });
    expect(decodeMarker(marker!)).toBe(2);
    expect(decodeRow(ROW, row!)).toEqual(text.encode("one"));
  });

  it("has the offsets of the code", async () => {
    const page = await readPage();
    const [, , record] = dumpsOf(page);
    const hash = new LtHash();
    hash.add(text.encode("k"), text.encode("v"));
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
    const named = { storeId: STORE_ID, database: "name", timeline: 7, version: 9, hash };
    const metadata = encodeMetadata(named);
    const progress = encodeProgress({
      position: { exportId: STORE_ID, frame: 5, checksum: 6 },
      rows: 8,
      hash,
    });
    const expected: readonly (readonly [source: Uint8Array, values: Record<string, number | string>])[] = [
      [
        metadata,
        { format: 1, nameBytes: 4, storeId: hex(STORE_ID), timeline: 7, version: 9, hash: hex(hash.toBytes()) },
      ],
      [
        progress,
        {
          exportId: hex(STORE_ID),
          frame: 5,
          checksum: 6,
          rows: 8,
          hash: hex(hash.toBytes()),
          crc: nativeCrc32c(progress.subarray(0, -4)),
        },
      ],
      [record!, { format: 1, part: 0, parts: 1, "": 0, storeId: hex(STORE_ID), timeline: 1, version: 2 }],
    ];
    const tables = tablesOf(page);
    expect(tables.length).toBe(expected.length);
    for (const [at, [source, values]] of expected.entries()) {
      let end = 0;
      for (const field of tables[at]!) {
        expect(field.offset, field.field).toBe(end);
        expect(valueAt(source, field), field.field).toBe(values[field.field]);
        end = field.offset + field.bytes;
      }
      expect(tables[at]!.map(({ field }) => field)).toEqual(Object.keys(values));
    }
    expect(new TextDecoder().decode(metadata.subarray(2080, -4))).toBe("name");
    expect([...META_KEY, ...IMPORT_KEY].map((byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(" ")).toBe(
      "00 6D 65 74 61 00 69 6D 70 6F 72 74",
    );
    expect(page).toContain("| `00 6D 65 74 61`");
    expect(page).toContain("| `00 69 6D 70 6F 72 74`");
    expect([...markerKey(4096 + 0x102)]).toEqual([0, 1, 1, 2]);
    expect(page).toContain(`records of type ${COMMIT_RECORD}`);
    expect(page).toContain(`kind 0x${FLAT_KV_ANCHOR_KIND.toString(16).toUpperCase()}`);
  });
});
