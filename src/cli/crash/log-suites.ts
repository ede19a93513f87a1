/** The suites about the log. */
import { SeededRandom } from "../../base/index.js";
import type { Durability, TornMode } from "../../log/index.js";
import type { CrashSuite } from "./crash-case.js";
import { effortOf } from "./effort.js";
import { type LogCall, pick, randomCalls } from "./log-calls.js";
import { type LogCasePlan, logCase } from "./log-case.js";

const torns: readonly TornMode[] = ["align", "double-write", "trust"];

interface FixedOptions {
  readonly torn: TornMode;
  readonly durability: Durability;
}

/** Draws what is not fixed. */
function swarmPlan(
  random: SeededRandom,
  seed: number,
  fixed: FixedOptions,
): Omit<LogCasePlan, "title" | "calls" | "effort"> {
  const { torn, durability } = fixed;
  // A trusted device writes its blocks whole, so its blocks are the disk's sectors, and none is torn.
  const blockBytes = torn === "trust" ? 512 : pick(random, [512, 512, 1024]);
  return {
    seed,
    options: {
      torn,
      durability,
      blockBytes,
      segmentBytes: blockBytes * pick(random, [4, 5, 6, 8]),
      spareSegmentsMax: random.below(3),
      flush: random.chance(0.3) ? "inline" : "pool",
      ...(random.chance(0.4) ? { groupBytesMax: blockBytes } : {}),
      ...(durability === "interval" ? { syncIntervalMs: 5 } : {}),
    },
    tornMax: torn === "trust" ? 0 : 1,
    disk: { stale: random.chance(0.4), garbage: pick(random, ["written", "sector", "sector", "none"] as const) },
    looksFirst: random.chance(0.1),
  };
}

function randomSuite(name: string, summary: string, weight: number, fixed: FixedOptions): CrashSuite {
  return {
    name,
    summary,
    weight,
    makeCase(index, seed) {
      const random = new SeededRandom(seed).fork(`${name} ${index}`);
      const plan = { ...swarmPlan(random, seed, fixed), effort: effortOf(name, index) };
      const calls = randomCalls(random, 3 + random.below(8));
      return logCase({ ...plan, title: titleOf(name, index, plan, calls), calls });
    },
  };
}

const SMALL_CALLS: readonly LogCall[] = [
  { call: "append", bytes: 100 },
  { call: "batch", sizes: [30, 0, 500] },
  { call: "append", bytes: 1100 },
  { call: "truncate-before", keep: 1 },
  { call: "truncate-after", drop: 1 },
  { call: "truncate-all" },
  { call: "reopen" },
  { call: "sync" },
];
const ROWS_COUNT = SMALL_CALLS.length + SMALL_CALLS.length ** 2 + SMALL_CALLS.length ** 3;

/** The `index`-th of all rows of one to three calls. */
function rowOfCalls(index: number): LogCall[] {
  let rest = index;
  for (const length of [1, 2, 3]) {
    const count = SMALL_CALLS.length ** length;
    if (rest < count) {
      return Array.from(
        { length },
        (_, at) => SMALL_CALLS[Math.floor(rest / SMALL_CALLS.length ** at) % SMALL_CALLS.length] as LogCall,
      );
    }
    rest -= count;
  }
  return [];
}

/** Two segments, a group boundary inside a batch's reach, and something to drop at either end. */
const TWO_SEGMENTS: readonly LogCall[] = [
  { call: "batch", sizes: [100, 50, 20] },
  { call: "append", bytes: 900 },
  { call: "append", bytes: 10 },
];

/** All rows of at most three calls, on a fresh log and on one of two segments. Which come first follows from the seed. */
const everyRow: CrashSuite = {
  name: "log-rows",
  summary: "every row of one to three calls on a fresh log and on one of two segments, in each mode",
  weight: 3,
  makeCase(index, seed) {
    const count = ROWS_COUNT * 2 * torns.length;
    // The step is prime to the count, so that all are reached.
    const at = (index * 1009 + (seed % count)) % count;
    const calls = rowOfCalls(at % ROWS_COUNT);
    const kind = Math.floor(at / ROWS_COUNT);
    const torn = torns[kind % torns.length] as TornMode;
    const before = kind >= torns.length ? TWO_SEGMENTS : [];
    const plan: Omit<LogCasePlan, "title" | "calls"> = {
      seed,
      options: { torn, blockBytes: 512, segmentBytes: 2048, spareSegmentsMax: index % 3 },
      tornMax: torn === "trust" ? 0 : 1,
      disk: { stale: index % 2 === 1, garbage: index % 3 === 0 ? "written" : "sector" },
      effort: effortOf("log-rows", index),
    };
    return logCase({
      ...plan,
      title: titleOf("log-rows", index, plan, [...before, ...calls]),
      calls: [...before, ...calls],
    });
  },
};

function titleOf(
  name: string,
  index: number,
  plan: Omit<LogCasePlan, "title" | "calls">,
  calls: readonly LogCall[],
): string {
  const { torn, blockBytes = 0, segmentBytes = 0, durability = "sync" } = plan.options;
  return `${name}/${index}: ${torn}, ${durability}, ${segmentBytes / blockBytes} blocks of ${blockBytes}: ${calls.map(({ call }) => call).join(", ")}`;
}

/** The suites about the log. */
export const logSuites: readonly CrashSuite[] = [
  randomSuite("log-align", "random calls, groups aligned to blocks", 4, { torn: "align", durability: "sync" }),
  randomSuite("log-double-write", "random calls, groups packed, under a double-write buffer", 4, {
    torn: "double-write",
    durability: "sync",
  }),
  randomSuite("log-trust", "random calls, groups packed, on a device that does not tear blocks", 2, {
    torn: "trust",
    durability: "sync",
  }),
  randomSuite("log-interval", "random calls, synced every few milliseconds", 1, {
    torn: "align",
    durability: "interval",
  }),
  randomSuite("log-os", "random calls, synced on request only", 1, { torn: "align", durability: "os" }),
  everyRow,
];
