/** The page of Merkle stores beside the code: its tables, and its dumps both ways. */
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { Anchor } from "../../src/anchor/index.js";
import { memoryEngine } from "../../src/engine/index.js";
import { Log } from "../../src/log/index.js";
import { MERKLE_ANCHOR_KIND, decodeBooks, encodeBooks } from "../../src/trie/books.js";
import { MerkleStore } from "../../src/trie/index.js";
import {
  RECORD_COMMIT,
  RECORD_PRIOR,
  RECORD_VALUES,
  encodeCommit,
  encodeEntries,
  parseCommit,
  parseEntries,
} from "../../src/trie/record-format.js";
import { STATE_KEY, apartRowKey, encodeState, leafRowKey, parseRow, parseState } from "../../src/trie/row-format.js";
import { SimVfs } from "../../src/vfs/index.js";
import { formatHexdump, parseHexdump } from "./hexdump.js";

const STORE_ID = Uint8Array.from({ length: 16 }, (_, index) => index);
const KEY = new Uint8Array(32).fill(0x40);
const OTHER = new Uint8Array(32).fill(0xc0);

async function dumpsOf(): Promise<Uint8Array[]> {
  const page = await readFile(new URL("../../docs/formats/trie.md", import.meta.url), "utf8");
  return [...page.matchAll(/```hexdump\n([\s\S]*?)```/g)].map(([, dump = ""]) => parseHexdump(dump));
}

/** What a store writes, in the order of the page. */
async function example(): Promise<Uint8Array[]> {
  const vfs = new SimVfs({ seed: 1 });
  const engine = memoryEngine({ vfs });
  const journal = await Log.open("/log", { vfs });
  const store = await MerkleStore.open("/trie", { vfs, engine, journal, rollback: { commits: 1 } });
  const first = store.begin();
  first.put(KEY, new TextEncoder().encode("one"));
  await first.commit();
  const lsn = journal.lastLsn;
  const second = store.begin();
  second.delete(KEY);
  second.put(OTHER, new Uint8Array(2000));
  await second.commit();
  const records: { readonly type: number; readonly payload: Uint8Array }[] = [];
  for await (const { type, payload } of journal.read({ from: lsn + 1 }))
    if (type < 0xb0 || type > 0xbf) records.push({ type, payload });
  expect(records.map(({ type }) => type)).toEqual([RECORD_COMMIT, RECORD_VALUES, RECORD_PRIOR]);
  await store.close();
  await journal.close();

  const { value } = await Anchor.peek("/trie/anchor", { vfs, kind: MERKLE_ANCHOR_KIND });
  const books = decodeBooks("anchor", value);
  const database = (await engine.open("/trie/values"))!;
  const state = parseState((await database.get(STATE_KEY))!);
  if (state === "newer" || state === undefined) throw new Error("no state");
  expect(state.storeId).toEqual(books.storeId);
  const row = (await database.get(leafRowKey(OTHER)))!;
  expect(await database.get(apartRowKey(OTHER))).toEqual(new Uint8Array(2000));
  await database.close();
  return [
    encodeBooks({ ...books, storeId: STORE_ID }),
    encodeState({ ...state, storeId: STORE_ID }),
    row,
    records[0]!.payload,
    records[1]!.payload.subarray(0, 80),
    records[2]!.payload,
  ];
}

describe("the page of Merkle stores", () => {
  it("has dumps of what a store writes", async () => {
    const written = await example();
    const dumps = await dumpsOf();
    expect(dumps.map((dump) => formatHexdump(dump))).toEqual(written.map((bytes) => formatHexdump(bytes)));
  });

  it("has dumps that are read as what they are said to hold", async () => {
    const [books, state, row, commit, values, prior] = await dumpsOf();
    expect(decodeBooks("anchor", books!)).toEqual({ storeId: STORE_ID, engine: "memory", hasher: "blake3" });
    expect(parseState(state!)).toEqual({ storeId: STORE_ID, sequence: 2 });
    expect(parseRow(row!)).toMatchObject({ value: undefined });
    expect(parseCommit(commit!)).toEqual({ sequence: 2, undoable: true, undone: 0, keys: 2 });
    expect(parseEntries(values!)).toBeUndefined();
    expect(parseEntries(prior!)).toEqual([
      { key: KEY, value: new TextEncoder().encode("one") },
      { key: OTHER, value: undefined },
    ]);
    const leaves = new Uint8Array(128);
    leaves.set(KEY);
    leaves.set(OTHER, 64);
    const given = [undefined, new Uint8Array(2000)];
    const [{ payload }] = encodeEntries(RECORD_VALUES, leaves, given, 1 << 20) as [{ payload: Uint8Array }];
    expect(payload.subarray(0, 80)).toEqual(values);
    expect(encodeCommit({ sequence: 2, undoable: true, undone: 0, keys: 2 })).toEqual({
      payload: commit,
      type: RECORD_COMMIT,
    });
  });

  it("takes later formats for newer ones, and other bytes for none", async () => {
    const [books, state, , commit] = await dumpsOf();
    const error = (code: string): unknown => expect.objectContaining({ code });
    expect(() => decodeBooks("anchor", books!.with(0, 2))).toThrow(error("HF_FORMAT_NEWER"));
    expect(() => decodeBooks("anchor", books!.subarray(0, 30))).toThrow(error("HF_CORRUPTION"));
    expect(parseState(state!.with(0, 2))).toBe("newer");
    expect(parseState(state!.subarray(0, 25))).toBeUndefined();
    expect(parseCommit(commit!.with(0, 2))).toBe("newer");
    expect(parseCommit(commit!.with(2, 2))).toBeUndefined();
    expect(parseCommit(commit!.subarray(0, 23))).toBeUndefined();
    expect(parseRow(new Uint8Array(32))).toBeUndefined();
    expect(parseRow(new Uint8Array(34).fill(1))).toBeUndefined();
    expect(parseRow(new Uint8Array(33 + 1025))).toBeUndefined();
    expect(parseEntries(new Uint8Array(35))).toBeUndefined();
    expect(parseEntries(new Uint8Array(36).fill(1))).toBeUndefined();
  });
});
