/** Small stores on the simulated disk, and a model of what they hold. */
import { expect } from "vitest";
import { toHex } from "../base/index.js";
import { memoryEngine } from "../engine/index.js";
import { blake3 } from "../hash/index.js";
import { verifyMultiProof, verifyPathProof } from "../proof/index.js";
import { rootOf } from "../proof/leaf-list.contract.js";
import { hex } from "../proof/naive-trie.contract.js";
import type { SimVfs } from "../vfs/index.js";
import { MerkleStore, type MerkleStoreOptions } from "./index.js";

export const DIRECTORY = "/store";

/** Opens the store on a disk, small in everything, so that pages are written and tables grow soon. */
export async function openSmall(vfs: SimVfs, options: MerkleStoreOptions = {}): Promise<MerkleStore> {
  return await MerkleStore.open(DIRECTORY, { vfs, engine: memoryEngine({ vfs }), pages: { capacity: 16 }, ...options });
}

/** Values by key, both in hexadecimal digits. */
export type Model = Map<string, string>;

/** A change of a key: a value, or `undefined` for a delete. */
export type Change = readonly [key: Uint8Array, value: Uint8Array | undefined];

export function changed(model: Model, changes: readonly Change[]): Model {
  const next = new Map(model);
  for (const [key, value] of changes) {
    if (value === undefined) next.delete(toHex(key));
    else next.set(toHex(key), toHex(value));
  }
  return next;
}

/** The root that the values have. */
export function modelRoot(model: Model): string {
  return rootOf(blake3, new Map([...model].map(([key, value]) => [key, toHex(blake3.hash(hex(value)))])));
}

/** The store holds what the model does, at its root; and every key that is named, in the model or not, can be proved. */
export async function expectHolds(store: MerkleStore, model: Model, named: readonly Uint8Array[]): Promise<void> {
  const { root } = store;
  expect(toHex(root)).toBe(modelRoot(model));
  const values = await store.getMany(named);
  expect(values.map((value) => value && toHex(value))).toEqual(named.map((key) => model.get(toHex(key))));
  if (named.length === 0) return;
  const claims = named.map((key, at) => ({ key, value: values[at] }));
  expect(verifyMultiProof({ root, proof: await store.proveMany(named), claims, hasher: blake3 })).toBe(true);
  const [first] = claims;
  expect(verifyPathProof({ root, ...first!, proof: await store.prove(first!.key), hasher: blake3 })).toBe(true);
}

/** As {@link expectHolds} for all keys; and `verify` finds nothing wrong. */
export async function expectSound(store: MerkleStore, model: Model): Promise<void> {
  await expectHolds(store, model, [...model.keys()].map(hex));
  expect(await store.verify()).toMatchObject({ problems: [], sound: true, keys: model.size });
}
