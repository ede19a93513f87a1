/** Where the suites about Merkle stores keep theirs, how it is opened, and how all of it is read. */
import { toHex } from "../../base/index.js";
import { memoryEngine } from "../../engine/index.js";
import { blake3 } from "../../hash/index.js";
import { verifyMultiProof, verifyPathProof } from "../../proof/index.js";
import { MerkleStore, type MerkleStoreOptions } from "../../trie/index.js";
import type { SimVfs } from "../../vfs/index.js";
import { type JournalPlan, type OpenStore, openOnJournal } from "./journal-place.js";
import { MerkleState, type MerkleRow, valueText } from "./merkle-model.js";

const STORE_PATH = "/data/store";

/** On which journal, and how large everything is. */
export interface MerklePlan extends JournalPlan {
  readonly pages: NonNullable<MerkleStoreOptions["pages"]>;
  /** How many commits can be undone. */
  readonly undoable: number;
  /** The roots that rows have come to, by their text: equal rows, equal roots. */
  readonly roots: Map<string, string>;
}

/** A store that is open on its journal. */
export type OpenMerkle = OpenStore<MerkleStore>;

/** How many keys there are. */
export const KEYS = 56;
/** Those whose first twelve bits are one: enough of them for a page, and too few. */
export const CLUSTER = { from: 8, count: 40 } as const;

/** Key `n`: far from all others, in a cluster, or different from some in the last byte only. */
export function keyOf(n: number): Uint8Array {
  const key = new Uint8Array(32);
  if (n < CLUSTER.from) key[0] = n * 32;
  else if (n < CLUSTER.from + CLUSTER.count) key.set([0xab, 0xc0 | (n & 15), (n * 37) & 0xff]);
  else key.fill(0x55).fill(n, 31);
  return key;
}

/** Opens it, or makes it. */
export async function openMerkle(vfs: SimVfs, plan: MerklePlan): Promise<OpenMerkle> {
  const options: MerkleStoreOptions = {
    vfs,
    engine: memoryEngine({ vfs }),
    pages: plan.pages,
    rollback: { commits: plan.undoable },
  };
  const place = { stream: "commits", checkpointBytes: 4096 };
  return await openOnJournal(vfs, plan, place, (journal) => MerkleStore.open(STORE_PATH, { ...options, ...journal }));
}

/** Reads all of an open store, and holds root, pages, values and proofs against each other. */
export async function readMerkle(store: MerkleStore, plan: MerklePlan): Promise<MerkleState> {
  const keys = Array.from({ length: KEYS }, (_, n) => keyOf(n));
  const values = await store.getMany(keys);
  const rows = values.flatMap((value, n): MerkleRow[] => (value === undefined ? [] : [[n, valueText(value)]]));
  const state = new MerkleState(plan.undoable);
  state.sequence = store.sequence;
  state.rows = new Map(rows);

  // The root from the values alone, every page by its place, the table without leaks.
  const { problems } = await store.verify();
  if (problems.length > 0) throw new Error(`verify: ${problems.map(({ message }) => message).join("; ")}`);
  const root = toHex(store.root);
  const known = plan.roots.get(state.rowsText);
  if (known !== undefined && known !== root) throw new Error(`the same rows have root ${root}, and had ${known}`);
  plan.roots.set(state.rowsText, root);

  const asked = [0, CLUSTER.from, CLUSTER.from + (store.sequence % CLUSTER.count), KEYS - 1];
  for (const n of asked) {
    const proof = await store.prove(keyOf(n));
    if (!verifyPathProof({ root: store.root, key: keyOf(n), value: values[n], proof, hasher: blake3 }))
      throw new Error(`the proof of key ${n} is refused`);
  }
  const proof = await store.proveMany(asked.map(keyOf));
  const claims = asked.map((n) => ({ key: keyOf(n), value: values[n] }));
  if (!verifyMultiProof({ root: store.root, claims, proof, hasher: blake3 }))
    throw new Error("the proof of several keys is refused");
  return state;
}
