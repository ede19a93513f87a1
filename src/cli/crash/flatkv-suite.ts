/** The suites about commit stores: versions on several databases, snapshots, rollbacks, databases that get lost; recovery by opening, and the oracle. */
import { HoldfastError, SeededRandom } from "../../base/index.js";
import type { ExploreCrashesOptions, RecoverContext } from "../../testing/index.js";
import { type CrashSuite, crashCase } from "./crash-case.js";
import { effortOf } from "./effort.js";
import { type FlatCall, FlatCaller, randomCommit, randomFlatCalls } from "./flatkv-calls.js";
import { type FlatEvent, FlatModel, type FlatState } from "./flatkv-model.js";
import {
  type FlatPlan,
  type OpenFlat,
  checkDirectories,
  openFlat,
  readFlat,
  rebuildFlat,
  repairFlat,
} from "./flatkv-place.js";
import { pick } from "./log-calls.js";
import { type StoreCase, storeExploration } from "./store-exploration.js";

/** What a case is made of. */
export interface FlatCasePlan extends FlatPlan, StoreCase<FlatCall> {}

/** A recovered store. */
export interface RecoveredFlat {
  readonly open: OpenFlat;
  readonly state: FlatState;
  readonly view: string;
  /** How many databases were made anew. */
  readonly rebuilt: number;
}

/** The exploration of a plan. */
export function flatExploration(plan: FlatCasePlan): ExploreCrashesOptions<RecoveredFlat, FlatEvent> {
  return storeExploration(plan, {
    open: (vfs, note) => FlatCaller.open(vfs, plan, note),
    recover: (context) => recoverFlat(plan, context),
    refuse: (found, before) => new FlatModel(before).refuse(found),
    goOn: (state, context, counts) => goOn(plan, state, context, counts),
  });
}

/** Opens and reads the store, and notes what it showed. */
async function recoverFlat(plan: FlatCasePlan, { vfs, note }: RecoverContext<FlatEvent>): Promise<RecoveredFlat> {
  const open = await openFlat(vfs, plan).catch(async (error: unknown) => {
    if (!isWithoutHashes(error) || !plan.calls.some(({ call }) => call === "rebuild-hashes")) throw error;
    await rebuildFlat(vfs, plan);
    return await openFlat(vfs, plan);
  });
  const { store } = open;
  if (plan.calls.some(({ call }) => call === "repair")) await repairFlat(store);
  const { version, rebuilt } = store.recovery;
  const state = await readFlat(store);
  if (version !== state.version) throw new Error(`opening reported version ${version}, and shows ${state.version}`);
  await checkDirectories(vfs, store);
  const view = state.text;
  note({ kind: "opened", view, rebuilt: rebuilt.length });
  return { open, state, view, rebuilt: rebuilt.length };
}

function isWithoutHashes(error: unknown): boolean {
  return error instanceof HoldfastError && error.code === "HF_HASHES_MISSING";
}

/** New versions, the way back to the oldest one that the store says it reaches, and on from there. */
async function goOn(
  plan: FlatCasePlan,
  { open, state }: RecoveredFlat,
  { vfs, note }: RecoverContext<FlatEvent>,
  counts: readonly number[],
): Promise<void> {
  const caller = FlatCaller.resume(vfs, plan, note, open, state);
  for (const count of counts) {
    await caller.make({ call: "commits", count });
    if (state.version % 2 === 0) await caller.make({ call: "rollback", back: state.version % 4 === 0 ? 1 : 1_000 });
    await caller.make({ call: "commits", count: 1 });
  }
}

function flatSuite(
  name: string,
  summary: string,
  weight: number,
  journals: readonly FlatPlan["journal"][],
  draw: (random: SeededRandom, databases: number) => readonly FlatCall[],
): CrashSuite {
  return {
    name,
    summary,
    weight,
    makeCase(index, seed) {
      const random = new SeededRandom(seed).fork(`${name} ${index}`);
      const databases = pick(random, [1, 2, 2, 2, 3]);
      const calls = draw(random, databases);
      const everyCommits = pick(random, [0, 0, 0, 1, 2, 3]);
      const weak = random.chance(0.2);
      const plan: FlatCasePlan = {
        title: `${name}/${index}: ${databases} databases: ${calls.map(({ call }) => call).join(", ")}`,
        seed,
        databases,
        journal: pick(random, journals),
        log: {
          blockBytes: 512,
          // The hashes of all databases, and what else one version has.
          segmentBytes: 512 * pick(random, [8 + databases * 6, 16 + databases * 6, 40]),
          ...(random.chance(0.4) ? { recordBytesMax: pick(random, [600, 1500]) } : {}),
          ...(weak ? { durability: "os" } : {}),
          ...(random.chance(0.3) ? { flush: "inline" } : {}),
          spareSegmentsMax: random.below(2),
        },
        options: {
          syncEveryCommits: pick(random, [1, 2, 3, 1000]),
          // As many bytes are redone at a time.
          ...(random.chance(0.3) ? { syncEveryBytes: pick(random, [20, 60, 300]) } : {}),
          snapshots: { everyCommits, keep: 1 + random.below(2) },
        },
        calls,
        disk: { stale: random.chance(0.4), garbage: pick(random, ["written", "sector", "none"] as const) },
        effort: effortOf(name, index),
      };
      return crashCase(plan.title, flatExploration(plan));
    },
  };
}

/** Versions, a way back, versions on the new timeline. */
function backAndForth(random: SeededRandom, databases: number): FlatCall[] {
  const commit = (): FlatCall => randomCommit(random, databases);
  return [
    { call: "commits", count: 1 + random.below(3) },
    ...(random.chance(0.6) ? [{ call: "snapshot" } as const] : []),
    ...Array.from({ length: random.below(3) }, commit),
    { call: "rollback", back: 1 + random.below(3) },
    ...Array.from({ length: random.below(2) }, commit),
    ...(random.chance(0.4) ? [{ call: "rollback", back: 1 + random.below(2) } as const, commit()] : []),
    ...(random.chance(0.3) ? [{ call: "reopen" } as const] : []),
  ];
}

/** A database goes missing, or can't be read, with a snapshot to make it from or without. */
function losses(random: SeededRandom, databases: number): FlatCall[] {
  const lose = (): FlatCall => ({
    call: "lose",
    database: random.below(databases),
    how: pick(random, ["missing", "unreadable", "empty"] as const),
  });
  return [
    { call: "commits", count: 1 + random.below(3) },
    ...(random.chance(0.5) ? [{ call: "snapshot" } as const] : []),
    ...randomFlatCalls(random, databases, random.below(2)),
    lose(),
    randomCommit(random, databases),
    ...(random.chance(0.3) ? [lose()] : []),
  ];
}

/** An export is put in the place of the store, at once or after interrupted tries, and the store goes on from there. */
function imports(random: SeededRandom, databases: number): FlatCall[] {
  const commit = (): FlatCall => randomCommit(random, databases);
  return [
    ...Array.from({ length: 1 + random.below(2) }, commit),
    ...(random.chance(0.3) ? [{ call: "snapshot" } as const] : []),
    { call: "export" },
    ...Array.from({ length: random.below(3) }, commit),
    { call: "import", tries: random.below(3) },
    commit(),
    ...(random.chance(0.3) ? [{ call: "rollback", back: 1 } as const] : []),
    ...(random.chance(0.3) ? [{ call: "import", tries: random.below(2) } as const] : []),
  ];
}

/** A database has a row that is not what was written, and is repaired, from a snapshot or without. */
function spoiled(random: SeededRandom, databases: number): FlatCall[] {
  const commit = (): FlatCall => randomCommit(random, databases);
  return [
    ...Array.from({ length: 1 + random.below(2) }, commit),
    ...(random.chance(0.5) ? [{ call: "snapshot" } as const, commit()] : []),
    { call: "repair", database: random.below(databases) },
    commit(),
  ];
}

/** Databases lose their metadata, and the store is made anew of its rows; it goes on from there. */
function withoutHashes(random: SeededRandom, databases: number): FlatCall[] {
  const commit = (): FlatCall => randomCommit(random, databases);
  return [
    ...Array.from({ length: 1 + random.below(2) }, commit),
    ...(random.chance(0.3) ? [{ call: "snapshot" } as const] : []),
    { call: "rebuild-hashes" },
    commit(),
    ...(random.chance(0.3) ? [{ call: "rollback", back: 1 } as const] : []),
  ];
}

/** The suites about commit stores. */
export const flatSuites: readonly CrashSuite[] = [
  flatSuite(
    "flatkv",
    "random calls on a commit store with a log of its own",
    3,
    ["own", "own", "log"],
    (random, databases) => randomFlatCalls(random, databases, 2 + random.below(4)),
  ),
  flatSuite("flatkv-stream", "the same on a stream of a shared log", 1, ["stream"], (random, databases) =>
    randomFlatCalls(random, databases, 2 + random.below(3)),
  ),
  flatSuite(
    "flatkv-rollback",
    "versions, rollbacks, and versions on new timelines",
    2,
    ["own", "own", "log", "stream"],
    backAndForth,
  ),
  flatSuite("flatkv-rebuild", "databases that get lost and are made anew", 1, ["own", "own", "log"], losses),
  flatSuite("flatkv-repair", "databases with a spoiled row, repaired", 1, ["own", "own", "log", "stream"], spoiled),
  flatSuite(
    "flatkv-hashes",
    "stores made anew of rows without hashes",
    1,
    ["own", "own", "log", "stream"],
    withoutHashes,
  ),
  flatSuite("flatkv-import", "exports put in the place of stores", 1, ["own", "own", "log", "stream"], imports),
];
