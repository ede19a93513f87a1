/** What goes into a set of lanes, and what comes out of it. */
import type { Codec } from "../base/index.js";
import type { IndexRange } from "./append-queue.js";
import type { PlaceOptions } from "./open-place.js";

/** Options of {@link LaneSet.open}. */
export interface LaneSetOptions<T> extends PlaceOptions {
  /** How values become bytes. */
  readonly codec: Codec<T>;
  /** The index of the first entry of a new lane. Default 0. */
  readonly firstIndex?: number;
}

/** Entries for one lane. */
export interface LaneBatch<K, T> {
  readonly key: K;
  readonly values: readonly T[];
  /** The index that the first value must get. Default: whatever comes next. */
  readonly firstIndex?: number;
}

/** What became durable in one lane. */
export interface LaneRange<K> extends IndexRange {
  readonly key: K;
}

/** How a commit is done. */
export interface LaneCommitOptions<K> {
  /** All of it or none, with one durable write; needs a `SharedLog`. Default false: each lane for itself. */
  readonly atomic?: boolean;
  /** Hears of each lane's part as soon as that is durable, before the commit resolves. What it throws, the commit rejects with once all is done. */
  readonly onDurable?: (range: LaneRange<K>) => void;
}
