/** What LevelDB reports, as errors of ours. By its codes; its texts are passed on and never read. */
import { CorruptionError, HoldfastError, IoError, LockedError, StateError, errnoOf } from "../../base/index.js";

/**
 * The error for what `classic-level` or `node:fs` threw. A code of LevelDB's stands in `details.errno` where it names no errno of its own.
 */
export function levelError(operation: string, directory: string, thrown: unknown): HoldfastError {
  if (thrown instanceof HoldfastError) return thrown;
  // What went wrong with an opening is the cause of what it throws.
  const inner = thrown instanceof Error && errnoOf(thrown.cause) !== undefined ? thrown.cause : thrown;
  switch (errnoOf(inner)) {
    case "LEVEL_CORRUPTION":
      return new CorruptionError(
        {
          path: directory,
          expected: "what LevelDB wrote",
          found: inner instanceof Error ? inner.message : "something else",
          advice: "Build the database anew from what it was made of.",
        },
        thrown,
      );
    case "LEVEL_LOCKED":
      return new LockedError(directory, undefined, thrown);
    case "LEVEL_DATABASE_NOT_OPEN":
      // Of an opening it only says that it failed; LevelDB had no code for the reason.
      if (operation === "open") return new IoError(operation, directory, thrown);
      return new StateError("HF_CLOSED", `The database in ${directory} is closed.`, { directory }, thrown);
    case "LEVEL_ITERATOR_NOT_OPEN":
    case "LEVEL_SNAPSHOT_NOT_OPEN":
    case "LEVEL_BATCH_NOT_OPEN":
      return new StateError("HF_CLOSED", `The database in ${directory} is closed.`, { directory }, thrown);
    case undefined:
    default:
      return new IoError(operation, directory, inner);
  }
}

/** Runs one call; whatever it throws comes out as an error of ours. */
export async function callLevel<Result>(
  operation: string,
  directory: string,
  act: () => Promise<Result>,
): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    throw levelError(operation, directory, error);
  }
}
