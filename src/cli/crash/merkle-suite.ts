/** The suites about Merkle stores: commits, rollbacks, checkpoints, growth; recovery by opening, and the oracle. */
import { SeededRandom } from "../../base/index.js";
import type { ExploreCrashesOptions } from "../../testing/index.js";
import { type CrashSuite, crashCase } from "./crash-case.js";
import { effortOf } from "./effort.js";
import { pick } from "./log-calls.js";
import { type MerkleCall, MerkleCaller, randomMerkleCalls, randomMerkleCommit, randomTide } from "./merkle-calls.js";
import { type MerkleEvent, MerkleModel, type MerkleState } from "./merkle-model.js";
import { CLUSTER, type MerklePlan, type OpenMerkle, openMerkle, readMerkle } from "./merkle-place.js";
import { type StoreCase, storeExploration } from "./store-exploration.js";

/** What a case is made of. */
export interface MerkleCasePlan extends MerklePlan, StoreCase<MerkleCall> {}

/** A recovered store. */
export interface RecoveredMerkle {
  readonly open: OpenMerkle;
  readonly state: MerkleState;
  readonly view: string;
}

/** The exploration of a plan. */
export function merkleExploration(plan: MerkleCasePlan): ExploreCrashesOptions<RecoveredMerkle, MerkleEvent> {
  return storeExploration(plan, {
    open: (vfs, note) => MerkleCaller.open(vfs, plan, note),
    async recover({ vfs, note }) {
      const open = await openMerkle(vfs, plan);
      const state = await readMerkle(open.store, plan);
      const view = state.text;
      note({ kind: "opened", view });
      return { open, state, view };
    },
    refuse: ({ view }, before) => new MerkleModel(before, plan.undoable).refuse(view),
    async goOn({ open, state }, { vfs, note }, counts) {
      const caller = MerkleCaller.resume(vfs, plan, note, open, state);
      for (const count of counts) await caller.make({ call: "commits", count });
    },
  });
}

function merkleSuite(
  name: string,
  summary: string,
  weight: number,
  journals: readonly MerklePlan["journal"][],
  draw: (random: SeededRandom) => readonly MerkleCall[],
): CrashSuite {
  return {
    name,
    summary,
    weight,
    makeCase(index, seed) {
      const random = new SeededRandom(seed).fork(`${name} ${index}`);
      const calls = draw(random);
      const plan: MerkleCasePlan = {
        title: `${name}/${index}: ${calls.map(({ call }) => call).join(", ")}`,
        seed,
        journal: pick(random, journals),
        log: {
          blockBytes: 512,
          segmentBytes: 512 * pick(random, [32, 48, 96]),
          ...(random.chance(0.2) ? { durability: "os" } : {}),
          ...(random.chance(0.3) ? { flush: "inline" } : {}),
          spareSegmentsMax: random.below(2),
        },
        pages: {
          capacity: pick(random, [8, 16]),
          cache: pick(random, [{ bytes: 0, pinnedDepth: 0 }, { bytes: 64 * 1024 }]),
          checkpoint: pick(random, [
            "every-commit",
            { dirtyPagesMax: 1 },
            { dirtyPagesMax: 6 },
            { logBytesMax: 4096 },
            { dirtyPagesMax: 1000 },
          ] as const),
        },
        undoable: pick(random, [0, 2, 5]),
        roots: new Map(),
        calls,
        disk: { stale: random.chance(0.4), garbage: pick(random, ["written", "sector", "none"] as const) },
        effort: effortOf(name, index),
      };
      return crashCase(plan.title, merkleExploration(plan));
    },
  };
}

/** Commits, some undone, commits on top. */
function undone(random: SeededRandom): MerkleCall[] {
  const commit = (): MerkleCall => (random.chance(0.3) ? randomTide(random) : randomMerkleCommit(random));
  return [
    ...Array.from({ length: 1 + random.below(3) }, commit),
    { call: "rollback", commits: 1 + random.below(3) },
    ...(random.chance(0.5) ? [commit()] : []),
    ...(random.chance(0.3) ? [{ call: "reopen" } as const] : []),
    ...(random.chance(0.4) ? [{ call: "rollback", commits: 1 } as const, commit()] : []),
  ];
}

/** A page under a cluster of keys comes and goes. */
function tides(random: SeededRandom): MerkleCall[] {
  const { from, count } = CLUSTER;
  const all = (bytes: number): MerkleCall => ({
    call: "commit",
    changes: Array.from({ length: count }, (_, at) => [from + at, bytes] as const),
  });
  return [
    ...(random.chance(0.5) ? [all(2)] : []),
    ...Array.from({ length: 2 + random.below(3) }, () => randomTide(random)),
    ...(random.chance(0.3) ? [all(-1)] : []),
    randomMerkleCommit(random),
  ];
}

/** The suites about Merkle stores. */
export const merkleSuites: readonly CrashSuite[] = [
  merkleSuite("merkle", "random calls on a Merkle store", 3, ["own", "own", "log"], (random) =>
    randomMerkleCalls(random, 2 + random.below(4)),
  ),
  merkleSuite("merkle-stream", "the same on a stream of a shared log", 1, ["stream"], (random) =>
    randomMerkleCalls(random, 2 + random.below(3)),
  ),
  merkleSuite("merkle-rollback", "commits, and the way back", 1, ["own", "own", "log", "stream"], undone),
  merkleSuite("merkle-tides", "pages that come and go with their keys", 2, ["own", "own", "log"], tides),
];
