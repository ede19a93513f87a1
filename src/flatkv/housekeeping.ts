/**
 * What the books do not need any more: databases that were replaced, directories that they do not name, commits before the oldest snapshot.
 *
 * Nothing of this counts: the books have moved on, durably, before anything is dropped here, and the next opening drops what a crash or this left. While
 * someone reads what was named when they began, a check or an export, everything stays.
 */
import { IoError } from "../base/index.js";
import type { Engine, EngineDatabase } from "../engine/index.js";
import type { Journal } from "../log/index.js";
import { type Books, firstNeededLsn } from "./books.js";
import type { StoreDirectory } from "./store-directory.js";

/** Something in a directory, or its owner, keeps it from being removed. It is in nobody's way. */
const IN_USE = new Set(["ENOTEMPTY", "EEXIST", "EACCES", "EPERM", "EBUSY"]);

/** A database that nobody needs any more. */
export interface Leftover {
  /** Number of its directory. */
  readonly number: number;
  /** Where it is still open. */
  readonly engine?: EngineDatabase | undefined;
}

/** What housekeeping works on. */
export interface Household {
  readonly directory: StoreDirectory;
  readonly engine: Engine;
  readonly journal: Journal;
}

/** See the head of this file. */
export class Housekeeping {
  readonly #household: Household;
  #leftovers: Leftover[] = [];
  #holders = 0;

  constructor(household: Household) {
    this.#household = household;
  }

  /** Keeps everything until `release`. */
  hold(): void {
    this.#holders += 1;
  }

  release(): void {
    this.#holders -= 1;
  }

  /** Takes over what the books do not name any more. */
  add(leftovers: readonly Leftover[]): void {
    this.#leftovers.push(...leftovers);
  }

  /** Whether `sweep` would drop anything. */
  isDue(books: Books): boolean {
    if (this.#holders > 0) return false;
    return this.#leftovers.length > 0 || firstNeededLsn(books) > this.#household.journal.firstLsn;
  }

  /** Drops what can be dropped, unless somebody holds it. Not beside a commit. */
  async sweep(books: Books): Promise<void> {
    if (this.#holders > 0) return;
    await pruneJournal(this.#household.journal, books);
    const leftovers = this.#leftovers;
    this.#leftovers = [];
    for (const { engine } of leftovers) await engine?.close();
    await removeDirectories(
      this.#household,
      leftovers.map(({ number }) => number),
    );
  }

  /** Lets go of databases that are still open. */
  async close(): Promise<void> {
    for (const { engine } of this.#leftovers) await engine?.close();
  }
}

/** Drops the commits that the books do not need. */
export async function pruneJournal(journal: Journal, books: Books): Promise<void> {
  const first = firstNeededLsn(books);
  if (first > journal.firstLsn) await journal.truncateBefore(first);
}

/** Removes directories. Returns the numbers of those that something keeps from being removed. */
export async function removeDirectories(
  { directory, engine }: Pick<Household, "directory" | "engine">,
  numbers: readonly number[],
): Promise<number[]> {
  const kept: number[] = [];
  for (const number of numbers) {
    try {
      await engine.remove(directory.database(number));
    } catch (error) {
      if (!(error instanceof IoError) || !IN_USE.has(error.errno)) throw error;
      kept.push(number);
    }
  }
  return kept;
}
