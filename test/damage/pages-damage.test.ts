/**
 * Damage anywhere in a small page table. Every flip in a header, in the map, or in a page that is there is told by opening or by reading, and by `verify`
 * of a store that was open already. Never another page, never none. `npm test` looks at a sample, `HOLDFAST_EFFORT=full` (as in CI) at every byte.
 */
import { expect, it } from "vitest";
import { CorruptionError, FormatError, HoldfastError } from "holdfast";
import { Page, PageDiff, PageStore, childPageId } from "holdfast/pages";
import { SimVfs } from "holdfast/vfs";

const DIRECTORY = "/store";
const TABLE = "/store/table-0000000000000001";
const CAPACITY = 8;
const HEADER_AND_MAP_BYTES = 8192;
const whole = process.env["HOLDFAST_EFFORT"] === "full";
const options = { capacity: CAPACITY, cache: { bytes: 0, pinnedDepth: 0 } } as const;
const IDS = ["", childPageId("", 3), childPageId("", 60), childPageId(childPageId("", 3), 1)];

/** A closed store of four pages. */
async function makeStore(): Promise<SimVfs> {
  const vfs = new SimVfs({ seed: 5 });
  const store = await PageStore.open(DIRECTORY, { vfs, ...options });
  const updates = IDS.map((id, at) => {
    const page = Page.empty(id);
    page.bytes.fill(at + 1, 0, 64 * (at + 1));
    return { page, diff: new PageDiff(), fresh: true };
  });
  await store.commit({ updates, clears: [], root: new Uint8Array(32).fill(1) });
  await store.close();
  return vfs;
}

async function flip(vfs: SimVfs, offset: number, bit: number): Promise<void> {
  const file = await vfs.open(TABLE, { access: "read-write" });
  const byte = new Uint8Array(1);
  await file.read(byte, offset);
  byte[0]! ^= 1 << bit;
  await file.write(byte, offset);
  await file.syncData();
  await file.close();
}

/** Every byte that says something: header, map, and the buckets that hold pages. */
async function placesOf(vfs: SimVfs): Promise<number[]> {
  const file = await vfs.open(TABLE, { access: "read" });
  const bytes = new Uint8Array(HEADER_AND_MAP_BYTES + CAPACITY * 4096);
  await file.read(bytes, 0);
  await file.close();
  const places = Array.from({ length: HEADER_AND_MAP_BYTES }, (_, at) => at);
  for (let bucket = 0; bucket < CAPACITY; bucket++) {
    if (bytes[4096 + bucket]! < 0x80) continue;
    for (let at = 0; at < 4096; at++) places.push(HEADER_AND_MAP_BYTES + bucket * 4096 + at);
  }
  return places;
}

/** What opening and reading everything meets. */
async function meet(vfs: SimVfs): Promise<unknown> {
  let store: PageStore | undefined;
  try {
    store = await PageStore.open(DIRECTORY, { vfs, ...options });
    for (const id of IDS) expect((await store.load(id))?.id).toBe(id);
    return undefined;
  } catch (error) {
    return error;
  } finally {
    await store?.close();
  }
}

it("every flip in the header, the map or a page is told by opening or reading", { timeout: 600_000 }, async () => {
  const vfs = await makeStore();
  const places = await placesOf(vfs);
  expect(places).toHaveLength(HEADER_AND_MAP_BYTES + IDS.length * 4096);
  const step = whole ? 1 : 97;
  const silent: number[] = [];
  for (let at = 0; at < places.length; at += step) {
    const offset = places[at]!;
    await flip(vfs, offset, at % 8);
    const error = await meet(vfs);
    if (!(error instanceof CorruptionError || error instanceof FormatError)) silent.push(offset);
    await flip(vfs, offset, at % 8);
  }
  expect(silent).toEqual([]);
  expect(await meet(vfs)).toBeUndefined();
});

it("every flip is told by verify, with the place, in a store that is open", { timeout: 600_000 }, async () => {
  const vfs = await makeStore();
  const places = await placesOf(vfs);
  const store = await PageStore.open(DIRECTORY, { vfs, ...options });
  const step = whole ? 3 : 97;
  for (let at = 1; at < places.length; at += step) {
    const offset = places[at]!;
    await flip(vfs, offset, at % 8);
    const { sound, problems } = await store.verify();
    expect([sound, problems[0]?.offset]).toEqual([false, Math.floor(offset / 4096) * 4096]);
    await flip(vfs, offset, at % 8);
  }
  expect((await store.verify()).sound).toBe(true);
  await store.close();
});

it("a page in another's bucket, and a table of another store, are refused", async () => {
  const vfs = await makeStore();
  const places = await placesOf(vfs);
  const buckets = [...new Set(places.filter((at) => at >= HEADER_AND_MAP_BYTES).map((at) => Math.floor(at / 4096)))];
  const file = await vfs.open(TABLE, { access: "read-write" });
  const page = new Uint8Array(4096);
  await file.read(page, buckets[0]! * 4096);
  await file.write(page, buckets[1]! * 4096);
  await file.close();
  expect(await meet(vfs)).toBeInstanceOf(CorruptionError);

  const mine = await makeStore();
  const other = new SimVfs({ seed: 6 });
  await (await PageStore.open(DIRECTORY, { vfs: other, ...options })).close();
  const source = await other.open(TABLE, { access: "read" });
  const target = await mine.open(TABLE, { access: "read-write" });
  const header = new Uint8Array(4096);
  await source.read(header, 0);
  await target.write(header, 0);
  const error = await meet(mine);
  expect(error).toBeInstanceOf(HoldfastError);
  expect(error).toMatchObject({ code: "HF_FORMAT_FOREIGN" });
});
