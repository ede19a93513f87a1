/** Hunts for what is wrong with a Merkle store: short workloads looked at closely, and stories that end well or throw. */
import { HoldfastError } from "../../src/base/index.js";
import { type MerkleCall, MerkleCaller, type MerkleChange } from "../../src/cli/crash/merkle-calls.js";
import { CLUSTER, KEYS, keyOf, type MerklePlan } from "../../src/cli/crash/merkle-place.js";
import { type MerkleCasePlan, merkleExploration } from "../../src/cli/crash/merkle-suite.js";
import { type Engine, type EngineDatabase, memoryEngine } from "../../src/engine/index.js";
import { Log } from "../../src/log/index.js";
import { exploreCrashes } from "../../src/testing/index.js";
import { exchange, filesOf } from "../../src/trie/exchanged-files.contract.js";
import { MerkleStore, type MerkleStoreOptions } from "../../src/trie/index.js";
import { SimVfs } from "../../src/vfs/index.js";

/** Resolves to how many states were looked at. */
type Story = () => Promise<number>;

const PLAN: Omit<MerklePlan, "roots"> = {
  journal: "own",
  log: { blockBytes: 512, segmentBytes: 65_536 },
  pages: { capacity: 16, cache: { bytes: 0, pinnedDepth: 0 }, checkpoint: { dirtyPagesMax: 1000 } },
  undoable: 0,
};

const commit = (...changes: readonly MerkleChange[]): MerkleCall => ({ call: "commit", changes });
/** The first `count` keys of the cluster, from the `from`-th on. */
const tide = (count: number, bytes: number, from = 0): MerkleCall =>
  commit(...Array.from({ length: count }, (_, at): MerkleChange => [CLUSTER.from + from + at, bytes]));
const CHECKPOINT: MerkleCall = { call: "checkpoint" };
const REOPEN: MerkleCall = { call: "reopen" };

interface Look {
  readonly plan?: Partial<MerklePlan>;
  readonly effort?: MerkleCasePlan["effort"];
  readonly capPerPoint?: number;
}

const FLAT = { depth: 1, kill: true, nestedShare: 0, nestedCap: 1 } as const;

/** One short workload, looked at closely. */
function closely(title: string, calls: readonly MerkleCall[], look: Look = {}): [string, Story] {
  return [
    title,
    async () => {
      const { steps: _, ...exploration } = merkleExploration({
        title,
        seed: 1,
        ...PLAN,
        ...look.plan,
        roots: new Map(),
        calls,
        disk: { garbage: "sector" },
        effort: look.effort ?? FLAT,
      });
      const budget = { capPerPoint: look.capPerPoint ?? 6, samplesPerPoint: 4, statesMax: 500 };
      return (await exploreCrashes({ ...exploration, ...budget })).raw;
    },
  ];
}

/** Calls, one after the other, after each of which everything is read and checked. */
function calmly(title: string, calls: readonly MerkleCall[], plan: Partial<MerklePlan> = {}): [string, Story] {
  return [
    title,
    async () => {
      const vfs = await place();
      const caller = await MerkleCaller.open(vfs, { ...PLAN, ...plan, roots: new Map() }, () => undefined);
      for (const call of calls) await caller.make(call);
      await caller.close();
      return calls.length;
    },
  ];
}

async function place(): Promise<SimVfs> {
  const vfs = new SimVfs({ seed: 1 });
  await vfs.makeDirectory("/data");
  await vfs.syncDirectory("/");
  return vfs;
}

const PATH = "/data/store";
const RARE: MerkleStoreOptions = { pages: { capacity: 16, checkpoint: { dirtyPagesMax: 1000 } } };

async function open(vfs: SimVfs, options: MerkleStoreOptions = RARE): Promise<MerkleStore> {
  return await MerkleStore.open(PATH, { vfs, engine: memoryEngine({ vfs }), ...options });
}

async function put(store: MerkleStore, keys: readonly number[], value: number): Promise<void> {
  const session = store.begin();
  for (const n of keys) session.put(keyOf(n), Uint8Array.of(value));
  await session.commit();
}

async function expectValue(store: MerkleStore, n: number, expected: number): Promise<void> {
  const value = await store.get(keyOf(n));
  if (value?.[0] !== expected) throw new Error(`key ${n} has ${value?.[0]}, and was given ${expected}`);
}

async function expectSound(store: MerkleStore): Promise<void> {
  const { problems } = await store.verify();
  if (problems[0] !== undefined) throw new Error(problems[0].message);
}

async function expectCode(promise: Promise<unknown>, code: string): Promise<void> {
  const error: unknown = await promise.catch((thrown: unknown) => thrown);
  const found = error instanceof HoldfastError ? error.code : error === undefined ? "success" : typeof error;
  if (found !== code) throw new Error(`${code} was due, and it came to ${found}`);
}

/** An engine whose batches are with the rows for a while before, or after, anybody hears of it. */
function slowly(vfs: SimVfs, delays: { before: number; after: number }): Engine {
  const engine = memoryEngine({ vfs });
  const wrap = (database: EngineDatabase): EngineDatabase =>
    new Proxy(database, {
      get(target, name) {
        if (name === "batch")
          return () => {
            const batch = target.batch();
            return {
              size: 0,
              put: (key: Uint8Array, value: Uint8Array) => batch.put(key, value),
              delete: (key: Uint8Array) => batch.delete(key),
              async write(options?: { readonly sync?: boolean }) {
                if (delays.before > 0) await vfs.delay(delays.before);
                await batch.write(options);
                if (delays.after > 0) await vfs.delay(delays.after);
              },
            };
          };
        const call: unknown = Reflect.get(target, name);
        return typeof call === "function" ? (call as (...args: unknown[]) => unknown).bind(target) : call;
      },
    });
  return {
    name: engine.name,
    create: async (directory) => wrap(await engine.create(directory)),
    async open(directory) {
      const database = await engine.open(directory);
      return database && wrap(database);
    },
    copy: (from, to, options) => engine.copy(from, to, options),
    remove: (directory) => engine.remove(directory),
  };
}

/** The rows of redone commits are durable before the checkpoint that an opening makes. */
const redoneRows: Story = async () => {
  const first = await place();
  await put(await open(first), [0, 1], 7);
  let vfs = first.powerCut();
  await open(vfs, { pages: { checkpoint: "every-commit" } });
  vfs = vfs.powerCut();
  await expectValue(await open(vfs), 0, 7);
  return 2;
};

/** An opening that starts a checkpoint waits for the rows that this writes. */
const openingWaits: Story = async () => {
  const first = await place();
  await put(await open(first), [0, 1], 7);
  const vfs = first.powerCut();
  const engine = slowly(vfs, { before: 1000, after: 0 });
  const store = await open(vfs, { engine, pages: { checkpoint: { dirtyPagesMax: 1 } } });
  await expectValue(store, 0, 7);
  await store.close();
  return 1;
};

/** While rows are with the engine and their commit is not published, nobody reads them. */
const readersWait: Story = async () => {
  const vfs = await place();
  const delays = { before: 0, after: 0 };
  const store = await open(vfs, { ...RARE, engine: slowly(vfs, delays) });
  await put(store, [0, 1], 1);
  const session = store.begin();
  session.put(keyOf(0), Uint8Array.of(2));
  delays.after = 500;
  const committing = session.commit();
  for (let look = 0; look < 400 && store.sequence === 1; look++) {
    const began = store.sequence;
    const read = store.get(keyOf(0)).then((value) => ({ value: value?.[0], sequence: store.sequence }));
    await vfs.delay(1);
    if (began !== 1 || store.sequence !== 1) continue;
    const early = await Promise.race([read, vfs.delay(1)]);
    if (early !== undefined && early.value === 2 && early.sequence === 1)
      throw new Error("a reader saw a commit that was not published");
  }
  await committing;
  await store.close();
  return 1;
};

/** A session that was prepared before another one was is prepared again. */
const preparedTwice: Story = async () => {
  const store = await open(await place());
  const one = store.begin();
  one.put(keyOf(0), Uint8Array.of(1));
  await one.prepare();
  const other = store.begin();
  other.put(keyOf(1), Uint8Array.of(2));
  await other.prepare();
  await one.commit();
  await expectValue(store, 0, 1);
  await expectCode(other.commit(), "HF_STALE_SESSION");
  await expectSound(store);
  await store.close();
  return 1;
};

/** Values of an older moment, and of a newer one than the journal, are refused, however often one tries. */
const otherMoments: Story = async () => {
  const first = await place();
  const store = await open(first);
  await put(store, [0, 1], 1);
  await store.checkpoint();
  const olderValues = await filesOf(first, `${PATH}/values`);
  await put(store, [0], 2);
  await store.checkpoint();
  await put(store, [1], 3);
  const olderPages = await filesOf(first, `${PATH}/pages`);
  await put(store, [2], 4);
  for (const [directory, files] of [
    [`${PATH}/values`, olderValues],
    [`${PATH}/pages`, olderPages],
  ] as const) {
    const vfs = first.kill();
    const newest = await filesOf(vfs, directory);
    await exchange(vfs, directory, files);
    for (let opening = 0; opening < 2; opening++) await expectCode(open(vfs), "HF_CORRUPTION");
    await exchange(vfs, directory, newest);
  }
  return 4;
};

/** Two stores that were given one journal: the second commit of the other one is refused, and the first store opens again. */
const oneJournal: Story = async () => {
  const vfs = await place();
  const journal = await Log.open("/data/log", { vfs });
  const one = await open(vfs, { ...RARE, journal });
  const other = await MerkleStore.open("/data/other", { vfs, engine: memoryEngine({ vfs }), journal });
  await put(one, [0], 1);
  await expectCode(put(other, [0], 2), "HF_POISONED");
  await put(one, [1], 3);
  await other.close();
  await one.close();
  await expectValue(await open(vfs, { ...RARE, journal }), 1, 3);
  return 1;
};

const TWO = { undoable: 5 } as const;
const ALL = Array.from({ length: KEYS }, (_, n): MerkleChange => [n, 1 + (n % 3)]);

/** Hunts by name. */
export const trieHunts: readonly (readonly [string, Story])[] = [
  ["trie redone rows", redoneRows],
  ["trie opening waits", openingWaits],
  ["trie readers", readersWait],
  ["trie prepared", preparedTwice],
  ["trie other moments", otherMoments],
  ["trie one journal", oneJournal],
  calmly("trie calls", [
    commit(...ALL),
    commit([0, -1], [1, -1], [50, -1]),
    commit([0, 3], [2, -1]),
    { call: "commit", changes: [[3, 4]], rival: true },
    commit(...ALL.map(([n]): MerkleChange => [n, -1])),
    commit([5, 1]),
    commit([5, -1], [6, 0]),
    { call: "fail" },
    REOPEN,
    commit([0, 2]),
  ]),
  calmly("trie tides", [
    tide(20, 1),
    tide(1, -1),
    tide(1, 2),
    CHECKPOINT,
    REOPEN,
    tide(3, -1, 5),
    tide(40, 3),
    tide(4, 2, 32),
    tide(30, -1),
    REOPEN,
    tide(25, 1, 3),
    tide(40, -1),
    commit([0, 1], [1, 1]),
    tide(21, 2),
    tide(2, -1),
    tide(2, 1),
  ]),
  calmly("trie large values", [
    commit([0, 1200], [1, 1200], [2, 1200], [3, 5]),
    REOPEN,
    commit([0, 3], [1, -1]),
    commit([0, 1200]),
    commit([0, -1]),
  ]),
  calmly("trie one large value", [commit([0, 1200], [3, 5]), REOPEN, commit([0, 3])]),
  calmly(
    "trie rollback",
    [
      commit([0, 1], [1, 1]),
      commit([0, 2], [2, 2]),
      commit([0, 3], [1, -1]),
      CHECKPOINT,
      { call: "rollback", commits: 2 },
      commit([3, 1]),
      REOPEN,
      { call: "rollback", commits: 2 },
      commit([0, 4]),
      commit([0, 5]),
      { call: "rollback", commits: 1 },
      { call: "rollback", commits: 1 },
    ],
    { ...TWO, log: { blockBytes: 512, segmentBytes: 4096 } },
  ),
  closely("trie commits", [commit([0, 1], [1, 9], [2, 9]), commit([0, 5], [1, -1], [3, 1]), commit([2, -1])]),
  closely("trie checkpoints", [commit([0, 1], [1, 9]), CHECKPOINT, commit([0, 5], [1, -1], [3, 1]), CHECKPOINT]),
  closely("trie terminators", [
    commit([0, 1], [1, 1], [2, 1], [3, 1], [4, 1], [5, 1]),
    CHECKPOINT,
    commit([0, -1], [1, -1], [2, -1], [3, -1]),
    commit([0, 2], [4, -1]),
  ]),
  closely("trie making", [commit([0, 1], [1, 1])], { capPerPoint: 24 }),
];
