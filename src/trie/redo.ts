/**
 * What the trie does in the recovery of its pages: puts the values of redone commits into the engine again, and makes them durable before the pages'
 * checkpoint moves.
 *
 * Puts and deletes are absolute, so redoing what the engine has already is harmless. The engine may have lost any of the batches since its last sync; all
 * of these are redone, because the checkpoint moves only after a sync.
 */
import { CorruptionError } from "../base/index.js";
import type { Hasher } from "../hash/index.js";
import type { LogRecord } from "../log/index.js";
import type { PageStoreOwner, RedoneCommit } from "../pages/index.js";
import { headerOf } from "./history.js";
import { RECORD_COMMIT, RECORD_PRIOR, RECORD_VALUES, parseEntries } from "./record-format.js";
import type { Values, ValuesBatch } from "./values.js";

/** Redoing hands rows to the engine in batches of about so many bytes. */
const BATCH_BYTES: number = 4 << 20;

/** The error for a directory that has lost its anchor, and is no new store. */
export function anchorMissing(path: string, found: string): CorruptionError {
  return new CorruptionError({
    path,
    expected: "the anchor of a store",
    found: `none, and ${found}`,
    advice: "Put the anchor back; nothing else is lost.",
  });
}

/** See the head of this file. */
export class Owner implements PageStoreOwner {
  readonly #path: string;
  /** `undefined` while a store is made: then there is nothing to redo. */
  #values: Values | undefined;
  readonly #hasher: Hasher;
  #batch: ValuesBatch | undefined;
  #batchBytes = 0;
  /** The commit that is being redone; 0 before the first. */
  #sequence = 0;
  #redone = 0;
  #firstRedone: number | undefined;
  /** Until the history is known nothing of the journal goes. */
  #retain: () => number | undefined = () => 1;
  #applying: Promise<void> = Promise.resolve();

  constructor(path: string, values: Values | undefined, hasher: Hasher) {
    this.#path = path;
    this.#values = values;
    this.#hasher = hasher;
  }

  /** The values of a store that is being made. */
  attach(values: Values): void {
    this.#values = values;
  }

  /** How many commits were redone. */
  get redone(): number {
    return this.#redone;
  }

  /** The sequence of the first of them. */
  get firstRedone(): number | undefined {
    return this.#firstRedone;
  }

  async redo(record: LogRecord, commit: RedoneCommit): Promise<void> {
    const values = this.#values;
    if (values === undefined) throw anchorMissing(this.#path, `the commit at LSN ${commit.lsn}`);
    if (record.type === RECORD_PRIOR) return;
    if (record.type === RECORD_COMMIT) {
      const { sequence } = headerOf(this.#path, record);
      if (sequence !== commit.sequence)
        throw this.#damaged(record.lsn, `commit ${commit.sequence}`, `commit ${sequence}`);
      this.#sequence = sequence;
      this.#redone++;
      this.#firstRedone ??= sequence;
      this.#batch ??= values.batch();
      return;
    }
    const entries = record.type === RECORD_VALUES ? parseEntries(record.payload) : undefined;
    if (entries === undefined || this.#sequence !== commit.sequence)
      throw this.#damaged(record.lsn, "values of a commit", `a record of type ${record.type}`);
    const batch = (this.#batch ??= values.batch());
    for (const { key, value } of entries) {
      if (value === undefined) batch.deleteBoth(key);
      else batch.putOver(key, this.#hasher.hash(value), value);
    }
    this.#batchBytes += record.payload.length;
    if (this.#batchBytes >= BATCH_BYTES) await this.flush();
  }

  /** Hands what was redone to the engine. */
  async flush(): Promise<void> {
    const batch = this.#batch;
    this.#batch = undefined;
    this.#batchBytes = 0;
    await batch?.write(this.#sequence);
  }

  /** From now on `retainFrom` answers this. */
  retain(retainFrom: () => number | undefined): void {
    this.#retain = retainFrom;
  }

  /** A commit's values are being written: a sync waits for that. */
  apply(writing: Promise<void>): void {
    this.#applying = writing;
  }

  async sync(): Promise<void> {
    await this.flush();
    await this.#applying;
    await this.#values?.database.sync();
  }

  retainFrom(): number | undefined {
    return this.#retain();
  }

  #damaged(lsn: number, expected: string, found: string): CorruptionError {
    return new CorruptionError({ path: this.#path, lsn, expected, found });
  }
}
