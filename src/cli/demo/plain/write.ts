/** The log's process: opens the log and appends flight after flight from many writers until all are in. */
import { Log } from "../../../log/index.js";
import { readFlightsAhead } from "../flight-source.js";
import type { FlightsRequest, Written } from "../writer-request.js";
import { appendFlights } from "./append-flights.js";

const reportEveryMs = 2;

/** How the log was opened. */
export interface PlainOpening {
  /** Flights in it: the last LSN. */
  readonly flights: number;
  /** Records of the tail that were written again. */
  readonly keptRecords: number;
  readonly cutBytes: number;
  readonly cutReason: string | undefined;
  readonly recoveryMs: number;
}

/** Counters of one process, from its start. */
export interface PlainCounters {
  /** Groups written, and waits for the disk. */
  readonly groups: number;
  readonly syncs: number;
  /** Time since the first append. */
  readonly appendMs: number;
  /** The part of it in which the appends waited for the flight file. */
  readonly sourceWaitMs: number;
}

/** Every flight up to `flights` is durable: its append has resolved. It is the last LSN too. */
export interface PlainAcknowledgement {
  readonly flights: number;
  readonly counters: PlainCounters;
}

/** Resolves when every flight is durable. */
export async function writePlain({
  directory,
  data,
  records,
  writers,
  flush,
  signal,
  send,
}: FlightsRequest<PlainOpening, PlainAcknowledgement> & { readonly writers: number }): Promise<Written> {
  const openStartMs = performance.now();
  const log = await Log.open(directory, { flush });
  const recoveryMs = performance.now() - openStartMs;
  const { keptRecords, cutBytes, cut } = log.recovery;
  const opening = { flights: log.lastLsn, keptRecords, cutBytes, cutReason: cut?.reason, recoveryMs };
  await send({ kind: "opened", done: opening.flights, opening });

  const chunks = readFlightsAhead({ path: data, first: log.lastLsn + 1, last: records });
  const firstChunk = await chunks.next();
  const startMs = performance.now();
  let sourceWaitMs = 0;
  let acknowledgedLsn = log.lastLsn;
  let reportedLsn = log.lastLsn;
  let reportedMs = startMs;
  let scheduled = false;
  const report = (): void => {
    scheduled = false;
    const nowMs = performance.now();
    if (acknowledgedLsn === reportedLsn || (nowMs - reportedMs < reportEveryMs && acknowledgedLsn < records)) return;
    reportedLsn = acknowledgedLsn;
    reportedMs = nowMs;
    const { groups, syncs } = log.stats();
    const counters = { groups, syncs, appendMs: nowMs - startMs, sourceWaitMs };
    const acknowledged = { flights: acknowledgedLsn, counters };
    void send({ kind: "acknowledged", done: acknowledgedLsn, acknowledged });
  };

  await appendFlights({
    log,
    chunks: startingWith(firstChunk, chunks),
    writers,
    signal,
    onAcknowledged(lsn) {
      acknowledgedLsn = lsn;
      if (scheduled) return;
      scheduled = true;
      setImmediate(report);
    },
    onSourceWait(ms) {
      sourceWaitMs += ms;
    },
  });
  report();
  await chunks.return();
  return log;
}

/** An iterator that gives `first` and then the rest. */
function startingWith<T>(
  first: IteratorResult<T, void>,
  rest: AsyncIterator<T, void, undefined>,
): AsyncIterator<T, void, undefined> {
  let held: IteratorResult<T, void> | undefined = first;
  return {
    next() {
      if (held === undefined) return rest.next();
      const result = held;
      held = undefined;
      return Promise.resolve(result);
    },
  };
}
