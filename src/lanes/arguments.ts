/** Checks of arguments that several calls share. All of them refuse before any effect. */
import { checkInteger, invalid } from "../base/index.js";
import type { Journal } from "../log/index.js";

/** An index, which may not be absent. */
export function checkIndex(where: string, name: string, index: number): number {
  const checked = checkInteger(where, name, index, { min: 0 }, undefined);
  if (checked === undefined) throw invalid(where, name, index, "an index");
  return checked;
}

/** A journal: no path, which these classes don't open by themselves. */
export function checkJournal(where: string, journal: Journal): Journal {
  if (typeof journal !== "object" || journal === null || typeof journal.appendAll !== "function")
    throw invalid(where, "journal", journal, "a Log, or a stream of a SharedLog");
  return journal;
}

export function checkArray<T>(where: string, name: string, values: readonly T[]): readonly T[] {
  if (!Array.isArray(values)) throw invalid(where, name, values, "an array");
  return values;
}
