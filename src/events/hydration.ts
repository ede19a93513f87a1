/** Rebuilding a state: the newest snapshot that can be used, then the events behind what it covers. */
import { StateError, checkOptions, checkSignal, invalid } from "../base/index.js";
import type { CorruptionError, FormatError } from "../base/index.js";
import type { Journal } from "../log/index.js";
import { fallbackChannel } from "./channels.js";
import type { StoredCheckpoint } from "./format.js";
import { readSnapshot } from "./snapshot-parts.js";
import type { SnapshotType } from "./versioned.js";

/** Options of `EventLog.hydrate`. */
export interface HydrateOptions<State, Event> {
  /** The state before the first event, used where no checkpoint has a snapshot. */
  readonly initial: State;
  /** The state after an event. May change `state` in place and return it. */
  readonly apply: (state: State, event: Event) => State | PromiseLike<State>;
  /** Ends the hydration with `signal.reason`. An `apply` that is at work then is not waited for. */
  readonly signal?: AbortSignal;
}

/** A snapshot that could not be used. */
export interface RejectedSnapshot {
  /** LSN of its checkpoint. */
  readonly lsn: number;
  readonly cause: FormatError | CorruptionError;
}

/** What `EventLog.hydrate` resolves to. */
export interface Hydrated<State> {
  readonly state: State;
  /** The newest LSN that the state covers. */
  readonly lsn: number;
  /** The checkpoint whose snapshot was used; `undefined` where every event was applied to `initial`. */
  readonly checkpointLsn: number | undefined;
  /** Events that were applied. */
  readonly events: number;
  /** Newer snapshots that could not be used, the newest first. Not empty means that something is damaged, or of another version. */
  readonly rejected: readonly RejectedSnapshot[];
}

/** Where a hydration starts. */
export interface Start {
  readonly state: unknown;
  readonly from: number;
  readonly checkpointLsn: number | undefined;
  readonly rejected: readonly RejectedSnapshot[];
  /**
   * Where nothing but parts of rejected snapshots stands, oldest first. It is not read again, because it may be what is damaged. Where events
   * stand among the parts, whatever is damaged may be an event's, and the log's own error is the answer.
   */
  readonly partsOnly: readonly { readonly from: number; readonly to: number }[];
}

/** The ranges of LSNs that are left to be replayed up to `to`. */
export function rangesOf({ from, partsOnly }: Start, to: number): { readonly from: number; readonly to: number }[] {
  const ends = [...partsOnly.map((parts) => parts.from - 1), to];
  const starts = [from, ...partsOnly.map((parts) => parts.to + 1)];
  return starts.map((start, index) => ({ from: start, to: ends[index]! })).filter((range) => range.from <= range.to);
}

/** Checks what the caller gave. */
export function checkHydrate<State, Event>(
  options: HydrateOptions<State, Event> | undefined,
): HydrateOptions<State, Event> {
  const where = "EventLog.hydrate";
  const given = checkOptions(where, options, ["initial", "apply", "signal"]);
  if (typeof given.apply !== "function") throw invalid(where, "apply", given.apply, "a function");
  checkSignal(where, given.signal);
  return given;
}

/** The newest snapshot that can be used, or the beginning; an error where the beginning was pruned. */
export async function findStart(
  journal: Journal,
  name: string,
  checkpoints: readonly StoredCheckpoint[],
  definition: SnapshotType<unknown>,
  { initial, signal }: { readonly initial: unknown; readonly signal: AbortSignal | undefined },
): Promise<Start> {
  const rejected: RejectedSnapshot[] = [];
  const partsOnly: { from: number; to: number }[] = [];
  for (const checkpoint of checkpoints) {
    if (checkpoint.version === 0) continue;
    const { lsn, firstPartLsn, partCount } = checkpoint;
    const outcome = await readSnapshot(journal, checkpoint, definition, signal);
    if (outcome.kind === "state")
      return { state: outcome.state, from: checkpoint.through + 1, checkpointLsn: lsn, rejected, partsOnly };
    const { cause } = outcome;
    rejected.push({ lsn, cause });
    if (lsn - firstPartLsn === partCount) partsOnly.unshift({ from: firstPartLsn, to: lsn - 1 });
    if (fallbackChannel.hasSubscribers) fallbackChannel.publish({ name, lsn, cause });
  }
  if (journal.firstLsn > 1) {
    throw new StateError(
      "HF_NO_SNAPSHOT",
      `The events below LSN ${journal.firstLsn} were dropped, and ${rejected.length === 0 ? "no checkpoint has a snapshot" : `none of ${rejected.length} snapshots can be used`}, ` +
        "so the state can't be rebuilt. Take checkpoints with a state, or read the events with replay.",
      { firstLsn: journal.firstLsn, rejected: rejected.length },
      rejected[0]?.cause,
    );
  }
  return { state: initial, from: journal.firstLsn, checkpointLsn: undefined, rejected, partsOnly };
}
