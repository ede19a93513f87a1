/** The journal as this store sees it: commits of one store, in order, each durable before it counts. */
import { CorruptionError, FormatError, LimitError, equalBytes, toHex } from "../base/index.js";
import { type Journal, type LogRecord, takePart } from "../log/index.js";
import type { Books, VersionPlace } from "./books.js";
import {
  COMMIT_HEADER_BYTES,
  COMMIT_RECORD,
  type Commit,
  type CommitHeader,
  PARTS_MAX,
  decodeCommit,
  encodeCommit,
  readCommitHeader,
} from "./commit-format.js";

/** What reading commits needs of a journal; a `LogReader` has it too. */
export type CommitSource = Pick<Journal, "firstLsn" | "lastLsn" | "get" | "read">;

/** A commit with its place in the journal. */
export interface PlacedCommit {
  readonly commit: Commit;
  /** LSN of its last record. */
  readonly lsn: number;
}

/** See the head of this file. */
export class CommitLog {
  readonly #journal: CommitSource;
  readonly #storeId: Uint8Array;
  readonly #databases: number;
  /** What errors call the journal. */
  readonly where: string;

  constructor(journal: CommitSource, { storeId, names }: Pick<Books, "storeId" | "names">, where: string) {
    this.#journal = journal;
    this.#storeId = storeId;
    this.#databases = names.length;
    this.where = where;
  }

  get firstLsn(): number {
    return this.#journal.firstLsn;
  }

  get lastLsn(): number {
    return this.#journal.lastLsn;
  }

  /** The header of the record with this LSN. */
  async headerAt(lsn: number): Promise<CommitHeader> {
    const record = await this.#journal.get(lsn);
    if (record === undefined) throw this.#damaged(lsn, "a commit", "no record");
    return this.#check(record);
  }

  /** The commit whose last record is at `lsn`; `undefined` where the journal holds no record there. */
  async endingAt(lsn: number): Promise<PlacedCommit | undefined> {
    if (lsn < this.#journal.firstLsn || lsn > this.#journal.lastLsn) return undefined;
    const { version, part, parts } = await this.headerAt(lsn);
    if (part !== parts - 1) throw this.#damaged(lsn, `the last of ${parts} parts of a commit`, `part ${part}`);
    for await (const placed of this.read({ version: version - 1, lsn: lsn - parts }, version)) return placed;
    return undefined;
  }

  /** The commits that follow a version, oldest first, up to version `to`. Versions are without gaps, or it is an error. */
  async *read(
    after: VersionPlace,
    to: number = Number.MAX_SAFE_INTEGER,
    signal?: AbortSignal,
  ): AsyncGenerator<PlacedCommit, void, undefined> {
    if (after.lsn >= this.#journal.lastLsn || after.version >= to) return;
    if (after.lsn + 1 < this.#journal.firstLsn)
      throw this.#damaged(
        after.lsn + 1,
        `version ${after.version + 1}`,
        `a journal that begins at LSN ${this.#journal.firstLsn}`,
      );
    let version = after.version + 1;
    let parts = 0;
    let payloads: Uint8Array[] = [];
    for await (const record of this.#journal.read({
      from: after.lsn + 1,
      ...(signal === undefined ? {} : { signal }),
    })) {
      const header = this.#check(record);
      if (header.version !== version || header.part !== payloads.length || (header.part > 0 && header.parts !== parts))
        throw this.#damaged(
          record.lsn,
          `part ${payloads.length} of version ${version}`,
          `part ${header.part} of ${header.parts} of version ${header.version}`,
        );
      parts = header.parts;
      payloads.push(record.payload);
      if (payloads.length < parts) continue;
      const commit = decodeCommit(header, payloads);
      if (commit?.databases.length !== this.#databases)
        throw this.#damaged(record.lsn, "a commit", "bytes that are none");
      yield { commit, lsn: record.lsn };
      if (version === to) return;
      version += 1;
      payloads = [];
    }
    if (payloads.length > 0) throw this.#damaged(this.#journal.lastLsn, "a whole commit", "a part of one");
  }

  #check(record: LogRecord): CommitHeader {
    const header = readCommitHeader(record.type, record.payload);
    if (header === undefined || !("version" in header)) {
      if (header === undefined)
        throw this.#damaged(record.lsn, "a commit of this store", `a record of type ${record.type} that is none`);
      throw new FormatError(
        "HF_FORMAT_NEWER",
        `${this.where} holds a commit of format ${header.format} at LSN ${record.lsn}, which this build does not know. Use a newer one.`,
        { path: this.where, lsn: record.lsn, format: header.format },
      );
    }
    if (!equalBytes(header.storeId, this.#storeId))
      throw new FormatError(
        "HF_FORMAT_FOREIGN",
        `${this.where} holds a commit of another store at LSN ${record.lsn}. Open the store with its own journal.`,
        { path: this.where, lsn: record.lsn, expected: toHex(this.#storeId), found: toHex(header.storeId) },
      );
    return header;
  }

  #damaged(lsn: number, expected: string, found: string): CorruptionError {
    return new CorruptionError({ path: this.where, lsn, expected, found });
  }
}

/** Appends a commit as one atomic batch. Resolves to the LSN of its last record once it is durable. `LimitError`, without effect, where it is too large. */
export function appendCommit(journal: Journal, commit: Commit): Promise<number> {
  return takePart(journal, () => {
    const { recordBytesMax, batchBytesMax, recordHeaderBytes } = journal.limits;
    const records = encodeCommit(commit, recordBytesMax);
    const bytes = records.reduce((sum, { length }) => sum + length + recordHeaderBytes, 0);
    if (records.length > PARTS_MAX || bytes > batchBytesMax) throw tooLarge(bytes, batchBytesMax);
    return appendDurably(journal, records);
  });
}

async function appendDurably(journal: Journal, records: readonly Uint8Array[]): Promise<number> {
  const { lastLsn } = await journal.appendAll(records.map((payload) => ({ payload, type: COMMIT_RECORD })));
  // A journal of a weaker durability acknowledges before the disk does.
  if (journal.durableLsn < lastLsn) await journal.sync();
  return lastLsn;
}

/** Whether a commit whose body has so many bytes fits into the journal; throws `LimitError` where it does not. */
export function checkCommitBytes({ limits }: Journal, bodyBytes: number): void {
  const { recordBytesMax, batchBytesMax, recordHeaderBytes } = limits;
  const parts = Math.ceil(bodyBytes / (recordBytesMax - COMMIT_HEADER_BYTES));
  const bytes = bodyBytes + parts * (COMMIT_HEADER_BYTES + recordHeaderBytes);
  if (parts > PARTS_MAX || bytes > batchBytesMax) throw tooLarge(bytes, batchBytesMax);
}

function tooLarge(bytes: number, batchBytesMax: number): LimitError {
  return new LimitError(
    "HF_BATCH_TOO_LARGE",
    `A commit of ${bytes} bytes does not fit into the journal, whose batches hold ${batchBytesMax}. Commit in smaller steps, or make the log with larger segments.`,
    { bytes, batchBytesMax },
  );
}
