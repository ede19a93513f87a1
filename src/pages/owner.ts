/** The store above: what it keeps of its own in the commits of pages, and what it must do so that the pages' checkpoint may move. */
import type { LogRecord } from "../log/index.js";

/** A commit as it is redone. */
export interface RedoneCommit {
  readonly sequence: number;
  /** The root that it led to. */
  readonly root: Uint8Array;
  /** LSN of its last record. */
  readonly lsn: number;
}

/** Whoever commits records of its own together with pages. */
export interface PageStoreOwner {
  /** A record of the owner's in a commit that is redone while the store opens. In order; may come again after a crash. */
  redo(record: LogRecord, commit: RedoneCommit): void | Promise<void>;
  /** Makes durable what was redone or committed so far. Called before the checkpoint moves, perhaps while a later commit is on its way. */
  sync(): Promise<void>;
  /** The oldest LSN that it still needs in the journal; `undefined` where it needs none. The journal is kept from there on. */
  retainFrom(): number | undefined;
}
