/** The commit store in a directory, as the commands open it: with the engine that its books name, and the log in its directory. */
import { ConflictError, FormatError } from "../../base/index.js";
import { type Engine, classicLevel, memoryEngine } from "../../engine/index.js";
import { FlatKv, type FlatKvInspection, type FlatKvRecovery, inspectFlatKv } from "../../flatkv/index.js";
import { formatCount, formatPlural } from "../units.js";

/** Opens it. What a crash left is recovered, as by any opening. */
export async function openFlatKv(found: FlatKvInspection): Promise<FlatKv> {
  refuseOtherJournal(found);
  return await FlatKv.open(found.directory, { createIfMissing: false, engine: engineOf(found) });
}

/** The store in a directory that must have one. */
export async function requireFlatKv(directory: string): Promise<FlatKvInspection> {
  const found = await inspectFlatKv(directory);
  if (found !== undefined) return found;
  throw new FormatError("HF_FORMAT_UNKNOWN", `${directory} holds no commit store.`, { path: directory });
}

/** Its engine. */
export function engineOf({ directory, engine }: FlatKvInspection): Engine {
  if (engine === "classic-level") return classicLevel();
  if (engine === "memory") return memoryEngine();
  throw new ConflictError(
    "HF_OPTION_MISMATCH",
    `${directory} was made with the engine ${engine}, which the command line does not have. Open it from the program that has it.`,
    { path: directory, engine },
  );
}

/** Refuses a store whose commits are elsewhere: a command can't open that journal. */
export function refuseOtherJournal({ directory, log, problems }: FlatKvInspection): void {
  if (log !== undefined || problems.length > 0) return;
  throw new ConflictError(
    "HF_OPTION_MISMATCH",
    `${directory} has no log of its own: its commits are in a journal of the program that made it, and only that program can open it. ` +
      "Where there was a log and it is lost, holdfast rebuild-hashes keeps what the databases hold.",
    { path: directory },
  );
}

/** What opening did, where it did something. */
export function recoveryLines({ redone, rebuilt, abandonedRecords, removedDirectories }: FlatKvRecovery): string[] {
  return [
    ...Object.entries(redone).map(
      ([name, commits]) => `  opening did ${formatPlural(commits, "commit")} again in database ${name}`,
    ),
    ...rebuilt.map(
      ({ database, reason, fromVersion }) =>
        `  opening made database ${database} anew (${reason}) from version ${formatCount(fromVersion)} and the log`,
    ),
    ...(abandonedRecords === 0
      ? []
      : [`  opening dropped ${formatPlural(abandonedRecords, "record")} that a rollback had abandoned`]),
    ...(removedDirectories === 0
      ? []
      : [
          `  opening removed ${formatPlural(removedDirectories, "directory", "directories")} that a crash had left unfinished`,
        ]),
  ];
}

/** The same for JSON: errors become their messages. */
export function recoveryJson({ rebuilt, ...recovery }: FlatKvRecovery): object {
  return { ...recovery, rebuilt: rebuilt.map((database) => causeAsText(database)) };
}

/** With a cause as its message. */
function causeAsText<T extends { readonly cause?: unknown }>(value: T): object {
  const { cause, ...rest } = value;
  if (cause === undefined) return rest;
  // A problem or an error: what either says to people.
  const { message } = cause as { readonly message?: string };
  return { ...rest, cause: message };
}
