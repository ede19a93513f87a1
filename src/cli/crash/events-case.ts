/** A case about an event log: calls on it, recovery by opening, replaying and hydrating it, and the oracle. */
import type { ExploreCrashesOptions, RecoverContext } from "../../testing/index.js";
import { type CrashCase, crashCase } from "./crash-case.js";
import type { Effort } from "./effort.js";
import {
  type EventsCall,
  type EventsOptions,
  EventsWorkload,
  type OpenedEvents,
  countOf,
  eventsOn,
  neighbourOn,
  openEvents,
  openJournals,
  serialOf,
} from "./events-calls.js";
import {
  type EventsEvent,
  EventsModel,
  type EventsView,
  type Fold,
  type HydratedFold,
  foldOf,
} from "./events-model.js";
import { makeParent } from "./parent-directory.js";

/** What an event-log case is made of. */
export interface EventsPlan {
  readonly title: string;
  readonly seed: number;
  readonly options: EventsOptions;
  /** The calls; the first `steps` of them are made. */
  readonly calls: readonly EventsCall[];
  readonly stale: boolean;
  readonly effort: Effort;
}

/** A recovered event log, as a program sees it. */
export interface RecoveredEvents extends EventsView {
  readonly opened: OpenedEvents;
}

/** Makes the case. */
export function eventsCase(plan: EventsPlan): CrashCase {
  return crashCase(plan.title, eventsExploration(plan));
}

async function recover(plan: EventsPlan, { vfs, note }: RecoverContext<EventsEvent>): Promise<RecoveredEvents> {
  const { journal, next, close } = await openJournals(plan.options, vfs);
  const log = await eventsOn(plan.options, journal);
  const neighbour = next && (await neighbourOn(next));
  const left: [number, number][] = [];
  for await (const stored of log.replay()) left.push([stored.lsn, serialOf(stored)]);
  const hydrated = await hydrate(log);
  const doubtful = await hydrate(await eventsOn(plan.options, journal, true));
  const { firstLsn, lastLsn } = log;
  const checkpoints = log.checkpoints.map(({ lsn, through, snapshotBytes }) => ({
    lsn,
    through,
    state: snapshotBytes !== undefined,
  }));
  const nextCount = neighbour && (await countOf(neighbour));
  note({ kind: "opened", lastLsn, checkpoints, nextCount: nextCount ?? 0 });
  const opened: OpenedEvents = {
    log,
    neighbour,
    async close() {
      await log.close();
      await neighbour?.close();
      await close();
    },
  };
  return { opened, firstLsn, lastLsn, left, checkpoints, hydrated, doubtful, nextCount };
}

async function hydrate(log: OpenedEvents["log"]): Promise<HydratedFold | undefined> {
  try {
    const { state, lsn, rejected } = await log.hydrate({
      initial: foldOf([]),
      apply: (sum: Fold, stored) => foldOf([serialOf(stored)], sum),
    });
    return { state, lsn, rejected: rejected.length };
  } catch (error) {
    if ((error as { code?: unknown }).code === "HF_NO_SNAPSHOT") return undefined;
    throw error;
  }
}

/** Goes on after a recovery: an event, a buffer, a checkpoint. */
async function goOn(
  plan: EventsPlan,
  { opened: { log, neighbour }, hydrated, nextCount }: RecoveredEvents,
  { note }: RecoverContext<EventsEvent>,
): Promise<void> {
  let sum = hydrated?.state ?? foldOf([]);
  const issue = (): number => {
    const serial = 1000 + log.lastLsn + 1;
    note({ kind: "issued", lsn: log.lastLsn + 1, serials: [serial], joins: log.stats().enqueued > 0 });
    sum = foldOf([serial], sum);
    return serial;
  };
  const first = await log.append("counted", { serial: issue() });
  if (plan.options.log.durability !== "os") note({ kind: "acked", lsn: first });
  log.enqueue("counted", { serial: issue() });
  log.enqueue("counted", { serial: issue() });
  if (hydrated !== undefined) {
    const through = log.lastLsn;
    const taken = await log.checkpoint({ state: sum });
    note({ kind: "checkpointed", lsn: taken.lsn, through, state: true });
  }
  log.enqueue("counted", { serial: issue() });
  note({ kind: "acked", lsn: await log.flush() });
  if (neighbour === undefined || nextCount === undefined) return;
  note({ kind: "next", count: nextCount + 1, acked: false });
  await neighbour.append("counted", { serial: nextCount + 1 });
  await neighbour.checkpoint({ state: nextCount + 1 });
  note({ kind: "next", count: nextCount + 1, acked: true });
}

/** The exploration of a plan, for who wants to run it in another way. */
export function eventsExploration(plan: EventsPlan): ExploreCrashesOptions<RecoveredEvents, EventsEvent> {
  const { followUps, ...limits } = plan.effort;
  const check = (state: RecoveredEvents, seen: readonly EventsEvent[]): void => {
    const own = seen.findLastIndex(({ kind }) => kind === "opened");
    const problem = new EventsModel(seen.slice(0, own), plan.options.checkpointsMax).refuse(state);
    if (problem !== undefined) throw new Error(problem);
  };
  return {
    name: plan.title,
    seed: plan.seed,
    steps: plan.calls.length,
    disk: { stale: plan.stale },
    ...limits,
    async workload({ vfs, note, steps }) {
      await makeParent(vfs);
      const workload = new EventsWorkload(plan.options, vfs, note, await openEvents(plan.options, vfs));
      for (const call of plan.calls.slice(0, steps)) await workload.make(call);
      await workload.close();
    },
    recover: (context) => recover(plan, context),
    check,
    describe: ({ opened: _opened, ...shown }) => JSON.stringify(shown),
    ...(followUps !== undefined
      ? {
          idempotent: true as const,
          close: ({ opened }: RecoveredEvents) => opened.close(),
          resume: (state: RecoveredEvents, context: RecoverContext<EventsEvent>) => goOn(plan, state, context),
          checkResumed: check,
        }
      : {}),
  };
}
