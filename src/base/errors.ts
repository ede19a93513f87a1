/**
 * The errors of every part, by who has to act.
 *
 * A program matches on `code` (stable) or on the class, never on the message, which is for people and says what happened,
 * where, and what to do next.
 */

/** What a {@link HoldfastError} knows beyond its message. Every value can be written as JSON. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** The base of every error that holdfast throws. */
export class HoldfastError extends Error {
  /** Stable, starts with `HF_`. */
  readonly code: string;
  /** Typed facts: paths, offsets, LSNs, limits. */
  readonly details: ErrorDetails;

  constructor(code: string, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.details = details;
  }

  /** For `--json` output and structured logs. */
  toJSON(): Record<string, unknown> {
    return { name: this.name, code: this.code, message: this.message, ...this.details };
  }
}

/**
 * The caller passed something that can't be right. Thrown before any effect.
 *
 * Codes: `HF_INVALID_ARGUMENT`, `HF_UNKNOWN_OPTION`, `HF_LSN_OUT_OF_RANGE`, `HF_INDEX_OUT_OF_RANGE`, `HF_VALUE_UNENCODABLE`,
 * `HF_EVENT_UNENCODABLE` (a codec refused a value), `HF_VERSION_OUT_OF_RANGE` (a version that a store can't go back to).
 */
export class InvalidArgumentError extends HoldfastError {}

/**
 * A documented bound would be passed. Thrown before any effect; what is stored stays as it was.
 *
 * Codes: `HF_RECORD_TOO_LARGE`, `HF_BATCH_TOO_LARGE`, `HF_BACKPRESSURE`, `HF_VALUE_TOO_LARGE`, `HF_SEQUENCE_EXHAUSTED`,
 * `HF_TABLE_FULL` (a page table that can't grow).
 */
export class LimitError extends HoldfastError {}

/**
 * The request contradicts what is stored: an option that fixes the format was stored with another value.
 *
 * Codes: `HF_OPTION_MISMATCH`, `HF_EXISTS` (something is there already), `HF_TYPE_MISMATCH` (a record of another type), `HF_CUT` (what a
 * follower had read was cut), `HF_OUT_OF_SEQUENCE` (an entry whose index is not the next), `HF_VETOED` (the caller's own check refused),
 * `HF_SECOND_WRITER` (something else wrote to the journal of a store), `HF_VERSIONS_DIFFER` (databases whose rows do not belong together),
 * `HF_PAGE_ABSENT` (a page to change or clear is not there), `HF_PAGE_EXISTS` (one that should be new is),
 * `HF_STALE_SESSION` (another commit was made since the session began).
 */
export class ConflictError extends HoldfastError {}

/**
 * The object can't serve any more, or not in this mode.
 *
 * Codes: `HF_CLOSED`, `HF_POISONED` (the cause is the first failed write, sync or truncate), `HF_LOCK_UNAVAILABLE`
 * (this platform has no build of the lock), `HF_ENGINE_UNAVAILABLE` (it has none of the database), `HF_BUSY` (a call that must wait for the one before it did not, or can't be part of a batch), `HF_QUARANTINED` (a lane that
 * failed while others go on), `HF_LANES_FAILED` (what failed of a cycle), `HF_NO_SNAPSHOT` (the beginning of an event log was pruned, and no
 * snapshot can be used).
 */
export class StateError extends HoldfastError {}

/** Another opener holds the lock. Code `HF_LOCKED`; `details.pid` is the owner's process id where it is known. */
export class LockedError extends HoldfastError {
  constructor(path: string, pid: number | undefined, cause?: unknown) {
    super(
      "HF_LOCKED",
      `${path} is locked by ${pid === undefined ? "another opener" : `process ${pid}`}. Close that one first, or open for reading only.`,
      { path, pid },
      cause,
    );
  }
}

/**
 * The file system refused. `details.operation`, `details.path` and `details.errno` (`EIO`, `ENOSPC`, …) say what, where, why.
 *
 * Codes: `HF_IO`.
 */
export class IoError extends HoldfastError {
  constructor(operation: string, path: string, cause: unknown, more: ErrorDetails = {}) {
    const errno = errnoOf(cause) ?? "UNKNOWN";
    super("HF_IO", `${operation} ${path} failed with ${errno}.`, { operation, path, errno, ...more }, cause);
  }

  get errno(): string {
    return String(this.details["errno"]);
  }
}

/** Where damage was found, and what was expected there. */
export interface CorruptionDetails {
  /** The damaged file. */
  readonly path: string;
  /** Byte offset in it, where the damaged structure starts; absent where the damage is one of contents, not of bytes. */
  readonly offset?: number | undefined;
  /** The first LSN that can't be read because of it. */
  readonly lsn?: number | undefined;
  /** What a sound file holds there. */
  readonly expected: string;
  /** What this one holds. */
  readonly found: string;
  /** What to do next, where it is not what one does about a damaged log of ours. */
  readonly advice?: string | undefined;
}

/** Acknowledged bytes are damaged or missing. Nothing was cut. Code `HF_CORRUPTION`. */
export class CorruptionError extends HoldfastError {
  constructor(where: CorruptionDetails, cause?: unknown) {
    const { advice = "Restore a copy, or see `holdfast repair`.", ...facts } = where;
    super(
      "HF_CORRUPTION",
      `${where.path} is damaged${where.offset === undefined ? "" : ` at byte ${where.offset}`}${where.lsn === undefined ? "" : ` (LSN ${where.lsn})`}: ` +
        `expected ${where.expected}, found ${where.found}. Nothing was changed. ${advice}`,
      { ...facts },
      cause,
    );
  }
}

/**
 * The bytes are sound but not for this build or not of this store; never called corruption.
 *
 * Codes: `HF_FORMAT_NEWER` (written by a newer build), `HF_FORMAT_UNKNOWN` (not ours), `HF_FORMAT_FOREIGN` (ours, but of another log),
 * `HF_VALUE_UNDECODABLE` (a codec refused sound bytes), `HF_EVENT_TYPE_UNKNOWN`, `HF_EVENT_VERSION_UNKNOWN`, `HF_EVENT_UNDECODABLE`,
 * `HF_SNAPSHOT_DAMAGED`, `HF_HASHES_MISSING` (rows of a commit store without version and hash), `HF_PROOF_MALFORMED`.
 */
export class FormatError extends HoldfastError {}

/** The errno name (`ENOENT`, …) of what Node threw, if it is a system error. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error === "object" && error !== null && "code" in error && typeof error.code === "string") {
    return error.code;
  }
  return undefined;
}
