/** Which rows an iteration shows, against a sorted list. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SimVfs } from "../vfs/index.js";
import { FlatKv } from "./flat-kv.js";
import type { IterateOptions } from "./range.js";
import { options } from "./small-store.contract.js";

const keys: readonly Uint8Array[] = [
  [0],
  [0, 0],
  [1],
  [1, 255],
  [1, 255, 255],
  [2],
  [254],
  [255],
  [255, 255],
  [255, 255, 0],
].map((key) => Uint8Array.from(key));

function compare(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

/** What the options ask for, from the list. */
function expected({ prefix, gte, gt, lte, lt, reverse, limit }: IterateOptions): Uint8Array[] {
  const found = keys.filter(
    (key) =>
      (prefix === undefined || prefix.every((byte, at) => key[at] === byte)) &&
      (gte === undefined || compare(key, gte) >= 0) &&
      (gt === undefined || compare(key, gt) > 0) &&
      (lte === undefined || compare(key, lte) <= 0) &&
      (lt === undefined || compare(key, lt) < 0),
  );
  if (reverse === true) found.reverse();
  return limit === undefined ? found : found.slice(0, limit);
}

async function open(): Promise<FlatKv> {
  const vfs = new SimVfs();
  const store = await FlatKv.open("/store", options(vfs));
  await store.applyChangeSets([{ database: "a", changes: keys.map((key) => ({ key, value: key })) }]);
  await store.commit();
  return store;
}

async function shown(store: FlatKv, given: IterateOptions): Promise<Uint8Array[]> {
  const found: Uint8Array[] = [];
  for await (const { key, value } of store.iterate({ database: "a", ...given })) {
    expect(value).toEqual(key);
    found.push(Uint8Array.from(key));
  }
  return found;
}

describe("FlatKv.iterate", () => {
  test("shows the rows of any prefix or range, in both directions", async () => {
    await using store = await open();
    const bytes = fc.uint8Array({ maxLength: 3 }).map((key) => key.map((byte) => [0, 1, 2, 254, 255][byte % 5]!));
    const order = { reverse: fc.boolean(), limit: fc.option(fc.nat(5), { nil: undefined }) };
    const ranges = fc.oneof(
      fc.record({ prefix: bytes, ...order }),
      fc.record({ gte: bytes, lt: bytes, ...order }),
      fc.record({ gt: bytes, lte: bytes, ...order }),
      fc.record({ lt: bytes, ...order }),
      fc.record({ gt: bytes, ...order }),
      fc.record(order),
    );
    await fc.assert(
      fc.asyncProperty(ranges, async (range) => {
        expect(await shown(store, range)).toEqual(expected(range));
      }),
    );
  });

  test.each([
    { prefix: Uint8Array.of(1), gte: Uint8Array.of(1) },
    { gte: Uint8Array.of(1), gt: Uint8Array.of(1) },
    { lte: Uint8Array.of(1), lt: Uint8Array.of(1) },
    { limit: -1 },
    { database: "none" },
  ])("refuses what contradicts itself, or is nowhere", async (given) => {
    await using store = await open();
    await expect(shown(store, given)).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
  });

  test("stays at the version where it began, whatever is committed meanwhile", async () => {
    await using store = await open();
    const iterating = store.iterate({ database: "a" });
    const first = await iterating.next();
    expect(first.value?.key).toEqual(keys[0]);
    await store.applyChangeSets([{ database: "a", changes: keys.map((key) => ({ key })) }]);
    await store.commit();
    let count = 1;
    for await (const { key } of iterating) expect(Uint8Array.from(key)).toEqual(keys[count++]);
    expect(count).toBe(keys.length);
    expect(await shown(store, {})).toEqual([]);
  });
});
