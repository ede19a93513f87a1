/** The journal of a store: the caller's, or a log in the store's directory; and the commits in it. */
import { FormatError, type Held, equalBytes, toHex } from "../base/index.js";
import { type Journal, Log, type LogRecord } from "../log/index.js";
import type { Books, PageState } from "./books.js";
import { corruptJournal } from "./errors.js";
import type { PagesSettings } from "./options.js";
import type { PagesDirectory } from "./pages-directory.js";
import {
  CLEAR_RECORD,
  type ClearRecord,
  END_RECORD,
  START_RECORD,
  type StartRecord,
  UPDATE_RECORD,
  type UpdateRecord,
  decodeClear,
  decodeEnd,
  decodeStart,
  decodeUpdate,
  isOwnType,
} from "./wal-format.js";

/** A journal, and whether the store has to close it. */
export interface OpenedJournal {
  readonly journal: Journal;
  readonly ownLog: Log | undefined;
}

/** Opens it. A log is only made where the store is: a store whose log went missing must not go on with an empty one. */
export async function openJournal(
  directory: PagesDirectory,
  { vfs, journal, log }: PagesSettings,
  isNew: boolean,
  held: Held,
): Promise<OpenedJournal> {
  if (journal !== undefined) return { journal, ownLog: undefined };
  const ownLog = await Log.open(directory.log, { ...log, vfs, createIfMissing: isNew });
  held.add(() => ownLog.close());
  return { journal: ownLog, ownLog };
}

/** A commit, read from the journal. */
export interface JournaledCommit {
  readonly start: StartRecord;
  readonly clears: readonly ClearRecord[];
  readonly updates: readonly UpdateRecord[];
  /** The owner's records. */
  readonly others: readonly LogRecord[];
  /** LSN of its last record. */
  readonly lsn: number;
}

/** What reading commits needs of a journal. */
export type CommitSource = Pick<Journal, "firstLsn" | "lastLsn" | "get" | "read">;

/**
 * The commits after a checkpoint, oldest first. Each must follow the one before it in sequence and root, be of this store and of its live table, and have
 * as many records as it says; else it is a `CorruptionError`, or a `FormatError` for another store's.
 */
export async function* readCommits(
  path: string,
  journal: CommitSource,
  books: Books,
): AsyncGenerator<JournaledCommit, void, undefined> {
  let state: PageState = books.checkpoint;
  await checkReach(path, journal, books);
  if (journal.lastLsn <= state.lsn) return;
  let commit: CommitReader | undefined;
  for await (const record of journal.read({ from: state.lsn + 1 })) {
    if (commit === undefined) {
      commit = new CommitReader(path, checkStart(path, record, books, state));
      continue;
    }
    if (!commit.take(record)) continue;
    const { lsn } = record;
    yield { start: commit.start, clears: commit.clears, updates: commit.updates, others: commit.others, lsn };
    state = { sequence: commit.start.sequence, root: commit.start.root, lsn };
    commit = undefined;
  }
  if (commit !== undefined)
    throw corruptJournal(path, journal.lastLsn, "the end of a commit", "the end of the journal");
}

/** The journal must hold what the books know to be durable, and be this store's. */
async function checkReach(path: string, journal: CommitSource, { storeId, checkpoint }: Books): Promise<void> {
  const { firstLsn, lastLsn } = journal;
  if (lastLsn < checkpoint.lsn)
    throw corruptJournal(
      path,
      lastLsn + 1,
      `a journal that reaches LSN ${checkpoint.lsn}`,
      `one that ends at ${lastLsn}`,
    );
  if (firstLsn > checkpoint.lsn + 1)
    throw corruptJournal(
      path,
      checkpoint.lsn + 1,
      "the commit after the checkpoint",
      `a journal that begins at ${firstLsn}`,
    );
  if (checkpoint.sequence === 0 || firstLsn > checkpoint.lsn) return;
  const record = await journal.get(checkpoint.lsn);
  const end = record === undefined ? undefined : decodeEnd(record);
  if (end?.sequence !== checkpoint.sequence)
    throw corruptJournal(
      path,
      checkpoint.lsn,
      `the end of commit ${checkpoint.sequence} of store ${toHex(storeId)}`,
      end === undefined ? "another record" : `that of commit ${end.sequence}`,
    );
}

function checkStart(path: string, record: LogRecord, { storeId, table }: Books, state: PageState): StartRecord {
  const start = decodeStart(record);
  if (start === undefined || !("sequence" in start)) {
    if (start === undefined)
      throw corruptJournal(path, record.lsn, "the start of a commit", `a record of type ${record.type}`);
    throw new FormatError(
      "HF_FORMAT_NEWER",
      `The journal of ${path} holds a commit of format ${start.format} at LSN ${record.lsn}, which this build does not know. Use a newer one.`,
      { path, lsn: record.lsn, format: start.format },
    );
  }
  if (!equalBytes(start.storeId, storeId))
    throw new FormatError(
      "HF_FORMAT_FOREIGN",
      `The journal of ${path} holds a commit of another store at LSN ${record.lsn}. Open the store with its own journal.`,
      { path, lsn: record.lsn, expected: toHex(storeId), found: toHex(start.storeId) },
    );
  const wanted = `commit ${state.sequence + 1} on root ${toHex(state.root)} in table ${table}`;
  if (start.sequence !== state.sequence + 1 || start.table !== table || !equalBytes(start.previousRoot, state.root))
    throw corruptJournal(
      path,
      record.lsn,
      wanted,
      `commit ${start.sequence} on root ${toHex(start.previousRoot)} in table ${start.table}`,
    );
  return start;
}

/** The records of one commit, as they come. */
class CommitReader {
  readonly start: StartRecord;
  readonly clears: ClearRecord[] = [];
  readonly updates: UpdateRecord[] = [];
  readonly others: LogRecord[] = [];
  readonly #path: string;

  constructor(path: string, start: StartRecord) {
    this.#path = path;
    this.start = start;
  }

  /** Takes a record after START. True where it was END, and the commit is whole. */
  take(record: LogRecord): boolean {
    const { start, clears, updates, others } = this;
    switch (record.type) {
      case CLEAR_RECORD: {
        const clear = decodeClear(record.payload);
        if (clear === undefined) throw this.#damaged(record, "a page that goes");
        clears.push(clear);
        break;
      }
      case UPDATE_RECORD: {
        const update = decodeUpdate(record.payload);
        if (update === undefined) throw this.#damaged(record, "a page that changes");
        updates.push(update);
        break;
      }
      case END_RECORD: {
        const end = decodeEnd(record);
        const records = 2 + clears.length + updates.length + others.length;
        const isWhole =
          end?.sequence === start.sequence &&
          end.records === records &&
          clears.length === start.clears &&
          updates.length === start.updates &&
          others.length === start.others;
        if (!isWhole)
          throw this.#damaged(record, `the end of commit ${start.sequence}, of as many records as its start says`);
        return true;
      }
      case START_RECORD:
        throw this.#damaged(record, `the end of commit ${start.sequence}`);
      default:
        if (isOwnType(record.type)) throw this.#damaged(record, "a record of a known type");
        others.push(record);
    }
    if (clears.length > start.clears || updates.length > start.updates || others.length > start.others)
      throw this.#damaged(
        record,
        `a commit of ${start.clears} clears, ${start.updates} updates and ${start.others} others`,
      );
    return false;
  }

  #damaged({ lsn, type, payload }: LogRecord, expected: string): Error {
    return corruptJournal(this.#path, lsn, expected, `${payload.length} bytes of type ${type}`);
  }
}
