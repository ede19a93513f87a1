/** Checks of arguments that several calls share. All of them refuse before any effect. */
import { checkInteger, invalid } from "../base/index.js";

/** An index, which may not be absent. */
export function checkIndex(where: string, name: string, index: number): number {
  const checked = checkInteger(where, name, index, { min: 0 }, undefined);
  if (checked === undefined) throw invalid(where, name, index, "an index");
  return checked;
}

export function checkArray<T>(where: string, name: string, values: readonly T[]): readonly T[] {
  if (!Array.isArray(values)) throw invalid(where, name, values, "an array");
  return values;
}
