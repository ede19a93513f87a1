/**
 * The engine port: what a store asks of an embedded key-value database.
 *
 * Keys and values are bytes; keys are ordered bytewise, a key before every longer one that begins with it. Both may be empty. What
 * goes in is copied before the call returns, and what comes out belongs to the caller; it may be a `Buffer`, whose `slice` does not copy.
 *
 * A database is a directory of its own. It is durable under its name when `create` or `checkpoint` has resolved and the caller has
 * synced the parent directory. A directory that a crash left half made, half copied or half removed is nothing to open: it may come out
 * as `undefined`, as an error, or with rows missing. So a store writes down which directories count, after they are durable, and
 * removes the others.
 *
 * Errors, all typed: `IoError` where the file system refused, `CorruptionError` where stored bytes are not what was written (as far
 * as the engine can tell: a store brings checksums of its own), `StateError` with `HF_CLOSED` after `close` and with `HF_POISONED`
 * after a write or sync failed. After such a failure nothing works but `close`; opening again is the recovery.
 */

/** A kind of embedded database. */
export interface Engine {
  /** What a store writes down, so that another engine is never let near its files: `"classic-level"`, `"memory"`. */
  readonly name: string;

  /**
   * Makes the directory and an empty database in it, and opens that. Its files are durable when it resolves; its name is after the caller
   * has synced the parent directory.
   *
   * Errors: `HF_EXISTS` where anything is at the path already; `HF_IO`, with `ENOENT` where the parent is missing.
   */
  create(directory: string): Promise<EngineDatabase>;

  /**
   * Opens the database in a directory; `undefined` where none is. Never makes one.
   *
   * What it shows holds every batch that was made durable, and any of the others, each whole. Those others are durable after the next
   * `sync`, like a batch written since.
   *
   * Errors: `HF_LOCKED` while another has it open; `HF_CORRUPTION`; `HF_FORMAT_NEWER`, `HF_FORMAT_UNKNOWN`; `HF_IO`.
   */
  open(directory: string): Promise<EngineDatabase | undefined>;

  /**
   * Makes a copy of a closed database in a new directory (`HF_EXISTS` where anything is), which is left as it is; false where there is no database to
   * copy. What is durable when, and `links`: as with {@link EngineDatabase.checkpoint}.
   *
   * Errors: `HF_LOCKED` where the engine notices that it is open, for which an idle one of LevelDB gives no occasion; `HF_CORRUPTION`;
   * `HF_FORMAT_NEWER`; `HF_IO`.
   */
  copy(from: string, to: string, options?: { readonly links?: boolean | undefined }): Promise<boolean>;

  /**
   * Removes a closed database, or half of one, with its directory. Nothing there is fine. Durable after the caller has synced the parent
   * directory; a crash before leaves any part of it.
   *
   * Errors: `HF_LOCKED` while it is open; `HF_IO`, with `ENOTEMPTY` where the directory holds files that are not the engine's.
   */
  remove(directory: string): Promise<void>;
}

/** Which rows, in which order. At most one of `gte` and `gt`, and one of `lte` and `lt`. */
export interface EngineRange {
  readonly gte?: Uint8Array | undefined;
  readonly gt?: Uint8Array | undefined;
  readonly lte?: Uint8Array | undefined;
  readonly lt?: Uint8Array | undefined;
  /** From the greatest key down. Default false. */
  readonly reverse?: boolean | undefined;
  /** At most so many rows. Default all. */
  readonly limit?: number | undefined;
}

/** A key and its value. */
export type EngineRow = readonly [key: Uint8Array, value: Uint8Array];

/** Reading. A read that fails rejects; it never comes out as an absent row. */
export interface EngineReads {
  /** The value of a key, or `undefined` where it has none. */
  get(key: Uint8Array): Promise<Uint8Array | undefined>;

  /** The values of several keys, in their order, of one moment. */
  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>;

  /**
   * The rows of a range as they are at the call, in key order, in chunks of bounded size; no chunk is empty. Writes made meanwhile are
   * not seen. What it holds is released at its end, by leaving the loop early, or with the database.
   */
  iterate(range?: EngineRange): AsyncIterableIterator<readonly EngineRow[]>;
}

/** What was there at one moment. Holds space until released. */
export interface EngineView extends EngineReads {
  /** Idempotent. Reads after it reject with `HF_CLOSED`. */
  release(): Promise<void>;
}

/**
 * Changes that are written together or not at all. Where one names a key twice, the later counts. Written once; one that never is may
 * take up space until its database is closed.
 */
export interface EngineBatch {
  /** How many puts and deletes. */
  readonly size: number;
  put(key: Uint8Array, value: Uint8Array): void;
  /** Deleting what is not there is fine. */
  delete(key: Uint8Array): void;
  /**
   * Writes all of it. Reads see it when this resolves. With `sync` this batch and every one before it are durable then. Without, a
   * power cut keeps any of the batches since the last sync, each whole or not at all, and not necessarily the first of them; a death of
   * the process alone keeps every one that was acknowledged.
   */
  write(options?: { readonly sync?: boolean | undefined }): Promise<void>;
}

/** An open database. One at a time has it open. */
export interface EngineDatabase extends EngineReads {
  readonly directory: string;
  batch(): EngineBatch;
  /** Makes every batch acknowledged so far durable. */
  sync(): Promise<void>;
  /** A consistent view of what is there now. */
  view(): EngineView;
  /**
   * Makes a copy of what is there now, in a new directory (`HF_EXISTS` where anything is). All of it is durable when this resolves, but
   * for the directory's own name. No write may be in flight. The copy is a database of its own: neither sees what is done to the other.
   * With `links` (default true) files that are never changed again are hard-linked where the engine has such, not copied.
   */
  checkpoint(directory: string, options?: { readonly links?: boolean | undefined }): Promise<void>;
  /**
   * Reads the files that hold what is durable, and rejects with `CorruptionError` where they are not as they were written. Writes go on meanwhile. For
   * engines whose reads take some damage for rows that are not there; the others have none.
   */
  check?(signal?: AbortSignal): Promise<void>;
  /** What the database takes on disk, in bytes. */
  stats(): Promise<{ readonly diskBytes: number }>;
  /** Waits for writes in flight, and lets go of everything. Makes nothing durable. Idempotent. */
  close(): Promise<void>;
}
