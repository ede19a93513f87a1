/** Values of the committed state, each checked against its hash. */
import type { Store } from "./store.js";
import type { UncheckedValue } from "./values.js";

/** So many times a read is made beside commits before it takes a turn among them. */
const ATTEMPTS = 3;

/** The values of keys at the newest commit; one that is being written is waited for. Rejects with `CorruptionError` where one is not what its hash says. */
export async function readValues(store: Store, keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { applying } = store;
    if (applying !== undefined && keys.some((key) => applying.changes.has(key))) {
      await applying.done;
      store.checkUsable();
    }
    const { epoch } = store;
    const read = await store.values.read(keys);
    const bad = firstBad(store, read);
    if (bad === undefined) {
      // What was read may be of a commit that was being written by then. Who asked sees it as everybody does: once it is published.
      if (store.epoch !== epoch) await store.applying?.done;
      store.checkUsable();
      return read.map((value) => value?.value);
    }
    // A row and a larger value are read one after the other: a commit in between gives two that do not belong together.
    if (store.epoch === epoch) throw store.values.notSound(bad);
  }
  return await store.turns.take(() => readCommitted(store, keys));
}

/** As {@link readValues}, for who has the turn, so that nothing is being written. */
export async function readCommitted(store: Store, keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
  const read = await store.values.read(keys);
  const bad = firstBad(store, read);
  if (bad !== undefined) throw store.values.notSound(bad);
  return read.map((value) => value?.value);
}

function firstBad({ hasher }: Store, read: readonly (UncheckedValue | undefined)[]): UncheckedValue | undefined {
  return read.find((value) => value !== undefined && !value.isSound(hasher));
}
