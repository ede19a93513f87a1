/**
 * One look at a store beside its writer: copies of its databases, brought on to the newest version that can be seen.
 *
 * The books are read before and after. Where they are of the same timeline, what was read between is of it too.
 */
import { HoldfastError, StateError, equalBytes } from "../base/index.js";
import type { Engine } from "../engine/index.js";
import type { LtHash } from "../hash/index.js";
import type { LogReader } from "../log/index.js";
import { peekBooks } from "./books-file.js";
import type { Books, KnownState } from "./books.js";
import { CommitLog, type CommitSource } from "./commit-log.js";
import type { Database } from "./database.js";
import { type MakingContext, makeDatabase } from "./make-database.js";
import type { Routing } from "./routing.js";
import type { Scratch } from "./scratch.js";
import { stateSeen } from "./state-at.js";
import type { StoreDirectory } from "./store-directory.js";

/** So often a look is repeated when the writer changed the books meanwhile. */
const LOOKS_MAX = 8;
/** So often a look may fail before it is the store that is damaged. */
const FAILURES_MAX = 4;

/** What one look came to. */
export interface Look {
  readonly books: Books;
  readonly databases: readonly Database[];
  readonly state: KnownState;
  /** Of the databases at that state. */
  readonly hashes: readonly LtHash[];
}

/** What a reader works with. */
export interface ReaderContext {
  readonly directory: StoreDirectory;
  readonly engine: Engine;
  readonly route: Routing | undefined;
  readonly source: CommitSource;
  readonly ownReader: LogReader | undefined;
  readonly scratch: Scratch;
}

/** Copies and brings on, until the books were the same before and after. */
export async function lookAtStore(context: ReaderContext): Promise<Look> {
  let cause: unknown;
  let failures = 0;
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const books = await peekBooks(context.directory);
    let found: Look | undefined;
    try {
      await context.ownReader?.refresh();
      found = await makeCopies(context, books);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      cause = error;
      failures += 1;
    }
    if (found === undefined) {
      // The writer may have removed what was read, before or after it said so.
      if (failures >= FAILURES_MAX) throw cause;
      continue;
    }
    if (isSameLine(books, await peekBooks(context.directory))) return found;
    await closeCopies(found.databases);
  }
  throw new StateError(
    "HF_BUSY",
    `The writer of ${context.directory.path} changed its books ${LOOKS_MAX} times while they were read. Try again.`,
    { path: context.directory.path, looks: LOOKS_MAX },
    cause,
  );
}

/** Whether versions of the one are versions of the other. */
export function isSameLine(a: Books, b: Books): boolean {
  return a.timeline === b.timeline && equalBytes(a.storeId, b.storeId);
}

/** Lets go of copies. */
export async function closeCopies(databases: readonly Database[]): Promise<void> {
  for (const { engine } of databases) await engine.close();
}

/** Copies of their hashes. */
export function hashesOf(databases: readonly Database[]): LtHash[] {
  return databases.map(({ hash }) => hash.clone());
}

async function makeCopies({ directory, engine, source, scratch }: ReaderContext, books: Books): Promise<Look> {
  const commits = new CommitLog(source, books, `the journal of ${directory.path}`);
  const state = await stateSeen(commits, books);
  const context: MakingContext = { directory, engine, books, commits, links: true, scan: false };
  const databases: Database[] = [];
  try {
    for (const index of books.names.keys()) {
      const { database } = await makeDatabase(context, index, state.version, { number: 0, path: scratch.next() });
      databases.push(database);
    }
    return { books, databases, state, hashes: hashesOf(databases) };
  } catch (error) {
    for (const { engine: made } of databases) await made.close();
    throw error;
  }
}
