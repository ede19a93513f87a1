import { invalid } from "../base/index.js";
import type { Hasher } from "../hash/index.js";
import { LEAF_WORDS } from "./leaf-list.js";
import { KEY_BITS, NODE_BYTES, NODE_WORDS, compareKeys, loadNode, sharedBits } from "./node.js";
import { isNode, isObject } from "./terminal.js";

/**
 * What a key has: a value, given whole or by its hash, or nothing (`undefined`). A key has 32 bytes. A value of no bytes is a value.
 */
export type KeyState =
  | { readonly key: Uint8Array; readonly value: Uint8Array | undefined; readonly valueHash?: never }
  | { readonly key: Uint8Array; readonly valueHash: Uint8Array | undefined; readonly value?: never };

/** The states of keys in words. */
export interface LoadedStates {
  readonly length: number;
  /** Key and value hash of state `n`: the 16 words at `16 × n`. */
  readonly words: Int32Array;
  /** 1 where the key has a value. */
  readonly present: Uint8Array;
}

/** Loads what a caller says about keys. `InvalidArgumentError` where that is no such thing. */
export function loadStates(where: string, name: string, hasher: Hasher, states: readonly KeyState[]): LoadedStates {
  if (!Array.isArray(states)) throw invalid(where, name, states, "an array");
  const words = new Int32Array(states.length * LEAF_WORDS);
  const present = new Uint8Array(states.length);
  for (let n = 0; n < states.length; n++) {
    const state: unknown = states[n];
    if (!isObject(state)) throw invalid(where, name, state, "an array of objects with key and value");
    const { key } = state;
    if (!isNode(key)) throw invalid(where, "key", key, `a Uint8Array of ${NODE_BYTES} bytes`);
    loadNode(key, words, n * LEAF_WORDS);
    const valueHash = valueHashOf(where, hasher, state);
    if (valueHash === undefined) continue;
    loadNode(valueHash, words, n * LEAF_WORDS + NODE_WORDS);
    present[n] = 1;
  }
  return { length: states.length, words, present };
}

/** The numbers of the states by ascending key. `InvalidArgumentError` where a key has two. */
export function sortStates(where: string, name: string, { length, words }: LoadedStates): Uint32Array {
  const order = Uint32Array.from({ length }, (_, n) => n).sort((a, b) =>
    compareKeys(words, a * LEAF_WORDS, words, b * LEAF_WORDS),
  );
  for (let at = 1; at < length; at++) {
    if (sharedBits(words, order[at - 1]! * LEAF_WORDS, words, order[at]! * LEAF_WORDS) === KEY_BITS)
      throw invalid(where, name, "the same key twice", "one for each key");
  }
  return order;
}

/** Nothing is said where neither member is there: that would pass for "no value" by a slip of the pen. */
function valueHashOf(where: string, hasher: Hasher, state: Readonly<Record<string, unknown>>): Uint8Array | undefined {
  const named = "value" in state;
  if (named === "valueHash" in state) throw invalid(where, "value", undefined, "given, or valueHash in its place");
  const given = named ? state["value"] : state["valueHash"];
  if (given === undefined) return undefined;
  if (!named) {
    if (!isNode(given)) throw invalid(where, "valueHash", given, `a Uint8Array of ${NODE_BYTES} bytes`);
    return given;
  }
  if (!(given instanceof Uint8Array)) throw invalid(where, "value", given, "a Uint8Array or undefined");
  return hasher.hash(given);
}
