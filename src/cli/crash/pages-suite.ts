/** The suites about page stores: commits of pages in all their ways, checkpoints, tables that grow; recovery by opening, and the oracle. */
import { SeededRandom } from "../../base/index.js";
import type { ExploreCrashesOptions, RecoverContext } from "../../testing/index.js";
import type { SimVfs } from "../../vfs/index.js";
import { type CrashSuite, crashCase } from "./crash-case.js";
import { type Effort, effortOf } from "./effort.js";
import { pick } from "./log-calls.js";
import { PagesCaller, type PagesCall, randomPages, randomPagesCalls } from "./pages-calls.js";
import { type PagesEvent, PagesModel } from "./pages-model.js";
import { type OpenPages, type PagesPlan, checkTable, openPages, readPages } from "./pages-place.js";

/** What a case is made of. */
export interface PagesCasePlan extends PagesPlan {
  readonly title: string;
  readonly seed: number;
  readonly calls: readonly PagesCall[];
  readonly disk?: ExploreCrashesOptions<unknown, unknown>["disk"];
  readonly effort: Effort;
}

/** A recovered store. */
export interface RecoveredPages {
  readonly open: OpenPages;
  readonly view: string;
}

/** The exploration of a plan. */
export function pagesExploration(plan: PagesCasePlan): ExploreCrashesOptions<RecoveredPages, PagesEvent> {
  const { followUps, ...limits } = plan.effort;
  const check = ({ view }: RecoveredPages, events: readonly PagesEvent[]): void => {
    const own = events.findLastIndex(({ kind }) => kind === "opened");
    const problem = new PagesModel(events.slice(0, own)).refuse(view);
    if (problem !== undefined) throw new Error(`the recovered store: ${problem}`);
  };
  return {
    name: plan.title,
    seed: plan.seed,
    steps: plan.calls.length,
    ...limits,
    // A page takes eight sectors, and most subsets of what was written come to the same. So telling states and samples soon take over.
    capPerPoint: 64,
    samplesPerPoint: 32,
    ...(plan.disk === undefined ? {} : { disk: plan.disk }),
    async workload({ vfs, note, steps }) {
      await makeParent(vfs);
      const caller = await PagesCaller.open(vfs, plan, note);
      for (const call of steps === 0 ? plan.calls : plan.calls.slice(0, steps)) await caller.make(call);
      await caller.close();
    },
    recover: (context) => recoverPages(plan, context),
    check,
    describe: ({ view }) => view,
    ...(followUps === undefined
      ? {}
      : {
          idempotent: true as const,
          close: ({ open }: RecoveredPages) => open.close(),
          resume: (state: RecoveredPages, context: RecoverContext<PagesEvent>) => goOn(plan, state, context, followUps),
          checkResumed: check,
        }),
  };
}

/** Opens and reads the store, and notes what it showed. */
export async function recoverPages(
  plan: PagesCasePlan,
  { vfs, note }: RecoverContext<PagesEvent>,
): Promise<RecoveredPages> {
  await makeParent(vfs);
  const open = await openPages(vfs, plan);
  const view = await readPages(open, plan);
  if (open.store.recovery.sequence !== open.store.sequence) throw new Error("opening reported another sequence");
  await checkTable(vfs, open);
  note({ kind: "opened", view });
  return { open, view };
}

/** The caller's part: what a store is in has to be there. */
async function makeParent(vfs: SimVfs): Promise<void> {
  await vfs.makeDirectory("/data");
  await vfs.syncDirectory("/");
}

/** Commits, a checkpoint, and commits on that. */
async function goOn(
  plan: PagesCasePlan,
  { open }: RecoveredPages,
  { vfs, note }: RecoverContext<PagesEvent>,
  counts: readonly number[],
): Promise<void> {
  const caller = await PagesCaller.resume(vfs, plan, note, open);
  const random = new SeededRandom(plan.seed + open.store.sequence);
  for (const count of counts) {
    for (let commit = 0; commit < count; commit++)
      await caller.make({ call: "commit", pages: randomPages(random, plan.ids, 2) });
    if (random.chance(0.5)) await caller.make({ call: "checkpoint" });
    await caller.make({ call: "commit", pages: randomPages(random, plan.ids, 2) });
  }
}

function pagesSuite(
  name: string,
  summary: string,
  weight: number,
  draw: (random: SeededRandom) => Pick<PagesCasePlan, "ids" | "calls"> & { readonly capacity: number },
): CrashSuite {
  return {
    name,
    summary,
    weight,
    makeCase(index, seed) {
      const random = new SeededRandom(seed).fork(`${name} ${index}`);
      const { ids, calls, capacity } = draw(random);
      const weak = random.chance(0.2);
      const plan: PagesCasePlan = {
        title: `${name}/${index}: ${ids} pages, ${capacity} buckets: ${calls.map(({ call }) => call).join(", ")}`,
        seed,
        ids,
        calls,
        journal: pick(random, ["own", "own", "log", "stream"] as const),
        log: {
          blockBytes: 512,
          // A commit of all pages, whole.
          segmentBytes: 512 * pick(random, [48, 80, 128]),
          ...(weak ? { durability: "os" } : {}),
          ...(random.chance(0.3) ? { flush: "inline" } : {}),
          spareSegmentsMax: random.below(2),
        },
        options: {
          capacity,
          loadMax: pick(random, [0.85, 0.9, 0.5]),
          checkpoint: pick(random, [
            "every-commit",
            { dirtyPagesMax: 1 + random.below(4) },
            { logBytesMax: pick(random, [300, 1000, 3000]) },
            {},
          ] as const),
          torn: "double-write",
          writeBackPages: pick(random, [1, 2, 3, 512]),
          cache: { bytes: pick(random, [0, 0, 10_000, 1 << 20]), pinnedDepth: random.below(3) },
        },
        keep: random.below(3),
        disk: { stale: random.chance(0.4), garbage: pick(random, ["written", "sector", "none"] as const) },
        effort: effortOf(name, index),
      };
      return crashCase(plan.title, pagesExploration(plan));
    },
  };
}

/** The suites about page stores. */
export const pagesSuites: readonly CrashSuite[] = [
  pagesSuite("pages", "commits of pages, checkpoints, and what becomes of buckets that pages leave", 3, (random) => {
    const ids = 2 + random.below(5);
    return { ids, calls: randomPagesCalls(random, ids, 2 + random.below(4)), capacity: 16 };
  }),
  pagesSuite("pages-growth", "the same in tables that are too small, and grow meanwhile", 2, (random) => {
    const ids = 6 + random.below(6);
    return {
      ids,
      capacity: 8,
      calls: [
        { call: "commit", pages: randomPages(random, ids, ids, 0) },
        { call: "commit", pages: randomPages(random, ids, 3 + random.below(6), 0.1) },
        ...randomPagesCalls(random, ids, 1 + random.below(3)).slice(1),
        { call: "commit", pages: randomPages(random, ids, 4, 0.6) },
      ],
    };
  }),
];
