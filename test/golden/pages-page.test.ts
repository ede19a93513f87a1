/** The page of page stores beside the code: its dumps both ways, and its offsets. */
import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { Anchor } from "../../src/anchor/index.js";
import { Log } from "../../src/log/index.js";
import { PAGES_ANCHOR_KIND, decodeBooks } from "../../src/pages/books.js";
import { Page, PageDiff, PageStore, childPageId } from "../../src/pages/index.js";
import { CHECKSUM_AT, ELIDED_AT, FLAGS_AT, ID_AT, LEAF_COUNT_AT, SEQUENCE_AT } from "../../src/pages/page.js";
import { TableSeal, decodeHeader } from "../../src/pages/table-format.js";
import { decodeClear, decodeEnd, decodeStart, decodeUpdate } from "../../src/pages/wal-format.js";
import { SimVfs } from "../../src/vfs/index.js";
import { formatHexdump, parseHexdump } from "./hexdump.js";

const TABLE = "/store/table-0000000000000001";

async function readDocument(): Promise<string> {
  return await readFile(new URL("../../docs/formats/pages.md", import.meta.url), "utf8");
}

function dumpsOf(document: string): Uint8Array[] {
  return [...document.matchAll(/```hexdump\n([\s\S]*?)\n```/g)].map(([, dump = ""]) => parseHexdump(dump));
}

/** What a store writes, in the order of the document: START, CLEAR, UPDATE, END, books, header, map, page. */
async function example(): Promise<Uint8Array[]> {
  const vfs = new SimVfs({ seed: 1 });
  const journal = await Log.open("/log", { vfs });
  const store = await PageStore.open("/store", { vfs, capacity: 8, journal });
  const gone = Page.empty(childPageId("", 6));
  await store.commit({
    updates: [{ page: gone, diff: new PageDiff(), fresh: true }],
    clears: [],
    root: new Uint8Array(32).fill(0xaa),
  });
  const page = Page.empty(childPageId(childPageId("", 6), 4));
  page.bytes.fill(0x11, 0, 32);
  page.bytes.fill(0x22, 125 * 32, 126 * 32);
  page.leafCount = 20;
  page.setElided(0, true);
  await store.commit({
    updates: [{ page, diff: new PageDiff(), fresh: true }],
    clears: [gone.id],
    root: new Uint8Array(32).fill(0xbb),
  });
  const records: Uint8Array[] = [];
  for await (const { payload } of journal.read({ from: journal.lastLsn - 3 })) records.push(payload);
  await store.close();
  await journal.close();
  const anchor = await Anchor.open("/store/anchor", { vfs, kind: PAGES_ANCHOR_KIND });
  const books = anchor.value;
  await anchor.close();
  const file = await vfs.open(TABLE, { access: "read" });
  const table = new Uint8Array(10 * 4096);
  await file.read(table, 0);
  await file.close();
  const bucket = decodeUpdate(records[2]!)!.bucket;
  const at = (2 + bucket) * 4096;
  return [...records, books, table.slice(0, 4096), table.slice(4096, 8192), table.slice(at, at + 4096)];
}

it("dumps what a store writes", async () => {
  const written = await example();
  const dumps = dumpsOf(await readDocument());
  expect(dumps).toHaveLength(written.length);
  for (const [at, dump] of dumps.entries()) expect(formatHexdump(dump)).toBe(formatHexdump(written[at]!));
});

it("dumps what this build reads", async () => {
  const [start, clear, update, end, books, header, map, page] = dumpsOf(await readDocument());
  const record = (type: number, payload: Uint8Array | undefined) => ({ lsn: 1, type, payload: payload! });
  expect(decodeStart(record(0xb1, start))).toMatchObject({ table: 1, sequence: 2, clears: 1, updates: 1, others: 0 });
  const cleared = decodeClear(clear!)!;
  const updated = decodeUpdate(update!)!;
  expect(cleared.id).toBe(childPageId("", 6));
  expect([updated.id, updated.fresh, [...updated.diff]]).toEqual([childPageId(cleared.id, 4), true, [0, 125]]);
  expect(decodeEnd(record(0xb4, end))).toEqual({ sequence: 2, records: 4 });
  const { storeId, table, capacity, checkpoint } = decodeBooks("anchor", books!);
  expect([table, capacity, checkpoint.sequence]).toEqual([1, 8, 2]);
  const { salt } = decodeHeader(TABLE, header!, { storeId, number: table, capacity });
  const seal = new TableSeal(salt);
  expect([seal.isSoundMeta(map!, 0, 0), seal.isSoundPage(page!, updated.bucket)]).toEqual([true, true]);
  expect(map![updated.bucket]).toBeGreaterThanOrEqual(0x80);
});

it("draws a page with the offsets of the code", async () => {
  const document = await readDocument();
  const offsets = { checksum: CHECKSUM_AT, flags: FLAGS_AT, leaves: LEAF_COUNT_AT, sequence: SEQUENCE_AT };
  for (const [field, offset] of Object.entries({ ...offsets, elided: ELIDED_AT, id: ID_AT }))
    expect(document).toMatch(new RegExp(`\\| ${offset} \\| \\d+ \\| ${field} \\|`));
});
