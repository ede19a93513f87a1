/** Event logs on a disk whose operations fail: what must hold at once, after opening again, and after a power cut. */
import type { ExploreFaultsOptions } from "holdfast/testing";
import { type EventsCall, EventsWorkload, openEvents } from "../../src/cli/crash/events-calls.js";
import { type RecoveredEvents, eventsExploration } from "../../src/cli/crash/events-case.js";
import type { EventsEvent } from "../../src/cli/crash/events-model.js";
import { failureOf } from "./failure-of.contract.js";

/** Every way in which an event log writes, in a few calls. */
const CALLS: readonly EventsCall[] = [
  { call: "append", bytes: 40 },
  { call: "enqueue", count: 3, flush: true },
  { call: "checkpoint", state: true, padding: 400, beside: 1 },
  { call: "reopen" },
  { call: "enqueue", count: 1, flush: false },
  { call: "checkpoint", state: true, padding: 0, beside: 0 },
];

/** One errno each for what reaches an event log; which operation of the log failed, and how, is for the log's own sweep. */
const FEW_ERRNOS = {
  read: ["EIO"],
  write: ["EIO"],
  "sync-data": ["EIO"],
  open: [],
  truncate: [],
  preallocate: [],
  size: [],
  "make-directory": [],
  list: [],
  stat: [],
  rename: [],
  remove: [],
  "sync-directory": ["EIO"],
  lock: [],
} as const;

/** On what journal the event log stands. */
export type EventsFaultsKind = "log" | "log, os" | "shared log";

/** The fault exploration of an event log: all errnos, or one for each kind of operation. */
export function eventsFaults(
  name: string,
  seed: number,
  full: boolean,
  kind: EventsFaultsKind = "log",
): ExploreFaultsOptions<RecoveredEvents, EventsEvent> {
  const options = {
    // Rolling is for the log's own sweep.
    log: { blockBytes: 512, segmentBytes: 4096, durability: kind === "log, os" ? "os" : "sync" },
    shared: kind === "shared log",
    batchSize: 2,
    checkpointsMax: 1,
  } as const;
  const effort = { depth: 1, kill: true, nestedShare: 0, nestedCap: 1 };
  const plan = { title: name, seed, options, calls: CALLS, stale: false, effort };
  const { recover, check } = eventsExploration(plan);
  return {
    name,
    seed,
    ...(full ? {} : { errnos: FEW_ERRNOS }),
    recover,
    check,
    async workload({ vfs, note }) {
      await vfs.makeDirectory("/data");
      await vfs.syncDirectory("/");
      const workload = new EventsWorkload(options, vfs, note, await openEvents(options, vfs));
      try {
        for (const call of CALLS) await workload.make(call);
        await workload.close();
      } catch (error) {
        await probe(workload);
        throw error;
      }
    },
  };
}

/** After a failure: either the event log goes on as if nothing were, or it takes nothing more at all. And it lets itself be closed. */
async function probe(workload: EventsWorkload): Promise<void> {
  const first = await failureOf(workload.make({ call: "append", bytes: 1 }));
  if (first !== undefined) {
    for (const call of [
      { call: "append", bytes: 1 },
      { call: "enqueue", count: 1, flush: true },
    ] as const) {
      const later = await failureOf(workload.make(call));
      if (later?.code !== first.code)
        throw new Error(`a failed event log rejected with ${first.code}, then with ${later?.code ?? "nothing"}`);
    }
  }
  await failureOf(workload.log.close());
}
