/** What the audit demands of a node's parts. */
import { equalBytes } from "../../../base/index.js";
import { DemoMismatchError } from "../mismatch.js";

/** What was looked at when something was found wrong: the `part` among the error's details. */
export type Part = "state" | "flatkv" | "trie" | "events" | "chain" | "anchor" | "lanes";

/** Whether a hash is there, and the expected one. */
export function isHash(found: Uint8Array | undefined, expected: Uint8Array | undefined): boolean {
  return found !== undefined && expected !== undefined && equalBytes(found, expected);
}

/** Throws where something does not hold. */
export function demand(part: Part, holds: boolean, otherwise: string): void {
  if (!holds)
    throw new DemoMismatchError(`The audit of the node's ${part} found something wrong: ${otherwise}.`, { part });
}
