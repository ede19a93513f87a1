/**
 * What the trie does in the recovery of its pages: puts the values of redone commits into the engine again, and makes them durable before the pages'
 * checkpoint moves.
 *
 * Puts and deletes are absolute, so redoing what the engine has already is harmless. The engine may have lost any of the batches since its last sync; all
 * of these are redone, because the checkpoint moves only after a sync.
 *
 * An engine that does not belong to the checkpoint gets nothing: one that is older is refused before the first row, and one that is newer keeps saying so. Else
 * the next opening would take it for the right one.
 */
import { CorruptionError } from "../base/index.js";
import type { Hasher } from "../hash/index.js";
import type { LogRecord } from "../log/index.js";
import type { PageStoreOwner, RedoneCommit } from "../pages/index.js";
import { LEAF_BYTES } from "../proof/index.js";
import { headerOf } from "./history.js";
import { RECORD_COMMIT, RECORD_PRIOR, RECORD_VALUES, parseEntries } from "./record-format.js";
import { KEY_BYTES } from "./row-format.js";
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

/** Refuses an engine that has not heard of commit `least`, whose values it must have because the journal does not. */
export function checkHeard({ database: { directory } }: Values, heard: number, least: number): void {
  if (heard >= least) return;
  throw new CorruptionError({
    path: directory,
    expected: `the values of commit ${least} or later`,
    found: `those of commit ${heard}`,
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
  /** The leaf that goes into the batch next. */
  readonly #leaf = new Uint8Array(LEAF_BYTES);
  /** The newest commit that the engine had heard of when it was opened. */
  readonly #heard: number;
  /** What was handed to the engine. Each batch waits for the one before; none follows one that failed. */
  #flushed: Promise<void> = Promise.resolve();
  /** The commit that is being redone; 0 before the first. */
  #sequence = 0;
  #redone = 0;
  /** Until the history is known nothing of the journal goes. */
  #retain: () => number | undefined = () => 1;
  #applying: Promise<void> = Promise.resolve();

  constructor(path: string, values: Values | undefined, hasher: Hasher, heard: number) {
    this.#path = path;
    this.#values = values;
    this.#hasher = hasher;
    this.#heard = heard;
  }

  /** The values of a store that is being made. */
  attach(values: Values): void {
    this.#values = values;
  }

  /** How many commits were redone. */
  get redone(): number {
    return this.#redone;
  }

  async redo(record: LogRecord, commit: RedoneCommit): Promise<void> {
    const values = this.#values;
    if (values === undefined) throw anchorMissing(this.#path, `the commit at LSN ${commit.lsn}`);
    if (record.type === RECORD_PRIOR) return;
    if (record.type === RECORD_COMMIT) {
      const { sequence } = headerOf(this.#path, record);
      if (sequence !== commit.sequence)
        throw this.#damaged(record.lsn, `commit ${commit.sequence}`, `commit ${sequence}`);
      if (this.#redone === 0) checkHeard(values, this.#heard, sequence - 1);
      this.#sequence = sequence;
      this.#redone++;
      this.#batch ??= values.batch();
      return;
    }
    const entries = record.type === RECORD_VALUES ? parseEntries(record.payload) : undefined;
    if (entries === undefined || this.#sequence !== commit.sequence)
      throw this.#damaged(record.lsn, "values of a commit", `a record of type ${record.type}`);
    const batch = (this.#batch ??= values.batch());
    batch.expectApart();
    for (const { key, value } of entries) {
      this.#leaf.set(key);
      if (value === undefined) batch.delete(this.#leaf, 0);
      else {
        this.#leaf.set(this.#hasher.hash(value), KEY_BYTES);
        batch.put(this.#leaf, 0, value);
      }
    }
    this.#batchBytes += record.payload.length;
    if (this.#batchBytes >= BATCH_BYTES) await this.flush();
  }

  /** Hands what was redone to the engine. Resolves once all of it is there, whoever asked first. */
  flush(): Promise<void> {
    const batch = this.#batch;
    this.#batch = undefined;
    this.#batchBytes = 0;
    if (batch !== undefined) {
      const sequence = Math.max(this.#sequence, this.#heard);
      this.#flushed = this.#flushed.then(() => batch.write(sequence));
      this.#flushed.catch(() => undefined);
    }
    return this.#flushed;
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
