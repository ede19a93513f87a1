/** Golden stores of state: commit stores on both engines, page stores, Merkle stores. */
import { type Engine, classicLevel, memoryEngine } from "../../src/engine/index.js";
import { FlatKv } from "../../src/flatkv/index.js";
import { blake3 } from "../../src/hash/index.js";
import { Page, PageDiff, type PageId, PageStore, ROOT_PAGE_ID, childPageId } from "../../src/pages/index.js";
import { verifyMultiProof } from "../../src/proof/index.js";
import { MerkleStore } from "../../src/trie/index.js";
import { type Vfs, nodeVfs } from "../../src/vfs/index.js";
import { type GoldenStore, encode, log, long } from "./golden-store.js";

/** A store with a snapshot, commits behind it, one of them in several records, and deleted rows. */
function flatKv(name: string, engineOn: (vfs: Vfs) => Engine, onRealDisk: boolean): GoldenStore {
  const open = (directory: string, vfs: Vfs): Promise<FlatKv> =>
    FlatKv.open(directory, {
      vfs,
      engine: engineOn(vfs),
      databases: ["main", "other"],
      log: { ...log, segmentBytes: 16_384, recordBytesMax: 4096 },
    });
  const put = (database: string, key: string, value: string | undefined): Parameters<FlatKv["applyChangeSets"]>[0] => [
    { database, changes: [{ key: encode(key), value: value === undefined ? undefined : encode(value) }] },
  ];
  return {
    name,
    onRealDisk,
    async make(directory, vfs) {
      const store = await open(directory, vfs);
      await store.applyChangeSets(put("main", "a", "one"));
      await store.applyChangeSets(put("main", "b", long("two")));
      await store.applyChangeSets(put("other", "gone", "soon"));
      await store.commit();
      await store.snapshot();
      await store.applyChangeSets(put("main", "a", "changed"));
      await store.commit();
      await store.applyChangeSets(put("other", "gone", undefined));
      for (let n = 1; n <= 10; n++) await store.applyChangeSets(put("other", `row ${n}`, long(`of version 3`)));
      await store.commit();
      await store.close();
    },
    async look(directory) {
      const store = await open(directory, nodeVfs);
      const { sound, problems } = await store.verify({ snapshots: true });
      if (!sound) throw new Error(problems.map(({ message }) => message).join(" "));
      const contents: Record<string, string[]> = {};
      for (const database of store.databases) {
        const rows: string[] = [];
        for await (const { key, value } of store.iterate({ database }))
          rows.push([key, value].map((bytes) => new TextDecoder().decode(bytes)).join(": "));
        contents[database] = rows;
      }
      await store.close();
      return contents;
    },
    async writeOn(directory) {
      const store = await open(directory, nodeVfs);
      // Going back makes the databases anew, from the stored snapshot and the stored commits.
      const { version } = store;
      const checksum = store.committedHash().checksum();
      for (const database of store.databases) await store.applyChangeSets(put(database, "z", "more"));
      await store.commit();
      await store.rollback(version);
      if (
        !store
          .committedHash()
          .checksum()
          .every((byte, at) => byte === checksum[at])
      )
        throw new Error("another hash");
      for (const database of store.databases) await store.applyChangeSets(put(database, "z", "more"));
      await store.commit();
      await store.close();
    },
  };
}

const flatKvs: readonly GoldenStore[] = [
  flatKv("flatkv-memory", (vfs) => memoryEngine({ vfs }), false),
  flatKv("flatkv-level", () => classicLevel(), true),
];

const pageIds: readonly (readonly [name: string, id: PageId])[] = [
  ["root", ROOT_PAGE_ID],
  ...[3, 6, 60].map((child): [string, PageId] => [`child ${child}`, childPageId(ROOT_PAGE_ID, child)]),
  ["deep", childPageId(childPageId(ROOT_PAGE_ID, 6), 4)],
];

function openPages(directory: string, vfs: Vfs): Promise<PageStore> {
  return PageStore.open(directory, {
    vfs,
    capacity: 8,
    log: { blockBytes: 512, segmentBytes: 32_768, spareSegmentsMax: 0 },
  });
}

/** Node `node` of a page becomes `fill` all over. */
async function setNode(store: PageStore, id: PageId, node: number, fill: number): Promise<void> {
  const before = await store.load(id);
  const page = before?.copy() ?? Page.empty(id);
  page.bytes.fill(fill, node * 32, (node + 1) * 32);
  const diff = new PageDiff();
  diff.add(node);
  const root = new Uint8Array(32).fill(fill);
  await store.commit({ updates: [{ page, diff, fresh: before === undefined }], clears: [], root });
}

/** As a crash leaves it: pages in their buckets, a bucket that was left, and commits that were not written there. */
const pages: GoldenStore = {
  name: "pages",
  async make(directory, vfs) {
    const store = await openPages(directory, vfs);
    for (const [at, [, id]] of pageIds.entries()) await setNode(store, id, at, at + 1);
    await store.checkpoint();
    await store.commit({ updates: [], clears: [pageIds[2]![1]], root: new Uint8Array(32).fill(9) });
    await setNode(store, ROOT_PAGE_ID, 125, 10);
  },
  async look(directory) {
    const store = await openPages(directory, nodeVfs);
    const { sound, problems } = await store.verify();
    if (!sound) throw new Error(problems.map(({ message }) => message).join(" "));
    const contents: Record<string, string[]> = {
      commits: Array.from({ length: store.sequence }, (_, at) => `commit ${at + 1}`),
    };
    for (const [name, id] of pageIds) {
      const page = await store.load(id);
      const nodes = page === undefined ? [] : Array.from({ length: 126 }, (_, node) => page.node(node)[0]!);
      contents[name] = nodes.flatMap((fill, node) => (fill === 0 ? [] : [`node ${node} is ${fill}`]));
    }
    await store.close();
    return contents;
  },
  async writeOn(directory) {
    const store = await openPages(directory, nodeVfs);
    await setNode(store, pageIds[4]![1], 120, 77);
    await store.close();
  },
};

/** Key number `n`: such that all keys lie under one another for a while. */
export const keyOf = (n: number): Uint8Array => blake3.hash(Uint8Array.of(n)).fill(0xa5, 0, n % 3);
export const KEYS = 12;

export function openMerkle(directory: string, vfs: Vfs): Promise<MerkleStore> {
  return MerkleStore.open(directory, {
    vfs,
    engine: memoryEngine({ vfs }),
    rollback: { commits: 4 },
    pages: { capacity: 16 },
    log: { blockBytes: 512, segmentBytes: 65_536, spareSegmentsMax: 0 },
  });
}

/** Sets keys to values, or deletes those without one. */
export async function setKeys(
  store: MerkleStore,
  changes: Readonly<Record<number, string | undefined>>,
): Promise<void> {
  const session = store.begin();
  for (const [n, value] of Object.entries(changes)) {
    if (value === undefined) session.delete(keyOf(Number(n)));
    else session.put(keyOf(Number(n)), encode(value));
  }
  await session.commit();
}

/** With a checkpoint, commits behind it, deleted keys, and one commit that was undone. */
const merkle: GoldenStore = {
  name: "merkle",
  async make(directory, vfs) {
    const store = await openMerkle(directory, vfs);
    await setKeys(store, Object.fromEntries(Array.from({ length: KEYS }, (_, n) => [n, `value ${n}`])));
    await store.checkpoint();
    await setKeys(store, { 1: undefined, 2: long("changed"), 3: "" });
    await setKeys(store, { 4: "undone" });
    await store.rollback(1);
    await store.close();
  },
  async look(directory) {
    const store = await openMerkle(directory, nodeVfs);
    const { sound, problems } = await store.verify();
    if (!sound) throw new Error(problems.map(({ message }) => message).join(" "));
    const keys = Array.from({ length: KEYS }, (_, n) => keyOf(n));
    const values = await store.getMany(keys);
    const proof = await store.proveMany(keys);
    const claims = keys.map((key, n) => ({ key, value: values[n] }));
    if (!verifyMultiProof({ root: store.root, proof, claims, hasher: blake3 })) throw new Error("not proved");
    const contents: Record<string, string[]> = {
      commits: Array.from({ length: store.sequence }, (_, at) => `commit ${at + 1}`),
    };
    for (const [n, value] of values.entries())
      contents[`key ${n}`] = value === undefined ? [] : [new TextDecoder().decode(value)];
    await store.close();
    return contents;
  },
  async writeOn(directory) {
    const store = await openMerkle(directory, nodeVfs);
    const { root } = store;
    await setKeys(store, { 5: "more" });
    await store.rollback(1);
    if (!store.root.every((byte, at) => byte === root[at])) throw new Error("another root");
    await setKeys(store, { 1: "is back" });
    await store.close();
  },
};

export const stateStores: readonly GoldenStore[] = [...flatKvs, pages, merkle];
