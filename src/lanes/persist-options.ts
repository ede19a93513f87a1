/** The options of a persist pipeline, and their checks. */
import type { AnchorMode } from "../anchor/index.js";
import { type Codec, checkBoolean, checkInteger, checkOptions, invalid } from "../base/index.js";
import type { SharedLog } from "../streams/index.js";
import { checkCodec } from "./codec.js";
import { type KeyCodec, checkKeys } from "./lane-keys.js";
import type { AnchorNeeds, Persisted } from "./persist-batch.js";
import { type PlaceOptions, logPerLaneDirectory } from "./open-place.js";
import type { LanePlace } from "./place.js";
import { checkListener } from "./telling.js";

/** Options of {@link PersistPipeline.open}. */
export interface PersistPipelineOptions<K, T, C, A> extends PlaceOptions {
  readonly lanes: { readonly codec: Codec<T>; readonly firstIndex?: number; readonly key?: KeyCodec<K> };
  readonly chain: { readonly codec: Codec<C>; readonly firstIndex?: number };
  readonly anchor: {
    readonly codec: Codec<A>;
    /** From where on an anchor needs the chain and the lanes. Pure, and growing from one anchor to the next. */
    readonly needs: (anchor: A) => AnchorNeeds<K, C>;
    /**
     * For lanes with a log each. `"alternate"` (default): one durable write for each anchor; what the anchor before the newest needs is kept too, so
     * that damage to the newest costs nothing. `"mirror"`: two durable writes, and only what the newest needs is kept.
     */
    readonly mode?: AnchorMode;
    /** For lanes with a log each: bytes of a slot, as of `Anchor`. Default 4,096. */
    readonly slotBytes?: number;
  };
  /** A cycle is durable as a whole or not at all, with one write. Default: true; lanes with a log each can't. */
  readonly atomic?: boolean;
  /** Bytes of values that cycles under way may hold; more is refused with `HF_BACKPRESSURE`. A cycle alone may be larger. Default 64 MiB. */
  readonly inFlightBytes?: number;
  /**
   * Hears of everything as soon as it is durable, and before `persist` resolves. The moment to tell others. What it throws, `persist` rejects with once
   * the cycle is over; nothing else changes.
   */
  readonly onPersisted?: (persisted: Persisted<K, A>) => void;
}

const WHERE = "PersistPipeline.open";
const IN_FLIGHT_BYTES_DEFAULT = 64 * 1024 * 1024;

/** What follows from the options. */
export interface PipelineSettings {
  readonly atomic: boolean;
  readonly inFlightBytes: number;
}

/** Refuses what is unknown or no good. */
export function checkPipelineOptions<K, T, C, A>(
  where: string | SharedLog | LanePlace,
  options: PersistPipelineOptions<K, T, C, A>,
): PipelineSettings {
  const known = [
    "lanes",
    "chain",
    "anchor",
    "atomic",
    "inFlightBytes",
    "onPersisted",
    "layout",
    "vfs",
    "log",
    "prefix",
  ] as const;
  checkOptions<PersistPipelineOptions<K, T, C, A>>(WHERE, options, known);
  const lanes = checkOptions<PersistPipelineOptions<K, T, C, A>["lanes"]>(WHERE, options?.lanes, [
    "codec",
    "firstIndex",
    "key",
  ]);
  const chain = checkOptions<PersistPipelineOptions<K, T, C, A>["chain"]>(WHERE, options?.chain, [
    "codec",
    "firstIndex",
  ]);
  const anchor = checkOptions<PersistPipelineOptions<K, T, C, A>["anchor"]>(WHERE, options?.anchor, [
    "codec",
    "needs",
    "mode",
    "slotBytes",
  ]);
  checkCodec(WHERE, "lanes.codec", lanes.codec);
  if (lanes.key !== undefined) checkKeys(WHERE, lanes.key);
  checkCodec(WHERE, "chain.codec", chain.codec);
  checkCodec(WHERE, "anchor.codec", anchor.codec);
  if (typeof anchor.needs !== "function") throw invalid(WHERE, "anchor.needs", anchor.needs, "a function");
  checkListener(WHERE, "onPersisted", options.onPersisted);
  const hasLogPerLane = logPerLaneDirectory(where, options.layout) !== undefined;
  for (const [name, value] of Object.entries({ "anchor.mode": anchor.mode, "anchor.slotBytes": anchor.slotBytes })) {
    if (!hasLogPerLane && value !== undefined)
      throw invalid(WHERE, name, value, 'absent where lanes have no log each: pass layout: "log-per-lane"');
  }
  const canBeAtomic = typeof where === "string" ? !hasLogPerLane : where?.commit !== undefined;
  const atomic = checkBoolean(WHERE, "atomic", options.atomic, canBeAtomic);
  if (atomic && !canBeAtomic)
    throw invalid(WHERE, "atomic", atomic, "false for lanes with a log each; use a SharedLog");
  const inFlightBytes = checkInteger(
    WHERE,
    "inFlightBytes",
    options.inFlightBytes,
    { min: 1 },
    IN_FLIGHT_BYTES_DEFAULT,
  );
  return { atomic, inFlightBytes };
}
