/**
 * A database whose rows are all in memory, and whose batches are all in one file.
 *
 * Invariants: a batch is one write behind everything in the file, at a sector of its own; one write is in flight at a time; rows that
 * reads see are those of batches whose write has ended. Nothing that was written is ever written over while the database is open.
 *
 * Crash argument. A batch has one checksum over all of it, so it is whole or it is not there. What was not synced may be lost batch by
 * batch, for each has sectors of its own; opening takes those that are whole, in the order of their numbers, and goes over the holes.
 * What was synced is there, or opening says which batch is missing as soon as a later one proves that it had been durable.
 *
 * What opening shows beyond the proven part need not be on the disk: a killed process left it in the page cache only, or a failed sync
 * left pages that look clean (R3, R4). Syncing the file again proves nothing about such pages. So the first write of a life is a copy of
 * all that is in doubt, in a batch that stands in for the doubtful ones. Its pages are fresh, and the next sync is one of those. It is
 * written even where nothing is in doubt, because a batch that the page cache has lost may still come back from the disk.
 */
import { CorruptionError, FormatError, LimitError, StateError, checkBoolean, checkOptions } from "../../base/index.js";
import type { Vfs } from "../../vfs/index.js";
import type { EngineBatch, EngineDatabase, EngineRange, EngineRow, EngineView } from "../engine.js";
import { Health } from "../health.js";
import { checkBytes } from "../range.js";
import type { RowChange, RowsHeader, StoredBatch } from "./format.js";
import {
  FORMAT_VERSION,
  SALT_BYTES,
  SECTOR_BYTES,
  batchBytes,
  decodeHeader,
  encodeBatch,
  encodeHeader,
} from "./format.js";
import type { HeldFile } from "./memory-files.js";
import { ROWS_NAME, createCopy, createHeld, openHeld } from "./memory-files.js";
import { MemoryReads } from "./memory-reads.js";
import type { RecoveredRows } from "./recovery.js";
import { recoverRows, sortedChange } from "./recovery.js";
import { SortedRows } from "./sorted-rows.js";

/** A rows file is read whole, so it may not grow beyond what one buffer holds. */
const FILE_BYTES_MAX = 2 ** 31 - SECTOR_BYTES;

const ALL = {
  gte: undefined,
  gt: undefined,
  lte: undefined,
  lt: undefined,
  reverse: false,
  limit: Number.POSITIVE_INFINITY,
} as const;

/** An open database of the memory engine. */
export class MemoryDatabase implements EngineDatabase {
  readonly directory: string;
  readonly #vfs: Vfs;
  readonly #held: HeldFile;
  readonly #header: RowsHeader;
  readonly #health: Health;
  readonly #reads: MemoryReads;
  #rows: SortedRows;
  #end: number;
  #last: number;
  #synced: number;
  /** Until the first write of this life: what it has to repeat. */
  #doubtful: readonly RowChange[] | undefined;
  /** Settles when every write and sync so far has; never rejects. */
  #tail: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  private constructor(
    vfs: Vfs,
    directory: string,
    held: HeldFile,
    header: RowsHeader,
    from: Omit<RecoveredRows, "doubtful"> & { readonly doubtful: readonly RowChange[] | undefined },
  ) {
    this.#vfs = vfs;
    this.directory = directory;
    this.#held = held;
    this.#header = header;
    this.#rows = from.rows;
    this.#end = from.end;
    this.#last = from.last;
    this.#synced = from.synced;
    this.#doubtful = from.doubtful;
    this.#health = new Health(directory);
    this.#reads = new MemoryReads(
      () => this.#rows,
      () => this.#health.check(),
    );
  }

  static async create(vfs: Vfs, directory: string): Promise<MemoryDatabase> {
    const header = newHeader(vfs);
    const held = await createHeld(vfs, directory, encodeHeader(header));
    return new MemoryDatabase(vfs, directory, held, header, {
      rows: SortedRows.empty,
      synced: 0,
      last: 0,
      end: SECTOR_BYTES,
      doubtful: undefined,
    });
  }

  static async open(vfs: Vfs, directory: string): Promise<MemoryDatabase | undefined> {
    const held = await openHeld(vfs, directory);
    if (held === undefined) return undefined;
    try {
      const { header, recovered } = await readRows(vfs.join(directory, ROWS_NAME), held);
      return new MemoryDatabase(vfs, directory, held, header, recovered);
    } catch (error) {
      await held.file.close();
      await held.lock.release();
      throw error;
    }
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#reads.get(key);
  }

  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.#reads.getMany(keys);
  }

  iterate(range?: EngineRange): AsyncIterableIterator<readonly EngineRow[]> {
    return this.#reads.iterate(range);
  }

  batch(): EngineBatch {
    this.#health.check();
    return new MemoryBatch(this.directory, (changes, sync) => this.#write(changes, sync));
  }

  async sync(): Promise<void> {
    await this.#write([], true);
  }

  view(): EngineView {
    this.#health.check();
    return new MemoryView(this.#rows, this.#health, this.directory);
  }

  async checkpoint(directory: string, options?: { readonly links?: boolean | undefined }): Promise<void> {
    const where = "EngineDatabase.checkpoint";
    checkBoolean(where, "links", checkOptions(where, options, ["links"]).links, true);
    this.#health.check();
    await this.#tail;
    this.#health.check();
    const changes = [...this.#rows.rows(ALL)];
    const header = newHeader(this.#vfs);
    const contents = new Uint8Array(checkRoom(this.directory, SECTOR_BYTES + batchBytes(changes)));
    contents.set(encodeHeader(header));
    encodeBatch(contents, SECTOR_BYTES, header, { number: 1, after: 0, synced: 0, changes });
    await createCopy(this.#vfs, directory, contents);
  }

  async stats(): Promise<{ readonly diskBytes: number }> {
    this.#health.check();
    return { diskBytes: this.#end };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Writes a batch where there are changes, then syncs where asked: one after the other in the order of the calls. */
  async #write(changes: readonly RowChange[], sync: boolean): Promise<void> {
    this.#health.check();
    const before = this.#tail;
    let done: () => void = () => undefined;
    this.#tail = new Promise((resolve) => (done = resolve));
    try {
      await before;
      this.#health.checkPoison();
      if (changes.length > 0 || (sync && this.#doubtful !== undefined)) await this.#append(changes);
      if (!sync || this.#synced === this.#last) return;
      const last = this.#last;
      await this.#poisoning(this.#held.file.syncData());
      this.#synced = last;
    } finally {
      done();
    }
  }

  async #append(changes: readonly RowChange[]): Promise<void> {
    const batches: StoredBatch[] = [];
    const synced = this.#synced;
    let last = this.#last;
    if (this.#doubtful !== undefined) batches.push({ number: ++last, after: synced, synced, changes: this.#doubtful });
    if (changes.length > 0) batches.push({ number: ++last, after: last - 1, synced, changes });
    const bytes = batches.reduce((sum, batch) => sum + batchBytes(batch.changes), 0);
    checkRoom(this.directory, this.#end + bytes);
    const buffer = new Uint8Array(bytes);
    let at = 0;
    for (const batch of batches) at = encodeBatch(buffer, at, this.#header, batch);
    await this.#poisoning(this.#held.file.write(buffer, this.#end));
    this.#end += bytes;
    this.#last = last;
    this.#doubtful = undefined;
    this.#rows = this.#rows.with(changes.map(sortedChange));
  }

  async #poisoning(act: Promise<void>): Promise<void> {
    try {
      await act;
    } catch (error) {
      this.#health.poison(error);
      throw error;
    }
  }

  async #close(): Promise<void> {
    this.#health.close();
    await this.#tail;
    try {
      await this.#held.file.close();
    } finally {
      await this.#held.lock.release();
    }
  }
}

/** Changes on their way into a database. */
class MemoryBatch implements EngineBatch {
  readonly #directory: string;
  readonly #changes: RowChange[] = [];
  readonly #commit: (changes: readonly RowChange[], sync: boolean) => Promise<void>;
  #written = false;

  constructor(directory: string, commit: (changes: readonly RowChange[], sync: boolean) => Promise<void>) {
    this.#directory = directory;
    this.#commit = commit;
  }

  get size(): number {
    return this.#changes.length;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    checkBytes("EngineBatch.put", "key", key);
    checkBytes("EngineBatch.put", "value", value);
    this.#check();
    this.#changes.push({ key: Uint8Array.from(key), value: Uint8Array.from(value) });
  }

  delete(key: Uint8Array): void {
    checkBytes("EngineBatch.delete", "key", key);
    this.#check();
    this.#changes.push({ key: Uint8Array.from(key), value: undefined });
  }

  async write(options?: { readonly sync?: boolean | undefined }): Promise<void> {
    const where = "EngineBatch.write";
    const sync = checkBoolean(where, "sync", checkOptions(where, options, ["sync"]).sync, false);
    this.#check();
    this.#written = true;
    await this.#commit(this.#changes, sync);
  }

  #check(): void {
    if (!this.#written) return;
    const directory = this.#directory;
    throw new StateError("HF_CLOSED", `This batch for ${directory} is written already. Make another.`, { directory });
  }
}

/** The rows of one moment. */
class MemoryView extends MemoryReads implements EngineView {
  readonly #release: () => void;

  constructor(rows: SortedRows, health: Health, directory: string) {
    let held: SortedRows | undefined = rows;
    super(
      () => held ?? SortedRows.empty,
      () => {
        health.check();
        if (held !== undefined) return;
        throw new StateError("HF_CLOSED", `This view of ${directory} is released.`, { directory });
      },
    );
    this.#release = () => (held = undefined);
  }

  async release(): Promise<void> {
    this.#release();
  }
}

function newHeader(vfs: Vfs): RowsHeader {
  return { salt: vfs.randomBytes(SALT_BYTES), version: FORMAT_VERSION };
}

async function readRows(
  path: string,
  { file }: HeldFile,
): Promise<{ readonly header: RowsHeader; readonly recovered: RecoveredRows }> {
  const bytes = new Uint8Array(checkRoom(path, await file.size()));
  const read = await file.read(bytes, 0);
  const header = decodeHeader(bytes);
  const advice = "Take the rows from a copy, or from the log that they came from.";
  if (header === "newer")
    throw new FormatError("HF_FORMAT_NEWER", `${path} was written by a newer version, not ${FORMAT_VERSION}.`, {
      path,
    });
  if (header === "damaged" || read < bytes.length) {
    const found = header === "damaged" ? "other bytes" : `${read} of ${bytes.length} bytes`;
    throw new CorruptionError({ path, offset: 0, expected: "a rows file of the memory engine", found, advice });
  }
  const recovered = recoverRows(bytes, header);
  if ("missing" in recovered) {
    const { missing, synced } = recovered;
    const expected = `batch ${missing}, which was durable (all up to ${synced} were)`;
    throw new CorruptionError({ path, expected, found: "none that is sound", advice });
  }
  return { header, recovered };
}

function checkRoom(path: string, bytes: number): number {
  if (bytes <= FILE_BYTES_MAX) return bytes;
  throw new LimitError(
    "HF_BATCH_TOO_LARGE",
    `The memory engine keeps at most ${FILE_BYTES_MAX} bytes in a file, and ${path} would hold ${bytes}. Use another engine.`,
    { path, bytes, limit: FILE_BYTES_MAX },
  );
}
