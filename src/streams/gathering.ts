/**
 * What is appended to streams within one call of `SharedLog.together`: it gets its LSNs at once, and becomes one batch of the log when the call returns.
 *
 * Invariants:
 * - Nothing else is done to these streams between the first of the appends and the end of the call, which waits for nothing: no truncation, and no append
 *   that is not gathered. So where the whole is refused, each stream's next LSN is put back to what it was, and nobody else has seen the numbers.
 * - A refusal is over when the call returns: streams and stores have taken their numbers back before anybody hears of it, or can append anything else.
 * - Nothing is handed to the log before the call has returned. So a refusal has no effect, and the batch has all of it.
 */
import { type HoldfastError, InvalidArgumentError, LimitError } from "../base/index.js";
import { type LsnRange, isRefusal } from "../log/index.js";
import type { StreamState } from "./book.js";

/** A record of the log, and the stream that gets it. */
export interface EntryRecord {
  readonly stream: StreamState;
  readonly payload: Uint8Array;
  readonly type: number;
}

/** One append, which waits for the whole. */
interface GatheredAppend {
  readonly ranges: LsnRange[];
  readonly resolve: (ranges: LsnRange[]) => void;
  readonly reject: (error: unknown) => void;
}

/** See the head of this file. */
export class Gathering {
  readonly records: EntryRecord[] = [];
  /** Of the records, without what the log puts around each. */
  bytes = 0;
  /** Why the whole can't be: something that was asked for within the call was refused. */
  problem: Error | undefined;
  /** Resolves once it is known what becomes of it. Never rejects. */
  readonly settled: Promise<void>;
  #settle: () => void = () => undefined;
  readonly #appends: GatheredAppend[] = [];
  /** What stores do where the whole is refused, in the order of their appends. */
  readonly #takeBacks: (() => void)[] = [];
  /** The next LSN, before the call, of each stream that got something. */
  readonly #nextBefore = new Map<StreamState, number>();

  constructor() {
    this.settled = new Promise((resolve) => (this.#settle = resolve));
  }

  /** Called before a stream gets something. */
  touch(stream: StreamState): void {
    if (!this.#nextBefore.has(stream)) this.#nextBefore.set(stream, stream.acceptedNext);
  }

  /** Whether a stream got something. */
  has(stream: StreamState): boolean {
    return this.#nextBefore.has(stream);
  }

  onRefused(takeBack: () => void): void {
    this.#takeBacks.push(takeBack);
  }

  /** Takes what an append comes to. Resolves to its LSNs with the whole. */
  add(records: readonly EntryRecord[], bytes: number, ranges: LsnRange[]): Promise<LsnRange[]> {
    for (const record of records) this.records.push(record);
    this.bytes += bytes;
    return new Promise((resolve, reject) => {
      this.#appends.push({ ranges, resolve, reject });
    });
  }

  /** Something that was asked for within the call is refused, and with it the whole. */
  spoil<Problem extends Error>(problem: Problem): Problem {
    this.problem ??= problem;
    return problem;
  }

  /** The batch is acknowledged. */
  acknowledge(): void {
    for (const { ranges, resolve } of this.#appends) resolve(ranges);
    this.#settle();
  }

  /** The log failed with the batch. */
  fail(error: unknown): void {
    for (const { reject } of this.#appends) reject(error);
    this.#settle();
  }

  /**
   * Nothing was handed over, and nothing will be. Each append is told of `error`; returns what the caller is to be told of `problem`: where a store could not
   * take back what is its own, that, since it is no refusal without effect. The others have taken back theirs.
   */
  refuse(error: HoldfastError, problem: unknown): unknown {
    for (const [stream, next] of this.#nextBefore) stream.acceptedNext = next;
    const failures: unknown[] = [];
    for (const takeBack of this.#takeBacks.toReversed()) {
      try {
        takeBack();
      } catch (failure) {
        failures.push(failure);
      }
    }
    this.fail(error);
    return failures.length > 0 ? failures[0] : problem;
  }
}

/** What each append is told where the whole is refused because of `cause`: a store that gets it, whatever it goes by, goes on as before. */
export function refusalFor(where: string, cause: unknown): HoldfastError {
  if ((cause instanceof InvalidArgumentError || cause instanceof LimitError) && isRefusal(cause)) return cause;
  const what = cause instanceof Error ? cause.message : String(cause);
  return new InvalidArgumentError(
    "HF_INVALID_ARGUMENT",
    `${where}: nothing was appended, because a part of it failed: ${what}`,
    { where },
    cause,
  );
}

/** Refuses what is no append of which somebody awaits the outcome. */
export function notWithin(call: string): InvalidArgumentError {
  return new InvalidArgumentError(
    "HF_INVALID_ARGUMENT",
    `${call}: not within SharedLog.together, which gathers appends and nothing else. Do it before or after.`,
    { where: call },
  );
}

/** A stream that must take part, and did not. */
export function missingPart(where: string, { name }: StreamState): InvalidArgumentError {
  return new InvalidArgumentError(
    "HF_INVALID_ARGUMENT",
    `${where}: the stream "${name}" must take part, and nothing was appended to it within the call; so nothing was appended at all. What a store had to say is in its own promise.`,
    { where, stream: name },
  );
}
