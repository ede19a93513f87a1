/**
 * Brings what a crash left in order, before anyone sees a row.
 *
 * Crash argument: first what the books decided is finished (dropping abandoned records, pruning, removing directories that nobody names), which the next
 * opening does again. Then each database is believed as far as its markers reach, and brought on with commits that are durable in the journal. Databases
 * that can't be believed are made anew where nobody looks, and one write of the books names them.
 */
import { CorruptionError, FormatError, equalBytes, type Held } from "../base/index.js";
import type { Journal } from "../log/index.js";
import type { VfsLock } from "../vfs/index.js";
import { openBooks } from "./books-file.js";
import type { Books } from "./books.js";
import { CommitLog } from "./commit-log.js";
import { Database } from "./database.js";
import { noHashes } from "./errors.js";
import { openJournal } from "./journal.js";
import type { OpenedStore } from "./opened-store.js";
import { type FlatKvSettings, checkStoredOptions } from "./options.js";
import { type Probed, probeDatabase } from "./probe.js";
import { type DatabaseDecision, decideDatabase } from "./recovery.js";
import { pruneJournal, removeDirectories } from "./housekeeping.js";
import type { FlatKvRecovery, RebuiltDatabase } from "./recovery-report.js";
import { type RebuildRequest, rebuildDatabases } from "./rebuild.js";
import { Redo, redoAll } from "./redo.js";
import { removeDeadScratches } from "./scratch.js";
import type { StoreDirectory } from "./store-directory.js";
import { stateAt } from "./state-at.js";
import { Store } from "./store.js";

/** Opens a store that exists. */
export async function recoverStore(
  directory: StoreDirectory,
  settings: FlatKvSettings,
  lock: VfsLock,
  held: Held,
): Promise<OpenedStore> {
  const { anchor, books } = await openBooks(directory, held);
  checkStoredOptions(directory.path, settings, books);
  const { journal, ownLog } = await openJournal(directory, settings, false, held);
  const commits = new CommitLog(journal, books, `the journal of ${directory.path}`);

  checkJournalReaches(directory, journal, books);
  // Before anything is dropped from it: the journal must be this store's.
  if (journal.lastLsn >= journal.firstLsn) await commits.headerAt(journal.lastLsn);
  const abandonedRecords = await dropAbandoned(directory, journal, commits, books);
  await pruneJournal(journal, books);
  const removed = await removeUnnamed(directory, settings, books);
  await removeDeadScratches(settings.vfs, settings.engine, directory.readers);
  const state = await stateAt(commits, books, commits.lastLsn);

  const probes: Probed[] = [];
  for (const number of books.directories) {
    const probed = await probeDatabase(settings.engine, directory.database(number));
    if (probed.engine !== undefined) held.add(() => probed.engine.close());
    probes.push(probed);
  }
  const decisions = decideAll(directory, books, probes, state.version);

  const believed = probes.map((probed, index) => openBelieved(directory, books, index, probed, decisions[index]!));
  const redos = believed.flatMap((found, index) => {
    if (found === undefined) return [];
    const { from, claims } = found.decision;
    return from === state.version ? [] : [{ index, redo: new Redo(found.database, from, claims, settings.redoBytes) }];
  });
  if (redos.length > 0) await redoAll(commits, redos, { ...books.synced, checksums: [] }, state.version);

  const store = new Store({ directory, settings, lock, anchor, journal, ownLog, commits, books, state, databases: [] });
  const databases = believed.map((found) => found?.database);
  const requests = databases.flatMap((database, index): RebuildRequest[] => {
    const { engine } = probes[index]!;
    const decision = decisions[index]!;
    if (decision.kind === "rebuild") return [{ index, reason: decision.reason, cause: decision.cause, engine }];
    const isRight = equalBytes(database!.hash.checksum(), state.checksums[index]!);
    return isRight ? [] : [{ index, reason: "hash-differs", engine }];
  });
  store.databases = databases.filter((database) => database !== undefined);
  held.add(async () => {
    for (const { engine } of store.databases) await engine.close();
    await store.housekeeping.close();
  });
  const rebuilt = await rebuildInOpening(store, requests);
  return {
    store,
    recovery: {
      version: state.version,
      redone: Object.fromEntries(redos.map(({ redo }) => [redo.database.name, state.version - redo.from])),
      rebuilt,
      abandonedRecords,
      ...removed,
    },
  };
}

/** There is no store yet that could be poisoned: what failed is told as it is. */
async function rebuildInOpening(store: Store, requests: readonly RebuildRequest[]): Promise<RebuiltDatabase[]> {
  try {
    return await rebuildDatabases(store, requests);
  } catch (error) {
    throw error === store.failure ? store.failure?.cause : error;
  }
}

/** The journal must hold all that the books know to be durable. */
function checkJournalReaches({ path }: StoreDirectory, { lastLsn }: Journal, { base, synced, snapshots }: Books): void {
  const known = Math.max(base.lsn, synced.lsn, ...snapshots.map(({ lsn }) => lsn));
  if (lastLsn >= known) return;
  throw new CorruptionError({
    path,
    lsn: lastLsn + 1,
    expected: `a journal that reaches LSN ${known}, which was durable`,
    found: `one that ends at ${lastLsn}`,
    advice: "Open the store with its own journal, whole.",
  });
}

/** Drops what a rollback or import abandoned, where a crash came before it was dropped. Returns how many records. */
async function dropAbandoned(
  { path }: StoreDirectory,
  journal: Journal,
  commits: CommitLog,
  books: Books,
): Promise<number> {
  const { timeline, timelineLsn } = books;
  const { firstLsn, lastLsn } = journal;
  // A journal that a snapshot has emptied holds nothing that could be abandoned, however far its numbers are.
  if (lastLsn <= timelineLsn || lastLsn < firstLsn) return 0;
  const header = await commits.headerAt(Math.max(timelineLsn + 1, firstLsn));
  if (header.timeline > timeline)
    throw new CorruptionError({
      path,
      expected: `books that know timeline ${header.timeline}, in which the journal has commits`,
      found: `books of timeline ${timeline}`,
      advice: "The books are older than the journal. Open the store with its own anchor.",
    });
  if (header.timeline === timeline) return 0;
  await journal.truncateAfter(timelineLsn);
  return lastLsn - timelineLsn;
}

/** Removes directories that were made for something that did not come true, or that were dropped. */
async function removeUnnamed(
  directory: StoreDirectory,
  { engine }: FlatKvSettings,
  books: Books,
): Promise<Pick<FlatKvRecovery, "removedDirectories" | "keptDirectories">> {
  const named = new Set([...books.directories, ...books.snapshots.flatMap(({ directories }) => directories)]);
  const { databases } = await directory.list();
  const unnamed = databases.filter((number) => !named.has(number));
  const kept = await removeDirectories({ directory, engine }, unnamed);
  return {
    removedDirectories: unnamed.length - kept.length,
    keptDirectories: kept.map((number) => directory.database(number)),
  };
}

function decideAll(
  directory: StoreDirectory,
  books: Books,
  probes: readonly Probed[],
  lastVersion: number,
): DatabaseDecision[] {
  const { storeId, timeline, synced } = books;
  const decisions = probes.map(({ probe }, index) =>
    decideDatabase(probe, { storeId, timeline, name: books.names[index]!, syncedVersion: synced.version, lastVersion }),
  );
  for (const [index, decision] of decisions.entries()) {
    const path = directory.database(books.directories[index]!);
    const name = books.names[index]!;
    if (decision.kind === "no-hashes") throw noHashes(path, `database ${name}`, decision.older);
    if (decision.kind === "newer")
      throw new FormatError(
        "HF_FORMAT_NEWER",
        `${path} has metadata of format ${decision.format}, which this build does not know. Use a newer one.`,
        { path, format: decision.format },
      );
    if (decision.kind === "foreign")
      throw new FormatError(
        "HF_FORMAT_FOREIGN",
        `${path} should be database ${name} of this store, and is ${decision.found}. Put the right one there, or remove it: then it is made anew.`,
        {
          path,
          expected: name,
          found: decision.found,
        },
      );
  }
  // A database is written after the log only. Where all of them know more than the log, they are what is left of commits that were acknowledged.
  if (decisions.every((decision) => decision.kind === "rebuild" && decision.reason === "ahead-of-log"))
    throw new CorruptionError({
      path: directory.path,
      expected: "a journal with every version that the databases hold",
      found: `one that ends at version ${lastVersion}, before all of them`,
      advice: "Open the store with its own journal. Where that is lost, `rebuildHashes` keeps what the databases hold.",
    });
  return decisions;
}

/** The database, where what it says of itself is believed. */
function openBelieved(
  directory: StoreDirectory,
  books: Books,
  index: number,
  { probe, engine }: Probed,
  decision: DatabaseDecision,
): { readonly database: Database; readonly decision: Extract<DatabaseDecision, { kind: "redo" }> } | undefined {
  if (decision.kind !== "redo" || engine === undefined || probe.kind !== "readable" || probe.metadata?.kind !== "sound")
    return undefined;
  const place = directory.place(books.directories[index]!);
  const owner = { storeId: books.storeId, name: books.names[index]! };
  const database = new Database(owner, place, engine, probe.metadata.metadata);
  return { database, decision };
}
