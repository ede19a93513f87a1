/** Anchors as bytes, and what each needs. Pure. */
import { checkInteger, invalid } from "../base/index.js";
import { decodeWith, encodeWith } from "./codec.js";
import type { PersistPipelineOptions } from "./persist-options.js";

/** The first byte of an anchor's value, where one follows. */
const HAS_ANCHOR = 1;

/** What an anchor needs, checked. */
export interface Needs<K> {
  readonly chain: number | undefined;
  readonly chainEntry: Uint8Array | undefined;
  readonly lanes: readonly (readonly [K, number])[];
}

/** The needs of no anchor. */
export const NOTHING: Needs<never> = { chain: undefined, chainEntry: undefined, lanes: [] };

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
  return stored[0] === HAS_ANCHOR ? decodeWith(anchor.codec, stored.slice(1), "The anchor") : undefined;
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
    lanes: [...(needs.lanes ?? [])].map(([key, first]) => [key, checkInteger(where, "lanes", first, { min: 0 }, 0)]),
  };
}
