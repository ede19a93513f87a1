/**
 * Calls that wait to be appended to one lane. Those that wait at a time become a batch together, and each has its own outcome; they are appended in the
 * order of the calls.
 */
import { type LimitError, type Turns } from "../base/index.js";
import { backpressure } from "./entry-errors.js";

/** What one batch takes from several calls at most: calls, and bytes of values. */
const SHARED_CALLS_MAX = 1024;
const SHARED_BYTES_MAX = 256 * 1024;
/** What may wait to be appended to one lane: calls, and bytes of values. A single call may be larger. */
const WAITING_CALLS_MAX = 65_536;
const WAITING_BYTES_MAX = 64 * 1024 * 1024;

/** Entries to append. */
export interface AppendRequest {
  readonly values: readonly Uint8Array[];
  /** The index that the first one must get; else the next one, whichever it is. */
  readonly from?: number | undefined;
  /** Leave out those whose index the lane has passed already. Default: such a request is refused. */
  readonly skipsKnown?: boolean;
}

/** Where entries went: `[firstIndex, nextIndex)`. Empty where all were known. */
export interface IndexRange {
  readonly firstIndex: number;
  readonly nextIndex: number;
}

/** A call that waits to be part of a batch. */
export interface WaitingAppend extends AppendRequest {
  readonly bytes: number;
  readonly resolve: (range: IndexRange) => void;
  readonly reject: (error: unknown) => void;
}

/** See the head of this file. */
export class AppendQueue {
  readonly #lane: string;
  readonly #turns: Turns;
  readonly #appendTogether: (calls: readonly WaitingAppend[]) => Promise<void>;
  /** Calls that the newest turn will append, while others may still join it. */
  #joinable: WaitingAppend[] | undefined;
  #calls = 0;
  #bytes = 0;

  /** `appendTogether` tells each call what became of it. It has the turn then. */
  constructor(lane: string, turns: Turns, appendTogether: (calls: readonly WaitingAppend[]) => Promise<void>) {
    this.#lane = lane;
    this.#turns = turns;
    this.#appendTogether = appendTogether;
  }

  /** Appends when the turn comes. Rejects with `HF_BACKPRESSURE` where too much waits. */
  add(request: AppendRequest): Promise<IndexRange> {
    let bytes = 0;
    for (const value of request.values) bytes += value.length;
    const problem = this.#backpressure(bytes);
    if (problem !== undefined) return Promise.reject(problem);
    return new Promise((resolve, reject) => {
      this.#calls += 1;
      this.#bytes += bytes;
      const call: WaitingAppend = { ...request, bytes, resolve, reject };
      if (this.#joinable === undefined) {
        const calls: WaitingAppend[] = [];
        this.#joinable = calls;
        this.#turns.take(() => this.#flush(calls)).catch((error: unknown) => rejectAll(calls, error));
      }
      this.#joinable.push(call);
    });
  }

  /** Calls from now on come in a later turn than those so far, and than what takes a turn next. */
  endTurn(): void {
    this.#joinable = undefined;
  }

  async #flush(calls: readonly WaitingAppend[]): Promise<void> {
    if (this.#joinable === calls) this.#joinable = undefined;
    for (let start = 0; start < calls.length;) {
      let end = start;
      let bytes = 0;
      do bytes += calls[end++]!.bytes;
      while (end < calls.length && end - start < SHARED_CALLS_MAX && bytes + calls[end]!.bytes <= SHARED_BYTES_MAX);
      await this.#appendTogether(calls.slice(start, end));
      this.#calls -= end - start;
      this.#bytes -= bytes;
      start = end;
    }
  }

  #backpressure(bytes: number): LimitError | undefined {
    const isFull = this.#calls >= WAITING_CALLS_MAX || this.#bytes + bytes > WAITING_BYTES_MAX;
    if (!isFull || this.#calls === 0) return undefined;
    return backpressure(this.#lane, WAITING_CALLS_MAX, WAITING_BYTES_MAX);
  }
}

/** Tells all of them the same. */
export function rejectAll(calls: readonly WaitingAppend[], error: unknown): void {
  for (const { reject } of calls) reject(error);
}
