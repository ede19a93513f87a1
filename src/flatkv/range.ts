/** Ranges of row keys, as callers give them and as engines take them. */
import { checkBoolean, checkInteger, checkOptions, invalid } from "../base/index.js";
import type { EngineRange } from "../engine/index.js";
import { ROWS_FROM, ROWS_TO, rowKey } from "./row-format.js";

/** Which rows of a database, in which order. */
export interface IterateOptions {
  /** The database to read. May be left out where the store has only one. */
  readonly database?: string | undefined;
  /** Only keys that begin with these bytes. Not with the bounds below. */
  readonly prefix?: Uint8Array | undefined;
  readonly gte?: Uint8Array | undefined;
  readonly gt?: Uint8Array | undefined;
  readonly lte?: Uint8Array | undefined;
  readonly lt?: Uint8Array | undefined;
  /** From the greatest key down. Default false. */
  readonly reverse?: boolean | undefined;
  /** At most so many rows. Default all. */
  readonly limit?: number | undefined;
}

const KNOWN = ["database", "prefix", "gte", "gt", "lte", "lt", "reverse", "limit"] as const;

/** Checks the options and finds the engine's range, which lies within the rows. */
export function engineRange(where: string, options: IterateOptions): EngineRange {
  const given = checkOptions(where, options, KNOWN);
  for (const name of ["prefix", "gte", "gt", "lte", "lt"] as const) {
    const bound = given[name];
    if (bound === undefined) continue;
    if (!(bound instanceof Uint8Array)) throw invalid(where, name, bound, "a Uint8Array");
    if (name !== "prefix" && given.prefix !== undefined) throw invalid(where, name, bound, "absent beside a prefix");
  }
  if (given.gte !== undefined && given.gt !== undefined) throw invalid(where, "gt", given.gt, "absent beside gte");
  if (given.lte !== undefined && given.lt !== undefined) throw invalid(where, "lt", given.lt, "absent beside lte");
  const limit = checkInteger(where, "limit", given.limit, { min: 0 }, undefined);
  const order = {
    reverse: checkBoolean(where, "reverse", given.reverse, false),
    ...(limit === undefined ? {} : { limit }),
  };
  if (given.prefix !== undefined) {
    const from = rowKey(given.prefix);
    return { gte: from, lt: after(from), ...order };
  }
  const { gte, gt, lte, lt } = given;
  return {
    ...(gt === undefined ? { gte: gte === undefined ? ROWS_FROM : rowKey(gte) } : { gt: rowKey(gt) }),
    ...(lte === undefined ? { lt: lt === undefined ? ROWS_TO : rowKey(lt) } : { lte: rowKey(lte) }),
    ...order,
  };
}

/** The least key above every key that begins with `prefix`. Its first byte is that of a row, so there is one. */
function after(prefix: Uint8Array): Uint8Array {
  let end = prefix.length;
  while (prefix[end - 1] === 0xff) end -= 1;
  const bytes = prefix.slice(0, end);
  bytes[end - 1]! += 1;
  return bytes;
}
