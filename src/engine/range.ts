/** Checks what a caller asks for, before any effect. */
import { checkBoolean, checkInteger, checkOptions, invalid } from "../base/index.js";
import type { EngineRange } from "./engine.js";

/** A range whose options are all decided. */
export interface CheckedRange {
  readonly gte: Uint8Array | undefined;
  readonly gt: Uint8Array | undefined;
  readonly lte: Uint8Array | undefined;
  readonly lt: Uint8Array | undefined;
  readonly reverse: boolean;
  /** Infinity for all. */
  readonly limit: number;
}

/** The range, with copies of its bounds; refuses unknown options and contradictory ones. */
export function checkRange(where: string, range: EngineRange | undefined): CheckedRange {
  const options = checkOptions<EngineRange>(where, range, ["gte", "gt", "lte", "lt", "reverse", "limit"]);
  if (options.gte !== undefined && options.gt !== undefined)
    throw invalid(where, "gt", options.gt, "absent where gte is given");
  if (options.lte !== undefined && options.lt !== undefined)
    throw invalid(where, "lt", options.lt, "absent where lte is given");
  return {
    gte: bound(where, "gte", options.gte),
    gt: bound(where, "gt", options.gt),
    lte: bound(where, "lte", options.lte),
    lt: bound(where, "lt", options.lt),
    reverse: checkBoolean(where, "reverse", options.reverse, false),
    limit: checkInteger(where, "limit", options.limit, { min: 0 }, undefined) ?? Number.POSITIVE_INFINITY,
  };
}

/** Refuses a key or value that is not bytes. */
export function checkBytes(where: string, name: string, value: Uint8Array): void {
  if (!(value instanceof Uint8Array)) throw invalid(where, name, value, "a Uint8Array");
}

function bound(where: string, name: string, value: Uint8Array | undefined): Uint8Array | undefined {
  if (value === undefined) return undefined;
  checkBytes(where, name, value);
  return Uint8Array.prototype.slice.call(value);
}
