/** A commit between `beginSync` and `commitSync`. */
import type { LogInput } from "../log/index.js";
import type { Page } from "./page.js";
import type { PageDiff } from "./page-diff.js";
import type { PageId } from "./page-id.js";

/** A page that a commit makes or changes. */
export interface PageUpdate {
  /** As it is to be. It must not change any more; the store sets its `sequence`. */
  readonly page: Page;
  /** Nodes that differ from the committed page; may hold more. Of a fresh page it does not matter. */
  readonly diff: PageDiff;
  /** Whether there is no committed page with this id: every node that is not zero is logged then. */
  readonly fresh: boolean;
}

/** What a commit changes. No id comes twice. */
export interface PageChanges {
  readonly updates: readonly PageUpdate[];
  /** Pages that go. */
  readonly clears: readonly PageId[];
  /** 32 bytes. */
  readonly root: Uint8Array;
  /** Records of the owner's that are durable together with the pages. Types 0xb0 to 0xbf are the store's own. */
  readonly records?: readonly LogInput[];
}

/** See the head of this file. It holds until it was written or the next one is begun, and leaves nothing behind where it is dropped. */
export interface StagedSync {
  /** The sequence that the commit gets. */
  readonly sequence: number;
  readonly root: Uint8Array;
  /** START, CLEAR…, UPDATE…, the owner's, END: to be appended as one atomic batch. */
  readonly records: readonly LogInput[];
}
