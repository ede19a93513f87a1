/** Many concurrent writers, one order: flight k gets LSN k, since each writer takes the next flight and calls `append` in one step. */
import type { Log } from "../../../log/index.js";
import { flightBytes } from "../flight.js";
import type { FlightChunk } from "../flight-file.js";
import { DemoMismatchError } from "../mismatch.js";

/** The record type of a flight. */
export const flightRecordType = 1;

/** What to append, and who wants to know. */
export interface AppendFlights {
  readonly log: Log;
  /** Flights from `log.lastLsn + 1` on, in order. */
  readonly chunks: AsyncIterator<FlightChunk, void, undefined>;
  /** Concurrent writers; each has one append under way. */
  readonly writers: number;
  readonly signal: AbortSignal;
  /** Every flight up to `lsn` is durable. Called often; must be quick. */
  readonly onAcknowledged: (lsn: number) => void;
  /** The writers waited so long for the flight file. */
  readonly onSourceWait: (ms: number) => void;
}

/** Resolves when every flight is durable. Rejects with the first failure. */
export async function appendFlights({
  log,
  chunks,
  writers,
  signal,
  onAcknowledged,
  onSourceWait,
}: AppendFlights): Promise<void> {
  let chunk: FlightChunk | undefined;
  let row = 0;
  let loading: Promise<void> | undefined;
  let ended = false;
  const durable = new DurablePrefix(log.lastLsn);

  const load = async (): Promise<void> => {
    const startMs = performance.now();
    const next = await chunks.next();
    onSourceWait(performance.now() - startMs);
    ended = next.done === true;
    chunk = next.done === true ? undefined : next.value;
    row = 0;
    loading = undefined;
  };

  const writer = async (): Promise<void> => {
    for (;;) {
      while (chunk === undefined || row >= chunk.count) {
        if (ended) return;
        // Whichever writer comes first loads the next chunk; the others wait for the same promise.
        loading ??= load();
        await loading;
      }
      signal.throwIfAborted();
      // No await between taking the flight and calling append: that makes the flight's number its LSN.
      const at = row++ * flightBytes;
      const number = chunk.firstNumber + row - 1;
      const lsn = await log.append(chunk.bytes.subarray(at, at + flightBytes), flightRecordType);
      if (lsn !== number)
        throw new DemoMismatchError(`Flight ${number} was given LSN ${lsn}.`, { flight: number, lsn });
      if (durable.add(lsn)) onAcknowledged(durable.last);
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
}

/** The highest LSN up to which everything is acknowledged, though acknowledgements may arrive out of order. */
export class DurablePrefix {
  #last: number;
  readonly #early = new Set<number>();

  constructor(last: number) {
    this.#last = last;
  }

  get last(): number {
    return this.#last;
  }

  /** True when `last` moved. */
  add(lsn: number): boolean {
    if (lsn !== this.#last + 1) {
      this.#early.add(lsn);
      return false;
    }
    this.#last = lsn;
    while (this.#early.size > 0 && this.#early.delete(this.#last + 1)) this.#last++;
    return true;
  }
}
