/** Stores rows that are no part of what is measured. */

/**
 * @param {import("../../dist/flatkv/index.js").FlatKv} store
 * @param {readonly import("./pairs.mjs").Put[]} puts
 */
export async function fill(store, puts) {
  const step = 10_000;
  for (let at = 0; at < puts.length; at += step) {
    await store.applyChangeSets([{ changes: puts.slice(at, at + step) }]);
    await store.commit();
  }
}
