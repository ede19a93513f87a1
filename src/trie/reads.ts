/**
 * Values of the committed state. Each is checked against its hash, and against the trie as far as that is in memory. That a key has none is checked
 * against the trie, whose pages are loaded for it, so that a row that was lost is not taken for one that was not there; but not where a commit is being
 * written meanwhile, of which the rows may be ahead of the pages.
 */
import { findDifference } from "./prove-keys.js";
import type { Store } from "./store.js";
import type { UncheckedValue } from "./values.js";

/** So many times a read is made beside commits before it takes a turn among them. */
const ATTEMPTS = 3;

/** The values of keys at the newest commit; one that is being written is waited for. Rejects with `CorruptionError` where one is not what it has to be. */
export async function readValues(store: Store, keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { applying } = store;
    if (applying !== undefined && keys.some((key) => applying.changes.has(key))) {
      await applying.done;
      store.checkUsable();
    }
    const { epoch, pages } = store;
    const isQuiet = store.applying === undefined;
    const { sequence } = pages;
    const read = await store.values.read(keys);
    const bad = firstBad(store, read);
    if (bad !== undefined) {
      // A row and a larger value are read one after the other: a commit in between gives two that do not belong together.
      if (store.epoch === epoch) throw store.values.notSound(bad);
      continue;
    }
    // Rows that a commit is changing are not those of the pages.
    const difference =
      isQuiet && store.epoch === epoch ? await findDifference(store, sequence, statesOf(keys, read)) : undefined;
    if (difference === undefined) {
      // What was read may be of a commit that was being written by then. Who asked sees it as everybody does: once it is published.
      if (store.epoch !== epoch) await store.applying?.done;
      store.checkUsable();
      return read.map((value) => value?.value);
    }
    if (difference !== "moved") throw store.values.notThere(difference);
  }
  return await store.turns.take(() => readCommitted(store, keys));
}

/** As {@link readValues}, for who has the turn, so that nothing is being written. */
export async function readCommitted(store: Store, keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
  return (await readRows(store, keys)).map((value) => value?.value);
}

/** As {@link readCommitted}, with the hash of each. */
export async function readRows(store: Store, keys: readonly Uint8Array[]): Promise<(UncheckedValue | undefined)[]> {
  const read = await store.values.read(keys);
  const bad = firstBad(store, read);
  if (bad !== undefined) throw store.values.notSound(bad);
  const difference = await findDifference(store, store.pages.sequence, statesOf(keys, read));
  if (difference !== undefined && difference !== "moved") throw store.values.notThere(difference);
  return read;
}

function statesOf(
  keys: readonly Uint8Array[],
  read: readonly (UncheckedValue | undefined)[],
): { readonly key: Uint8Array; readonly valueHash: Uint8Array | undefined }[] {
  return keys.map((key, at) => ({ key, valueHash: read[at]?.valueHash }));
}

function firstBad({ hasher }: Store, read: readonly (UncheckedValue | undefined)[]): UncheckedValue | undefined {
  return read.find((value) => value !== undefined && !value.isSound(hasher));
}
