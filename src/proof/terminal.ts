import { NODE_BYTES } from "./node.js";

/** Where a key's path ends. */
export type Terminal =
  /** The only key below: the one that was asked for, or one in whose place it would be. */
  | { readonly kind: "leaf"; readonly key: Uint8Array; readonly valueHash: Uint8Array }
  /** No key is below. `path` has 32 bytes, zeros behind the bits down to the terminator. */
  | { readonly kind: "terminator"; readonly path: Uint8Array };

/** Whether this has the form of a node, a key or a hash. */
export function isNode(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.length === NODE_BYTES;
}

/** Whether this has the form of a terminal. The bits of its path are not looked at. */
export function isTerminal(value: unknown): value is Terminal {
  if (!isObject(value)) return false;
  if (value["kind"] === "leaf") return isNode(value["key"]) && isNode(value["valueHash"]);
  return value["kind"] === "terminator" && isNode(value["path"]);
}

/** Whether this is a list of nodes. */
export function areNodes(value: unknown): value is readonly Uint8Array[] {
  if (!Array.isArray(value)) return false;
  // Not `every`, which passes over holes.
  for (let at = 0; at < value.length; at++) if (!isNode(value[at])) return false;
  return true;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
