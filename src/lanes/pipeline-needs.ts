/** Anchors as bytes, and what each needs. Pure. */
import { FormatError, checkInteger, equalBytes, invalid } from "../base/index.js";
import { checkIndex } from "./arguments.js";
import { decodeWith, encodeWith } from "./codec.js";
import { type KeyCodec, nameKeys, nameOfKey } from "./lane-keys.js";
import type { PersistPipelineOptions } from "./persist-options.js";

/** What is stored before there is an anchor. */
export const NO_ANCHOR: Uint8Array = new Uint8Array([0]);
/** The first byte of what is stored, where an anchor follows. */
const HAS_ANCHOR = 1;

/** What an anchor needs, checked. */
export interface Needs<K> {
  readonly chain: number | undefined;
  readonly chainEntry: Uint8Array | undefined;
  /** By name. */
  readonly lanes: ReadonlyMap<string, NeededLane<K>>;
}

/** From where on an anchor needs a lane. */
interface NeededLane<K> {
  readonly key: K;
  readonly first: number;
}

/** The needs of no anchor. */
export const NOTHING: Needs<never> = { chain: undefined, chainEntry: undefined, lanes: new Map() };

type Options<K, T, C, A> = PersistPipelineOptions<K, T, C, A>;

export function encodeAnchor<K, T, C, A>({ anchor }: Options<K, T, C, A>, value: A): Uint8Array {
  const bytes = encodeWith(anchor.codec, value, "The anchor");
  const stored = new Uint8Array(bytes.length + 1);
  stored[0] = HAS_ANCHOR;
  stored.set(bytes, 1);
  return stored;
}

/** `undefined` before the first anchor. */
export function decodeAnchor<K, T, C, A>({ anchor }: Options<K, T, C, A>, stored: Uint8Array): A | undefined {
  if (stored[0] === HAS_ANCHOR) return decodeWith(anchor.codec, stored.slice(1), "The anchor");
  if (equalBytes(stored, NO_ANCHOR)) return undefined;
  throw new FormatError(
    "HF_FORMAT_UNKNOWN",
    `What is stored as the anchor begins with ${stored[0] ?? "nothing"}, which this build does not know. It is no pipeline's, or a newer build wrote it.`,
    { found: stored[0] ?? -1 },
  );
}

/** How a pipeline's keys become names. */
export function keysOf<K, T, C, A>({ lanes }: Options<K, T, C, A>): KeyCodec<K> {
  return lanes.key ?? (nameKeys as unknown as KeyCodec<K>);
}

/** What the anchor with these bytes needs. */
export function needsOf<K, T, C, A>(options: Options<K, T, C, A>, stored: Uint8Array): Needs<K> {
  const value = decodeAnchor(options, stored);
  if (value === undefined) return NOTHING;
  const where = "anchor.needs";
  const needs = options.anchor.needs(value);
  if (typeof needs !== "object" || needs === null) throw invalid("PersistPipeline", where, needs, "an object");
  const chain = checkInteger(where, "chain", needs.chain, { min: 0 }, undefined);
  if (needs.chainEntry !== undefined && chain === undefined)
    throw invalid(where, "chain", chain, "given with chainEntry");
  return {
    chain,
    chainEntry:
      needs.chainEntry === undefined
        ? undefined
        : encodeWith(options.chain.codec, needs.chainEntry, "The chain's entry of the anchor"),
    lanes: neededLanes(keysOf(options), needs.lanes ?? []),
  };
}

function neededLanes<K>(keys: KeyCodec<K>, needs: Iterable<readonly [K, number]>): Map<string, NeededLane<K>> {
  const lanes = new Map<string, NeededLane<K>>();
  for (const [key, from] of needs) {
    const name = nameOfKey(keys, key);
    // Where a lane is named twice, all that either needs is kept.
    const first = Math.min(checkIndex("anchor.needs", "lanes", from), lanes.get(name)?.first ?? from);
    lanes.set(name, { key, first });
  }
  return lanes;
}
