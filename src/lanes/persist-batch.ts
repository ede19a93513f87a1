/** What goes into a persist pipeline, and what comes out of it. */
import type { IndexRange } from "./append-queue.js";
import type { LaneBatch } from "./lane-batch.js";

/** From where on an anchor needs what is persisted. What is below may be dropped; nothing else ever is. */
export interface AnchorNeeds<K, C> {
  /** The first index of the chain. Absent: nothing of it is dropped. */
  readonly chain?: number;
  /** The chain's entry with that index, which is appended where the chain does not reach it. */
  readonly chainEntry?: C;
  /** The first index of each lane. Of a lane that is not among them nothing is dropped. */
  readonly lanes?: Iterable<readonly [K, number]>;
}

/** What is persisted together. Each part may be absent. */
export interface PersistBatch<K, T, C, A> {
  /** The new anchor. It may not need what an earlier one allowed to drop. */
  readonly anchor?: A;
  /** Consecutive entries of the chain; those that it has passed are ignored. */
  readonly chain?: { readonly firstIndex: number; readonly values: readonly C[] };
  /** Entries of lanes, each lane once. */
  readonly lanes?: readonly LaneBatch<K, T>[];
}

/** Something that is durable now, and may be told to others. */
export type Persisted<K, A> =
  | { readonly kind: "anchor"; readonly anchor: A }
  | ({ readonly kind: "chain" } & IndexRange)
  | ({ readonly kind: "lane"; readonly key: K } & IndexRange);
