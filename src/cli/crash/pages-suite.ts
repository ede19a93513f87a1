/** The suites about page stores: commits of pages in all their ways, checkpoints, tables that grow; recovery by opening, and the oracle. */
import { SeededRandom } from "../../base/index.js";
import type { ExploreCrashesOptions, RecoverContext } from "../../testing/index.js";
import { type CrashSuite, crashCase } from "./crash-case.js";
import { effortOf } from "./effort.js";
import { pick } from "./log-calls.js";
import { PagesCaller, type PagesCall, randomPages, randomPagesCalls } from "./pages-calls.js";
import { type PagesEvent, PagesModel } from "./pages-model.js";
import { type OpenPages, type PagesPlan, checkTable, openPages, readPages } from "./pages-place.js";
import { type StoreCase, storeExploration } from "./store-exploration.js";

/** What a case is made of. */
export interface PagesCasePlan extends PagesPlan, StoreCase<PagesCall> {}

/** A recovered store. */
export interface RecoveredPages {
  readonly open: OpenPages;
  readonly view: string;
}

/** The exploration of a plan. */
export function pagesExploration(plan: PagesCasePlan): ExploreCrashesOptions<RecoveredPages, PagesEvent> {
  return storeExploration(plan, {
    open: (vfs, note) => PagesCaller.open(vfs, plan, note),
    recover: (context) => recoverPages(plan, context),
    refuse: ({ view }, before) => new PagesModel(before).refuse(view),
    goOn: (state, context, counts) => goOn(plan, state, context, counts),
  });
}

/** Opens and reads the store, and notes what it showed. */
async function recoverPages(plan: PagesCasePlan, { vfs, note }: RecoverContext<PagesEvent>): Promise<RecoveredPages> {
  const open = await openPages(vfs, plan);
  const view = await readPages(open, plan);
  if (open.store.recovery.sequence !== open.store.sequence) throw new Error("opening reported another sequence");
  await checkTable(vfs, open);
  note({ kind: "opened", view });
  return { open, view };
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
