import type { StateError } from "../base/index.js";
import type { Journal, LogOptions } from "../log/index.js";
import type { Vfs } from "../vfs/index.js";
import type { PageStoreOwner } from "./owner.js";
import type { Page } from "./page.js";
import type { PageId } from "./page-id.js";
import type { PageChanges, StagedSync } from "./staged-sync.js";

/** When pages go from memory to their buckets. */
export type CheckpointPolicy =
  | "every-commit"
  | {
      /** Begin once so many pages are dirty; commits wait at twice as many. Default 16,384. */
      readonly dirtyPagesMax?: number;
      /** Begin once the commits since the last checkpoint have so many bytes; commits wait at twice as many. Default 64 MiB. */
      readonly logBytesMax?: number;
    };

/** Options of `PageStore.open`. */
export interface PageStoreOptions {
  readonly vfs?: Vfs;
  readonly createIfMissing?: boolean;
  /** Opened and closed by you. Default: a log in the store's directory. */
  readonly journal?: Journal;
  readonly log?: Omit<LogOptions, "vfs" | "createIfMissing">;
  /** Buckets of a new table; a power of two. Default 16,384. */
  readonly capacity?: number;
  /** The table grows past this share of buckets that are not empty. Default 0.85. */
  readonly loadMax?: number;
  readonly cache?: { readonly bytes?: number; readonly pinnedDepth?: number };
  readonly checkpoint?: CheckpointPolicy;
  readonly torn?: "double-write" | "trust";
  readonly owner?: PageStoreOwner;
}

/** See `docs/pages.md`. */
export declare class PageStore {
  static open(directory: string, options?: PageStoreOptions): Promise<PageStore>;
  readonly directory: string;
  /** 32 bytes; zeros where nothing was committed. A copy. */
  get root(): Uint8Array;
  /** Commits so far; 0 where nothing was committed. */
  get sequence(): number;
  /** LSN of the last record of the newest commit. */
  get lsn(): number;
  get journal(): Journal;
  get failure(): StateError | undefined;
  /** The committed page, if it is in memory. */
  peek(id: PageId): Page | undefined;
  /** The committed page; `undefined` where there is none. Damage is a `CorruptionError`, a failed read an `IoError`. */
  load(id: PageId): Promise<Page | undefined>;
  /** The three steps of a commit. */
  beginSync(changes: PageChanges): Promise<StagedSync>;
  writeWal(staged: StagedSync): Promise<number>;
  commitSync(staged: StagedSync, lsn: number): Promise<void>;
  /** All three. Resolves to the sequence. */
  commit(changes: PageChanges): Promise<number>;
  /** Ends the store: for an owner whose own part of a commit failed after the commit point. Returns what to tell the caller. */
  fail(cause: unknown): StateError;
  checkpoint(): Promise<void>;
  verify(): Promise<unknown>;
  stats(): unknown;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
