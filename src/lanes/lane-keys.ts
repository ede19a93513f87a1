/** Keys of lanes, and their names. */
import { invalid } from "../base/index.js";

/** How keys become names, 1 to about 200 characters, and come back. */
export interface KeyCodec<K> {
  encode(key: K): string;
  /** `undefined` for a name that stands for no key: what has it is reported as foreign, and left alone. */
  decode(name: string): K | undefined;
}

/** Keys that are names. */
export const nameKeys: KeyCodec<string> = { encode: (key) => key, decode: (name) => name };

/** The name of the lane with this key. */
export function nameOfKey<K>(keys: KeyCodec<K>, key: K): string {
  const name = keys.encode(key);
  if (typeof name !== "string") throw invalid("LaneSet", "key.encode's result", name, "a string");
  return name;
}

/** Refuses what is no codec of keys. */
export function checkKeys<K>(where: string, keys: KeyCodec<K>): void {
  if (typeof keys?.encode !== "function" || typeof keys.decode !== "function")
    throw invalid(where, "key", keys, "an object with encode and decode");
}
