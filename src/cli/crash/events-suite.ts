/** The suite about event logs: events, buffers, checkpoints and hydration on a log with small segments. */
import { SeededRandom } from "../../base/index.js";
import type { CrashSuite } from "./crash-case.js";
import { effortOf } from "./effort.js";
import type { EventsCall } from "./events-calls.js";
import { eventsCase } from "./events-case.js";
import { pick } from "./log-calls.js";

const CALLS_BY_NAME = {
  append: (random: SeededRandom): EventsCall => ({ call: "append", bytes: pick(random, [0, 40, 300, 900]) }),
  batch: (random: SeededRandom): EventsCall => ({ call: "batch", count: 2 + random.below(3) }),
  enqueue: (random: SeededRandom): EventsCall => ({
    call: "enqueue",
    count: 1 + random.below(4),
    flush: random.chance(0.5),
  }),
  checkpoint: (random: SeededRandom): EventsCall => ({
    call: "checkpoint",
    state: random.chance(0.6),
    padding: pick(random, [0, 0, 300, 1500, 3000]),
    beside: pick(random, [0, 1, 3]),
  }),
  reopen: (): EventsCall => ({ call: "reopen" }),
} as const satisfies Record<EventsCall["call"], (random: SeededRandom) => EventsCall>;

/** Checkpoints are what is new here, so there are many. */
const NAMES = [
  "append",
  "append",
  "batch",
  "enqueue",
  "enqueue",
  "checkpoint",
  "checkpoint",
  "checkpoint",
  "reopen",
] as const;

function randomCall(random: SeededRandom): EventsCall {
  return CALLS_BY_NAME[pick(random, NAMES)](random);
}

/** See the head of this file. */
export const eventsSuite: CrashSuite = {
  name: "events",
  summary: "an event log: events appended and enqueued, checkpoints with states of several parts, pruning, hydration",
  weight: 3,
  makeCase(index, seed) {
    const random = new SeededRandom(seed).fork(`events ${index}`);
    const calls = Array.from({ length: 3 + random.below(6) }, () => randomCall(random));
    const torn = pick(random, ["align", "align", "double-write"] as const);
    return eventsCase({
      title: `events/${index}: ${torn}: ${calls.map(({ call }) => call).join(", ")}`,
      seed,
      options: {
        log: {
          torn,
          blockBytes: 512,
          segmentBytes: 512 * pick(random, [4, 6, 8]),
          spareSegmentsMax: random.below(3),
          durability: torn === "align" ? pick(random, ["sync", "os"] as const) : "sync",
        },
        shared: random.chance(0.3),
        batchSize: pick(random, [2, 3, 100]),
        checkpointsMax: pick(random, [1, 1, 2, 3]),
      },
      calls,
      stale: random.chance(0.3),
      effort: effortOf("events", index),
    });
  },
};
