import { expect, test } from "vitest";
import { memoryEngine } from "../engine/index.js";
import { blake3 } from "../hash/index.js";
import { verifyUpdate } from "../proof/index.js";
import { SharedLog } from "../streams/index.js";
import { SimVfs } from "../vfs/index.js";
import { MerkleStore, type MerkleStoreOptions } from "./index.js";

const key = (n: number): Uint8Array => blake3.hash(Uint8Array.of(n));
const open = (vfs: SimVfs, options?: MerkleStoreOptions): Promise<MerkleStore> =>
  MerkleStore.open("/store", { vfs, engine: memoryEngine({ vfs }), pages: { capacity: 16 }, ...options });

test("preparing tells the root that the commit comes to, and does nothing that anyone sees", async () => {
  const store = await open(new SimVfs());
  const session = store.begin();
  session.put(key(1), Uint8Array.of(1));
  const { root } = await session.prepare();
  expect(store.sequence).toBe(0);
  expect(await store.get(key(1))).toBeUndefined();
  expect(await session.commit()).toEqual({ root, sequence: 1 });
  expect(store.root).toEqual(root);
});

test("what is changed after preparing is part of the commit, and so is what another session prepared meanwhile not", async () => {
  const store = await open(new SimVfs());
  const session = store.begin();
  session.put(key(1), Uint8Array.of(1));
  const first = await session.prepare();
  session.put(key(2), Uint8Array.of(2));
  const second = await session.prepare();
  expect(second.root).not.toEqual(first.root);
  const other = store.begin();
  other.put(key(3), Uint8Array.of(3));
  await other.prepare();
  expect((await session.commit()).root).toEqual(second.root);
  await expect(other.commit()).rejects.toMatchObject({ code: "HF_STALE_SESSION" });
  expect(await store.get(key(3))).toBeUndefined();
  expect((await store.verify()).sound).toBe(true);
});

test("a witness is made whether it was prepared with one or not", async () => {
  const store = await open(new SimVfs());
  for (const isPrepared of [true, false]) {
    const before = store.root;
    const session = store.begin();
    await session.get(key(9));
    session.put(key(isPrepared ? 1 : 2), Uint8Array.of(1));
    await session.prepare({ witness: isPrepared });
    const { root, witness } = await session.commit({ witness: true });
    expect(witness!.reads).toHaveLength(1);
    expect(verifyUpdate({ root: before, proof: witness!.proof!, updates: witness!.writes, hasher: blake3 })).toEqual(
      root,
    );
  }
});

test("a prepared commit shares a durable write with what is appended to the shared log in the same turn", async () => {
  const vfs = new SimVfs();
  const shared = await SharedLog.open("/log", { vfs });
  const [journal, other] = [await shared.stream("trie"), await shared.stream("other")];
  const store = await open(vfs, { journal });
  const session = store.begin();
  session.put(key(1), Uint8Array.of(1));
  await session.prepare();
  const { groups } = shared.stats().log;
  const appended = other.append(Uint8Array.of(1));
  await Promise.all([appended, session.commit()]);
  expect(shared.stats().log.groups - groups).toBe(1);
  await store.close();
  await shared.close();
});
