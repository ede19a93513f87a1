/**
 * A directory with databases and without books: what an interrupted making or import left, or a store that lost its books. The first is made anew, the
 * second must never be.
 */
import { CorruptionError } from "../base/index.js";
import type { Engine } from "../engine/index.js";
import { probeDatabase } from "./probe.js";
import { STAGED_KEY } from "./row-format.js";
import type { StoreDirectory } from "./store-directory.js";

/** The error for a store without its books. */
export function booksMissing(path: string, found: string): CorruptionError {
  return new CorruptionError({
    path,
    expected: "the books of a store, in the file anchor",
    found: `none, and ${found}`,
    advice:
      "Put the anchor back; nothing else is lost. Without it, an export or a copy of the directory is what there is.",
  });
}

/** Refuses where a database holds a version that was committed. One that was being made says so of itself, or nothing. */
export async function refuseLiveDatabases(
  directory: StoreDirectory,
  engine: Engine,
  numbers: readonly number[],
): Promise<void> {
  for (const number of numbers) {
    const path = directory.database(number);
    const { probe, engine: opened } = await probeDatabase(engine, path);
    if (opened === undefined) continue;
    try {
      if (probe.metadata?.kind !== "sound" || probe.metadata.metadata.version === 0) continue;
      if ((await opened.get(STAGED_KEY)) === undefined)
        throw booksMissing(
          directory.path,
          `database ${probe.metadata.metadata.database} at version ${probe.metadata.metadata.version} in ${path}`,
        );
    } finally {
      await opened.close();
    }
  }
}
