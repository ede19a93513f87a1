/** What takes part in a cycle's batch beside the cycle: appends of other stores that stand on the same shared log. */
import { type HoldfastError, InvalidArgumentError, checkOptions, invalid } from "../base/index.js";
import type { LsnRange } from "../log/index.js";
import type { Settled, Stream } from "../streams/index.js";
import type { JournalBatch, LanePlace } from "./place.js";

/** Options of `PersistPipeline.persist` for a cycle that others join. */
export interface PersistWith<Parts extends readonly unknown[]> {
  /**
   * Called in the moment in which the cycle's batch is handed to the shared log; what it appends to streams of that log is part of the batch, behind the
   * cycle. Everything is as for the function of `SharedLog.together`: it returns an array of promises, and is not async.
   */
  readonly with: () => Parts;
  /** Streams that must get something in it; where one does not, the whole cycle is refused. Default: none. */
  readonly streams?: readonly Stream[];
}

/** See the head of this file. For one cycle. */
export class Companions {
  readonly #act: () => readonly unknown[];
  readonly #streams: readonly Stream[];
  #joined: Promise<readonly unknown[]> | undefined;

  constructor({ with: act, streams = [] }: PersistWith<readonly unknown[]>) {
    this.#act = act;
    this.#streams = streams;
  }

  /** Appends the batches and what joins them. Resolves once all of it is durable; what the others do then is `result`'s to wait for. */
  async commit(place: LanePlace, batches: readonly JournalBatch[]): Promise<LsnRange[]> {
    let committed: Promise<LsnRange[]> | undefined;
    const joined = place.together!(this.#streams, () => {
      if (batches.length > 0) committed = place.commit!(batches);
      committed?.catch(() => undefined);
      return this.#act();
    });
    this.#joined = joined;
    joined.catch(() => undefined);
    if (committed !== undefined) return await committed;
    await joined;
    return [];
  }

  /** What their promises came to; rejects with what the function threw, or the first of them that failed. */
  async result<Parts extends readonly unknown[]>(): Promise<Settled<Parts>> {
    return (await this.#joined) as Settled<Parts>;
  }
}

/** Checks what a caller passed. `undefined` where nobody joins. */
export function checkCompanions(
  where: string,
  given: PersistWith<readonly unknown[]> | undefined,
  place: LanePlace,
  atomic: boolean,
): Companions | undefined {
  if (given === undefined) return undefined;
  const options = checkOptions<PersistWith<readonly unknown[]>>(where, given, ["with", "streams"]);
  if (typeof options.with !== "function") throw invalid(where, "with", options.with, "a function");
  if (options.streams !== undefined && !Array.isArray(options.streams))
    throw invalid(where, "streams", options.streams, "an array of streams");
  if (!atomic || place.together === undefined) throw notAtomic(where);
  return new Companions(options);
}

function notAtomic(where: string): HoldfastError {
  return new InvalidArgumentError(
    "HF_INVALID_ARGUMENT",
    `${where}: others can join a cycle only where it is one batch of a SharedLog: in lanes of a shared log that are not opened with atomic: false.`,
    { where },
  );
}
