/** Hunts for what is wrong with a page store: short workloads looked at closely, and stories that end well or throw. */
import { CorruptionError, SeededRandom } from "../../src/base/index.js";
import { type PageCall, type PagesCall, PagesCaller, randomPages } from "../../src/cli/crash/pages-calls.js";
import { type OpenPages, PAGES_PATH, type PagesPlan, openPages, pageIdOf } from "../../src/cli/crash/pages-place.js";
import { type PagesCasePlan, pagesExploration } from "../../src/cli/crash/pages-suite.js";
import { failBooksOfGrowth } from "../../src/pages/failed-books.contract.js";
import { exploreCrashes, exploreFaults } from "../../src/testing/index.js";
import { type Chooser, SimVfs, keepEverything, keepSome } from "../../src/vfs/index.js";
import { FLAT_ERRNOS } from "../crash/flatkv-faults.contract.js";
import { pagesFaults } from "../crash/pages-faults.contract.js";

/** Resolves to how many states were looked at. */
type Story = () => Promise<number>;

const PLAN: PagesPlan = {
  ids: 9,
  journal: "own",
  log: { blockBytes: 512, segmentBytes: 65_536 },
  options: { capacity: 16, cache: { bytes: 0, pinnedDepth: 0 }, checkpoint: {} },
  keep: 0,
};

const EFFORTS = [
  { depth: 1, kill: true, nestedShare: 0, nestedCap: 1 },
  { depth: 1, kill: true, nestedShare: 0, nestedCap: 1, followUps: [1], followUpShare: 1 / 2 },
] as const;
const NESTED = [{ depth: 2, kill: true, nestedShare: 1 / 2, nestedCap: 24 }] as const;

function nodes(...pages: readonly number[]): PageCall[] {
  return pages.map((page) => [page, "nodes"]);
}

function clear(...pages: readonly number[]): PageCall[] {
  return pages.map((page) => [page, "clear"]);
}

const commit = (...pages: readonly PageCall[]): PagesCall => ({ call: "commit", pages });

interface Look {
  readonly plan?: Partial<PagesCasePlan>;
  readonly options?: PagesPlan["options"];
  readonly seeds?: number;
  readonly efforts?: readonly PagesCasePlan["effort"][];
}

/** One short workload, looked at closely. A failure is not made shorter: the workload is short. */
function closely(title: string, calls: readonly PagesCall[], look: Look = {}): [string, Story] {
  return [
    title,
    async () => {
      let states = 0;
      for (let seed = 1; seed <= (look.seeds ?? 1); seed++) {
        for (const effort of look.efforts ?? EFFORTS) {
          const { steps: _, ...exploration } = pagesExploration({
            title,
            seed,
            ...PLAN,
            disk: { garbage: "sector" },
            ...look.plan,
            options: { ...PLAN.options, ...look.options },
            calls,
            effort,
          });
          const budget = { capPerPoint: 24, samplesPerPoint: 12, statesMax: 1500 };
          states += (await exploreCrashes({ ...exploration, ...budget })).raw;
        }
      }
      return states;
    },
  ];
}

/** A store on a disk of its own, where the directory above it is. */
async function place(seed: number): Promise<SimVfs> {
  const vfs = new SimVfs({ seed });
  await vfs.makeDirectory("/data");
  await vfs.syncDirectory("/");
  return vfs;
}

async function makeCalls(vfs: SimVfs, plan: PagesPlan, calls: readonly PagesCall[]): Promise<PagesCaller> {
  const caller = await PagesCaller.open(vfs, plan, () => undefined);
  for (const call of calls) await caller.make(call);
  return caller;
}

/** A page that a commit after the checkpoint changed is damaged in its bucket: opening tells it. */
const unreadable: Story = async () => {
  const vfs = await place(1);
  // Without images, from which opening would mend the page.
  const plan: PagesPlan = { ...PLAN, options: { ...PLAN.options, torn: "trust" } };
  await makeCalls(vfs, plan, [commit(...nodes(0, 1, 2)), { call: "checkpoint" }, commit(...nodes(0, 1, 2))]);
  const path = `${PAGES_PATH}/table-0000000000000001`;
  const after = vfs.powerCut(keepEverything);
  const { bytes } = (await after.stat(path))!;
  const file = await after.open(path, { access: "read-write" });
  // Every bucket, so that each page that is there is damaged.
  for (let offset = 8192; offset < bytes; offset += 4096) await file.write(Uint8Array.of(0x55), offset + 100);
  await file.close();
  const opened: unknown = await openPages(after, plan).catch((error: unknown) => error);
  if (!(opened instanceof CorruptionError)) throw new Error("a page that is damaged was opened as another");
  return 1;
};

/** Images are left behind by a crash; then pages are written past the buffer; then the buffer is used again. */
const trusted: Story = async () => {
  const trust: PagesPlan = { ...PLAN, options: { ...PLAN.options, torn: "trust" } };
  let vfs = await place(1);
  await makeCalls(vfs, PLAN, [commit(...nodes(0, 1, 2)), { call: "checkpoint" }]);
  vfs = vfs.powerCut(keepEverything);
  let open = await openPages(vfs, trust);
  const caller = await PagesCaller.resume(vfs, trust, () => undefined, open);
  await caller.make(commit(...nodes(0, 1, 2)));
  await caller.make({ call: "checkpoint" });
  const expected = await contents(open);
  vfs = vfs.powerCut(keepEverything);
  open = await openPages(vfs, PLAN);
  if ((await contents(open)) !== expected) throw new Error("old images came back over pages");
  return 1;
};

async function contents({ store }: OpenPages): Promise<string> {
  const texts: string[] = [];
  for (let number = 0; number < PLAN.ids; number++)
    texts.push(Buffer.from((await store.load(pageIdOf(number)))?.bytes.subarray(0, 4032) ?? []).toString("base64"));
  return texts.join();
}

/** Pages come and go for long, in a table that is often nearly full or nearly empty; each is found after each commit. */
const sweep: Story = async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const plan = { ...PLAN, ids: 14, options: { ...PLAN.options, loadMax: 0.9, checkpoint: "every-commit" } } as const;
    const random = new SeededRandom(seed);
    const caller = await makeCalls(await place(seed), plan, []);
    for (let round = 0; round < 40; round++) {
      await caller.make(commit(...randomPages(random, plan.ids, 3, round % 10 < 5 ? 0.2 : 0.8)));
      await caller.make({ call: "read" });
    }
    await caller.close();
  }
  return 12;
};

/** Pages are torn, put back from their images, and torn from the disk again while the next ones are protected. */
const restored: Story = async () => {
  const plan: PagesPlan = { ...PLAN, options: { ...PLAN.options, checkpoint: "every-commit", writeBackPages: 1 } };
  for (let seed = 1; seed <= 60; seed++) {
    const vfs = new SimVfs({ seed, garbage: "sector" });
    await vfs.makeDirectory("/data");
    await vfs.syncDirectory("/");
    const caller = await makeCalls(vfs, plan, [commit(...nodes(0, 1, 2, 3))]);
    // As a page is in place, and not synced.
    let syncs = 0;
    const isPlaced = (operation: string, path: string): boolean =>
      operation === "sync-data" && path.includes("table-") && ++syncs === 2 + (seed % 3);
    const torn = await cutWhen(vfs, isPlaced, keepSome(new SeededRandom(seed)), () =>
      caller.make(commit(...nodes(0, 1, 2, 3))),
    );
    // Once a page was put back, and the image of another is about to be in place of its own.
    let phase = 0;
    const isProtected = (operation: string, path: string): boolean => {
      if (operation !== "write") return false;
      if (path.includes("table-")) {
        if (phase === 2) return true;
        phase = 1;
      } else if (path.includes("double-write") && phase === 1) phase = 2;
      return false;
    };
    const again = await cutWhen(torn, isProtected, keepSome(new SeededRandom(seed + 1000)), () =>
      openPages(torn, plan),
    );
    await (await openPages(again, plan)).close();
  }
  return 60;
};

/** The books fail as they are about to name a larger table. */
const booksFail: Story = async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const { acked, found } = await failBooksOfGrowth(seed);
    if (found < acked) throw new Error("a commit that was acknowledged is lost");
  }
  return 10;
};

/** Cuts the power as an operation begins, or once `act` is through where it never does. */
async function cutWhen(
  vfs: SimVfs,
  isMoment: (operation: string, path: string) => boolean,
  chooser: Chooser,
  act: () => Promise<unknown>,
): Promise<SimVfs> {
  const cut = new Promise<SimVfs>((resolve) => {
    vfs.trace = (operation, path) => {
      if (vfs.dead || !isMoment(operation, path)) return;
      vfs.trace = undefined;
      resolve(vfs.powerCut(chooser));
    };
  });
  return await Promise.race([cut, act().then(() => vfs.powerCut(chooser))]);
}

/** A page store whose operations fail, in one way each. */
const faults: Story = async () => {
  const options = pagesFaults("page store", { journal: "own" }, 1);
  return (await exploreFaults({ ...options, errnos: FLAT_ERRNOS, samples: 0, recoveryPoints: 0 })).states;
};

const small: PagesPlan["options"] = { capacity: 8, loadMax: 0.9 };
const lazily: PagesPlan["options"] = { checkpoint: { dirtyPagesMax: 2 }, writeBackPages: 2 };

/** By name. */
export const pagesHunts: readonly (readonly [string, Story])[] = [
  closely("pages plain", [commit(...nodes(0, 1)), commit(...nodes(1, 2))]),
  closely("pages creation", [commit(...nodes(0))], { plan: { journal: "log" } }),
  closely("pages commits", [
    commit(...nodes(0, 1, 2)),
    commit([0, "halves"], ...nodes(1, 3)),
    commit(...nodes(0, 1), ...clear(2)),
  ]),
  closely("pages halves", [
    commit(...nodes(0, 1, 2)),
    commit([0, "halves"], [1, "halves"], [2, "halves"]),
    { call: "checkpoint" },
    commit([0, "halves"], [1, "halves"], [2, "halves"]),
  ]),
  closely(
    "pages reuse",
    [
      commit(...nodes(0, 1, 2, 3, 4, 5)),
      { call: "checkpoint" },
      commit(...clear(0, 1, 2, 3), ...nodes(6, 7, 8)),
      commit(...clear(4), ...nodes(0)),
    ],
    { options: small, seeds: 3 },
  ),
  closely("pages dropped", [
    commit(...nodes(0, 1, 2)),
    { call: "drop", pages: [...clear(0), ...nodes(3, 4)] },
    commit(...nodes(1)),
    { call: "drop", pages: [...clear(1), ...nodes(5)] },
    { call: "checkpoint" },
    commit(...nodes(0)),
  ]),
  closely(
    "pages checkpoints",
    [commit(...nodes(0, 1, 2)), commit(...nodes(0, 3)), commit(...nodes(1), ...clear(2)), commit(...nodes(0, 1, 3))],
    { options: lazily, plan: { keep: 2 }, seeds: 2 },
  ),
  closely(
    "pages recovered twice",
    [commit(...nodes(0, 1, 2)), { call: "checkpoint" }, commit(...nodes(0, 3), ...clear(1)), commit(...nodes(0, 2))],
    { efforts: [...NESTED, ...EFFORTS], options: { writeBackPages: 1, checkpoint: { logBytesMax: 300 } } },
  ),
  closely(
    "pages growing",
    [commit(...nodes(0, 1, 2, 3, 4)), commit(...nodes(5, 6, 7)), commit(...nodes(8, 0)), commit(...clear(3))],
    { options: { ...small, ...lazily } },
  ),
  closely(
    "pages growing beside",
    [
      commit(...nodes(0, 1, 2, 3, 4, 5)),
      {
        call: "together",
        commits: [nodes(6, 7), nodes(0, 1), [...clear(2), ...nodes(3)], nodes(8), nodes(4), nodes(5)],
      },
    ],
    { options: { capacity: 16, loadMax: 0.25 }, seeds: 3 },
  ),
  closely(
    "pages beside",
    [
      commit(...nodes(0, 1, 2)),
      { call: "together", commits: [nodes(0), nodes(0, 1), nodes(2)] },
      { call: "checkpoint" },
      commit(...nodes(3)),
    ],
    { seeds: 2 },
  ),
  closely(
    "pages map beside",
    [
      commit(...nodes(0, 1, 2)),
      { call: "together", commits: [nodes(3)] },
      { call: "checkpoint" },
      commit(...nodes(0, 1)),
      { call: "together", commits: [clear(0)] },
      { call: "checkpoint" },
      commit(...nodes(1, 2)),
      { call: "together", commits: [nodes(1), nodes(4)] },
      { call: "checkpoint" },
    ],
    { seeds: 4 },
  ),
  closely("pages weak journal", [commit(...nodes(0)), commit(...nodes(0, 1))], {
    plan: { log: { blockBytes: 512, segmentBytes: 65_536, durability: "os" } },
  }),
  ["pages unreadable", unreadable],
  ["pages trusted", trusted],
  ["pages restored", restored],
  ["pages books fail", booksFail],
  ["pages sweep", sweep],
];

/** Those that take long. */
export const slowPagesHunts: readonly (readonly [string, Story])[] = [["pages faults", faults]];
