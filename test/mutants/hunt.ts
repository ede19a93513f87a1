/**
 * Looks for anything wrong with the engine that it is bundled with: first in the scenario that is said to find it, then in all of them. Prints
 * one JSON line. The runner bundles this file once for each mutant.
 */
import { LockedError } from "../../src/base/index.js";
import { caseTurns, crashSuites } from "../../src/cli/crash/suites.js";
import { eventsExploration } from "../../src/cli/crash/events-case.js";
import type { LogCall } from "../../src/cli/crash/log-calls.js";
import { logExploration } from "../../src/cli/crash/log-case.js";
import { bytes } from "../../src/events/index.js";
import { encodeBaseline, encodeEntry } from "../../src/lanes/format.js";
import { IndexedLog } from "../../src/lanes/index.js";
import { Log, type LogOptions } from "../../src/log/index.js";
import { CrashFoundError, exploreCrashes, exploreDamage, exploreFaults } from "../../src/testing/index.js";
import { TidwallLog, TidwallWriter, importTidwall } from "../../src/tidwall/index.js";
import { SimVfs } from "../../src/vfs/index.js";
import { anchorFaults, logFaults } from "../crash/log-faults.contract.js";
import { resumeExploration } from "../../src/cli/crash/flatkv-resume-suite.js";
import { type FlatCasePlan, flatExploration } from "../../src/cli/crash/flatkv-suite.js";
import { sharedExploration } from "../../src/cli/crash/shared-suites.js";
import { togetherExploration } from "../../src/cli/crash/together-suite.js";
import { FLAT_ERRNOS, flatFaults } from "../crash/flatkv-faults.contract.js";
import { sharedFaults, sharedFaultsClosed } from "../crash/shared-faults.contract.js";
import { cutAtEachTelling } from "../crash/told.contract.js";
import { type Leaving, logDamage } from "../damage/log-damage.contract.js";
import { flatStories } from "./flat-stories.js";
import { pagesHunts, slowPagesHunts } from "./pages-hunts.js";
import { proofStory } from "./proof-stories.js";
import { trieHunts } from "./trie-hunts.js";

/** How a hunt ended. */
interface Prey {
  readonly killed: boolean;
  /** The scenario that found something, and what. */
  readonly by?: string;
  readonly problem?: string;
  readonly states: number;
}

const small = { blockBytes: 512, segmentBytes: 2048, spareSegmentsMax: 2 } as const;
const SEED = 1;
/** Few states of many workloads: what is wrong shows in the first states of the right workload. */
const CASE_STATES_MAX = 700;

let states = 0;

type Hunt = () => Promise<string | undefined>;

async function found(name: string, run: () => Promise<number>): Promise<string | undefined> {
  try {
    states += await run();
    return undefined;
  } catch (error) {
    states += 1;
    const problem =
      error instanceof CrashFoundError ? error.finding.problem : error instanceof Error ? error.name : String(error);
    return `${name}: ${problem}`;
  }
}

/** The crash suites, or one of them, until `statesMax`. */
function crashes(names: readonly string[], statesMax: number): Hunt {
  return async () => {
    const end = states + statesMax;
    const suites = crashSuites.filter(({ name }) => names.length === 0 || names.includes(name));
    for (const { suite, index } of caseTurns(suites)) {
      if (states >= end) return undefined;
      const problem = await found(`${suite.name}/${index}`, async () => {
        let raw = 0;
        try {
          return (
            await suite
              .makeCase(index, SEED)
              .explore({ statesMax: CASE_STATES_MAX, onProgress: (done) => (raw = done) })
          ).raw;
        } catch (error) {
          states += raw;
          throw error;
        }
      });
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
}

const faults: Hunt = async () => {
  const anchors = await found("faults anchor", async () => (await exploreFaults(anchorFaults("mirror", SEED))).states);
  if (anchors !== undefined) return anchors;
  for (const [name, options] of [
    ["os", { ...small, durability: "os" }],
    ["align", { ...small, torn: "align" }],
    ["double-write", { ...small, torn: "double-write" }],
  ] as const) {
    const problem = await found(
      `faults ${name}`,
      async () => (await exploreFaults({ ...logFaults(name, options, SEED), samples: 1, recoveryPoints: 2 })).states,
    );
    if (problem !== undefined) return problem;
  }
  return undefined;
};

const damage: Hunt = async () => {
  for (const leaving of ["unmarked", "died", "closed"] as readonly Leaving[]) {
    for (const torn of ["align", "double-write"] as const) {
      const options = { ...logDamage(torn, { ...small, torn }, SEED, leaving), statesMax: 3000 };
      const problem = await found(`damage ${leaving}, ${torn}`, async () => (await exploreDamage(options)).tried);
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
};

/** One short workload, looked at closely: `calls` on small blocks, with crashes in recoveries and going on afterwards. */
function closely(title: string, options: Omit<LogOptions, "vfs">, calls: readonly LogCall[], looksFirst = false): Hunt {
  const efforts = [
    { depth: 1, kill: true, nestedShare: 0, nestedCap: 64, followUps: [1] },
    { depth: 2, kill: true, nestedShare: 1 / 4, nestedCap: 64 },
  ];
  return async () => {
    for (const effort of efforts) {
      const problem = await found(
        title,
        async () =>
          (
            await exploreCrashes({
              ...logExploration({ title, seed: SEED, options, calls, effort, looksFirst, disk: { garbage: "sector" } }),
              statesMax: 6000,
            })
          ).raw,
      );
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
}

/** Groups that share blocks of two sectors. */
const tight: Hunt = closely("packed groups", { torn: "double-write", blockBytes: 1024, segmentBytes: 4096 }, [
  { call: "append", bytes: 300 },
  { call: "append", bytes: 200 },
  { call: "append", bytes: 700 },
]);

/** Cuts that keep a part of a group, with a mark beside. */
const cuts: Hunt = closely("cuts", { torn: "align", blockBytes: 512, segmentBytes: 2048 }, [
  { call: "batch", sizes: [10, 20, 30] },
  { call: "wait", ms: 5 },
  { call: "truncate-after", drop: 1 },
  { call: "append", bytes: 20 },
]);

/** Several groups that no sync covers yet, each a block. */
const unsynced: Hunt = closely(
  "unsynced groups",
  { torn: "align", blockBytes: 512, segmentBytes: 4096, durability: "os" },
  [
    { call: "append", bytes: 20 },
    { call: "append", bytes: 20 },
    { call: "append", bytes: 20 },
  ],
);

/** A reader looks at the log that a killed writer left. */
const looks: Hunt = closely(
  "looks",
  { torn: "align", blockBytes: 512, segmentBytes: 4096 },
  [
    { call: "append", bytes: 20 },
    { call: "append", bytes: 900 },
  ],
  true,
);

/** Every bit pattern of the damage sweep in the headers of segments and groups. */
const headers: Hunt = async () => {
  for (const leaving of ["unmarked", "closed"] as readonly Leaving[]) {
    const torn = "align" as const;
    const sweep = logDamage(torn, { ...small, torn }, SEED, leaving);
    const includes = (path: string, offset: number): boolean => path.endsWith(".seg") && offset % small.blockBytes < 48;
    const problem = await found(
      `damage ${leaving}, headers`,
      async () => (await exploreDamage({ ...sweep, includes })).tried,
    );
    if (problem !== undefined) return problem;
  }
  return undefined;
};

/** A second writer must be refused, in this process and in another, and let in once the first has died. */
const lock: Hunt = () =>
  found("second opener", async () => {
    const vfs = new SimVfs({ seed: SEED });
    await Log.open("/log", { vfs });
    for (const other of [vfs, vfs.otherProcess()]) {
      const error: unknown = await Log.open("/log", { vfs: other }).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (!(error instanceof LockedError)) throw new Error("a second opener was let in");
    }
    const after = vfs.kill();
    await (await Log.open("/log", { vfs: after })).close();
    return 3;
  });

const sharedDisk: Hunt = () =>
  found("faults shared log", async () => {
    const options = { ...small, checkpointBytes: 512 };
    return (await exploreFaults({ ...sharedFaults("shared log", options, SEED), samples: 1, recoveryPoints: 2 }))
      .states;
  });

/** A shared log that is closed at its first failure. */
const sharedClosed: Hunt = () =>
  found("faults shared log, closed", async () => {
    const options = { ...small, checkpointBytes: 512, durability: "os" } as const;
    return (await exploreFaults({ ...sharedFaultsClosed("closed", options, SEED), samples: 0, recoveryPoints: 0 }))
      .states;
  });

/** Pipelines tell of things; the power is cut at that moment. */
const tellings: Hunt = () => found("tellings", cutAtEachTelling);

/** A stream that holds nothing, beside one that fills segments, opened without the checkpoint too: only its state says that it is there. */
const idleStream: Hunt = () =>
  found("idle stream", async () => {
    const plan = {
      title: "idle stream",
      seed: SEED,
      options: { ...small, checkpointBytes: 512 },
      calls: [
        { call: "clear", stream: 0 },
        { call: "churn", stream: 1, count: 14 },
      ],
      scansAgain: true,
      effort: { depth: 1, kill: true, nestedShare: 0, nestedCap: 1 },
    } as const;
    return (await exploreCrashes({ ...sharedExploration(plan), statesMax: 600 })).raw;
  });

/** Events among the parts of a state, whose snapshot is then not believed. */
const amongParts: Hunt = () =>
  found("events among parts", async () => {
    const plan = {
      title: "events among parts",
      seed: SEED,
      options: { log: small, shared: false, batchSize: 100, checkpointsMax: 2 },
      calls: [{ call: "checkpoint", state: true, padding: 3000, beside: 3 }],
      stale: false,
      effort: { depth: 1, kill: false, nestedShare: 0, nestedCap: 1 },
    } as const;
    return (await exploreCrashes({ ...eventsExploration(plan), statesMax: 300 })).raw;
  });

/** Blocks of several stores that are refused, for each reason, and the same blocks after that. */
const refusedTogether: Hunt = () =>
  found("refused together", async () => {
    const plan = {
      title: "refused together",
      seed: SEED,
      log: { blockBytes: 512, segmentBytes: 16_384 },
      withPipeline: false,
      snapshotEvery: 0,
      dirtyPagesMax: 1,
      calls: ["block", { refused: "throws" }, { refused: "lacks a part" }, { refused: "too large" }, "block"],
      effort: { depth: 1, kill: false, nestedShare: 0, nestedCap: 1 },
    } as const;
    return (await exploreCrashes({ ...togetherExploration(plan), statesMax: 200 })).raw;
  });

/** What stands on a log that acknowledges early speaks of durability all the same; the power is cut at that moment. */
const early: Hunt = () =>
  found("early acknowledgements", async () => {
    const vfs = new SimVfs({ seed: SEED });
    const weak = { ...small, durability: "os" } as const;
    const lane = await Log.open("/lane", { ...weak, vfs });
    await lane.appendAll([encodeBaseline(1, 0), encodeEntry(1, 0, new Uint8Array(9))]);
    await IndexedLog.open(lane, { codec: bytes() });
    const writer = await TidwallWriter.create("/wal", { vfs });
    await writer.append(new Uint8Array(9));
    await writer.finish();
    const copy = await Log.open("/copy", { ...weak, vfs });
    await importTidwall(await TidwallLog.open("/wal", { vfs }), copy);
    const after = vfs.powerCut();
    for (const [directory, count] of [
      ["/lane", 2],
      ["/copy", 1],
    ] as const) {
      const log = await Log.open(directory, { vfs: after });
      if (log.lastLsn !== count) throw new Error(`${directory} lost what was durable`);
      await log.close();
    }
    return 2;
  });

/** One short workload on a commit store, looked at closely. A failure is not made shorter: the workload is short. */
const FLAT_EFFORTS = [
  { depth: 1, kill: true, nestedShare: 0, nestedCap: 1 },
  { depth: 1, kill: true, nestedShare: 0, nestedCap: 1, followUps: [1], followUpShare: 1 / 2 },
] as const;

function flat(title: string, calls: FlatCasePlan["calls"], more: Partial<FlatCasePlan> = {}): Hunt {
  return async () => {
    for (const effort of FLAT_EFFORTS) {
      const { steps: _, ...exploration } = flatExploration({
        title,
        seed: SEED,
        databases: 1,
        journal: "own",
        log: { blockBytes: 512, segmentBytes: 16_384 },
        options: { syncEveryCommits: 1000, snapshots: { everyCommits: 0, keep: 1 } },
        ...more,
        calls,
        effort,
      });
      const problem = await found(title, async () => {
        const budget = { capPerPoint: 12, samplesPerPoint: 12, statesMax: 2000 };
        return (await exploreCrashes({ ...exploration, ...budget })).raw;
      });
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
}

const one = (count: number): FlatCasePlan["calls"][number] => ({ call: "commits", count });

const flatHunts: readonly (readonly [string, Hunt])[] = [
  ["flat creation", flat("flat creation", [], { journal: "log" })],
  [
    "flat commits",
    flat(
      "flat commits",
      [1, 2, 3, 4].map((bytes) => ({
        call: "commit",
        reads: true,
        sets: [
          [
            [0, 0, bytes],
            [1, 0, bytes],
            [0, 1, bytes % 2],
          ],
        ],
      })),
      { databases: 2 },
    ),
  ],
  [
    "flat weak journal",
    flat("flat weak journal", [one(2)], { log: { blockBytes: 512, segmentBytes: 16_384, durability: "os" } }),
  ],
  [
    "flat synced",
    flat("flat synced", [{ call: "together", calls: [one(1), one(1), one(1)] }, one(2)], {
      databases: 2,
      options: { syncEveryCommits: 1, snapshots: { everyCommits: 0, keep: 1 } },
    }),
  ],
  ["flat snapshots", flat("flat snapshots", [one(1), { call: "snapshot" }, one(1), { call: "snapshot" }, one(1)])],
  ["flat rollback", flat("flat rollback", [one(3), { call: "rollback", back: 1 }, one(1)])],
  [
    "flat rollback to a snapshot",
    flat(
      "flat rollback to a snapshot",
      [one(1), { call: "snapshot" }, one(1), { call: "snapshot" }, one(1), { call: "rollback", back: 2 }, one(1)],
      { options: { syncEveryCommits: 1000, snapshots: { everyCommits: 0, keep: 2 } } },
    ),
  ],
  [
    "flat loss",
    flat("flat loss", [one(2), { call: "snapshot" }, one(1), { call: "lose", database: 0, how: "missing" }, one(1)]),
  ],
  ["flat import", flat("flat import", [one(2), { call: "export" }, one(1), { call: "import", tries: 2 }, one(1)])],
];

/** A commit store whose operations fail, in one way each. */
const flatDisk: Hunt = () =>
  found("faults of a commit store", async () => {
    const options = flatFaults("commit store", { journal: "own", databases: 2 }, SEED);
    return (await exploreFaults({ ...options, errnos: FLAT_ERRNOS, samples: 0, recoveryPoints: 0 })).states;
  });

/** An import that is interrupted, and crashes that go over it. */
const importExploration: Hunt = () =>
  found("resumed imports", async () => {
    const exploration = resumeExploration({
      title: "resumed imports",
      seed: SEED,
      databases: 2,
      journal: "own",
      log: { blockBytes: 512, segmentBytes: 16_384 },
      options: { syncEveryCommits: 2, snapshots: { everyCommits: 0, keep: 1 } },
      noteEveryBytes: 1,
      calls: [one(2), { call: "export" }, { call: "import", tries: 0 }],
      effort: { depth: 1, kill: false, nestedShare: 0, nestedCap: 1 },
    });
    return (await exploreCrashes({ ...exploration, statesMax: 3000 })).raw;
  });

/** The hunts that have a name. Any other hint is that of a scenario of `holdfast crash`. */
const named: ReadonlyMap<string, Hunt> = new Map([
  ["lock", lock],
  ["cuts", cuts],
  ["tight", tight],
  ["unsynced", unsynced],
  ["looks", looks],
  ["headers", headers],
  ["tellings", tellings],
  ["idle", idleStream],
  ["among parts", amongParts],
  ["early", early],
  ["refused together", refusedTogether],
  ["flat resume", importExploration],
  ["proofs", () => found("proofs", proofStory)],
  ...flatStories.map(([name, story]): [string, Hunt] => [name, () => found(name, story)]),
  ...flatHunts,
  ...pagesHunts.map(([name, story]): [string, Hunt] => [name, () => found(name, story)]),
  ...trieHunts.map(([name, story]): [string, Hunt] => [name, () => found(name, story)]),
]);
const slow: ReadonlyMap<string, Hunt> = new Map([
  ["damage", damage],
  ["faults", faults],
  ["shared faults", sharedDisk],
  ["closed", sharedClosed],
  ["flat faults", flatDisk],
  ...slowPagesHunts.map(([name, story]): [string, Hunt] => [name, () => found(name, story)]),
]);

/** The scenario named first, then all. */
function hunts(hint: string | undefined): Hunt[] {
  const rest = [...named.values(), crashes([], 12_000), ...slow.values()];
  if (hint === undefined) return rest;
  return [named.get(hint) ?? slow.get(hint) ?? crashes([hint], 12_000), ...rest];
}

/** Without a mutant nothing may be found. All hunts are looked through, but for the scenarios' length: one part of `look` at a time. */
const untouched: readonly Hunt[] = [crashes([], 4_000), ...slow.values(), ...named.values()];

/** The hunts of part `part` of `parts`, of which every hunt is in one. */
function look([part = 0, parts = 1]: readonly number[]): Hunt[] {
  return untouched.filter((_, index) => index % parts === part);
}

async function run(hint: string | undefined): Promise<Prey> {
  for (const hunt of hint?.startsWith("look ") ? look(hint.slice(5).split("/").map(Number)) : hunts(hint)) {
    const by = await hunt();
    if (by !== undefined) {
      const at = by.lastIndexOf(": ");
      return { killed: true, by: by.slice(0, at), problem: by.slice(at + 2), states };
    }
  }
  return { killed: false, states };
}

const hint = process.argv[2];
console.log(JSON.stringify(await run(hint === "" ? undefined : hint)));
process.exit(0);
