/**
 * A LevelDB database behind the engine port.
 *
 * What LevelDB makes durable, and what is done about the rest (LevelDB 1.20 as `classic-level` 3.0.0 builds it):
 * - A write with its own `sync` syncs the log file that it goes to, and no other. When the memtable is full, writes go to a new log
 *   while the old one, never synced, waits for its memtable to become a table. A power cut then takes older batches and keeps the
 *   synced one. So its `sync` is not used.
 * - `compactRange` first closes the memtable and waits until it is a table. For that table LevelDB calls, in this order: `fdatasync` on the
 *   table, `fsync` on the directory, `fdatasync` on the MANIFEST that names it. All batches so far are durable then, their
 *   logs are not needed, and it removes them. The range from the empty key to the empty key overlaps no table but one that holds that
 *   key, so nothing else is compacted.
 * - `compactRange` reports no failure. But the logs that were there at its beginning go away only when their rows are in a table that the
 *   synced MANIFEST names. So `sync` looks for them afterwards: one that is still there is a failure.
 * - Opening replays the logs into tables, as above, and writes a new MANIFEST and CURRENT, both synced. So what it shows is durable (R3),
 *   but for the rename of CURRENT, which it leaves to us: the directory is synced before anyone sees a row.
 *
 * A batch is one record of the log, under checksums, or part of one table: whole or not there. The reader of the log goes over what is
 * damaged and takes what follows, so that unsynced batches survive a power cut in any combination.
 */
import { IoError, StateError, checkBoolean, checkOptions } from "../../base/index.js";
import type { ChainedBatch, Snapshot } from "classic-level";
import type { EngineBatch, EngineDatabase, EngineRange, EngineRow, EngineView } from "../engine.js";
import { Health } from "../health.js";
import { checkBytes } from "../range.js";
import { callLevel, levelError } from "./level-errors.js";
import { checkTable, copyDatabase, diskBytes, logNames, tableNumbers } from "./level-files.js";
import type { Level } from "./level-reads.js";
import { LevelReads } from "./level-reads.js";

const NO_BYTES = new Uint8Array(0);

/** An open LevelDB database. */
export class LevelDatabase implements EngineDatabase {
  readonly directory: string;
  readonly #level: Level;
  readonly #health: Health;
  readonly #reads: LevelReads;
  /** Batches acknowledged in this life, and how many of them are known durable. */
  #written = 0;
  #durable = 0;
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(directory: string, level: Level) {
    this.directory = directory;
    this.#level = level;
    this.#health = new Health(directory);
    this.#reads = new LevelReads({ directory, level, snapshot: undefined, check: () => this.#health.check() });
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
    return new LevelBatch(this.directory, this.#level.batch(), (batch, sync) =>
      this.#run(() => this.#write(batch, sync)),
    );
  }

  sync(): Promise<void> {
    return this.#run(() => this.#sync());
  }

  view(): EngineView {
    this.#health.check();
    return new LevelView(this.directory, this.#level, this.#level.snapshot(), this.#health);
  }

  async checkpoint(directory: string, options?: { readonly links?: boolean | undefined }): Promise<void> {
    const where = "EngineDatabase.checkpoint";
    const links = checkBoolean(where, "links", checkOptions(where, options, ["links"]).links, true);
    await this.#run(async () => {
      await this.#sync();
      await callLevel("checkpoint", directory, () => copyDatabase(this.directory, directory, links));
    });
  }

  check(signal?: AbortSignal): Promise<void> {
    return this.#run(async () => {
      const { directory } = this;
      for (const number of await callLevel("check", directory, () => tableNumbers(directory))) {
        signal?.throwIfAborted();
        await callLevel("check", directory, () => checkTable(directory, number));
      }
    });
  }

  stats(): Promise<{ readonly diskBytes: number }> {
    return this.#run(async () => ({
      diskBytes: await callLevel("stat", this.directory, () => diskBytes(this.directory)),
    }));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #write(batch: ChainedBatch<Level, Uint8Array, Uint8Array>, sync: boolean): Promise<void> {
    if (batch.length > 0) {
      await this.#poisoning("write", () => batch.write());
      // Counted when it is done: a sync that began before that may not have taken it along.
      this.#written++;
    } else await batch.close();
    if (sync) await this.#sync();
  }

  async #sync(): Promise<void> {
    const written = this.#written;
    if (this.#durable >= written) return;
    await this.#poisoning("sync", async () => {
      const logs = await logNames(this.directory);
      await this.#level.compactRange(NO_BYTES, NO_BYTES);
      const left = new Set(await logNames(this.directory));
      const stuck = logs.find((name) => left.has(name));
      if (logs.length === 0 || stuck !== undefined) throw notFlushed(this.directory, stuck);
    });
    this.#durable = Math.max(this.#durable, written);
  }

  /** Remembers what runs, so that `close` can wait for it. */
  #run<Result>(act: () => Promise<Result>): Promise<Result> {
    const running = (async () => {
      this.#health.check();
      return await act();
    })();
    this.#running.add(running);
    const forget = (): void => void this.#running.delete(running);
    running.then(forget, forget);
    return running;
  }

  async #poisoning(operation: string, act: () => Promise<void>): Promise<void> {
    this.#health.checkPoison();
    try {
      await act();
    } catch (error) {
      const failure = levelError(operation, this.directory, error);
      this.#health.poison(failure);
      throw failure;
    }
  }

  async #close(): Promise<void> {
    this.#health.close();
    await Promise.allSettled(this.#running);
    await callLevel("close", this.directory, () => this.#level.close());
  }
}

/** Changes that LevelDB collects on its side. */
class LevelBatch implements EngineBatch {
  readonly #directory: string;
  readonly #batch: ChainedBatch<Level, Uint8Array, Uint8Array>;
  readonly #commit: (batch: ChainedBatch<Level, Uint8Array, Uint8Array>, sync: boolean) => Promise<void>;
  #size = 0;
  #written = false;

  constructor(
    directory: string,
    batch: ChainedBatch<Level, Uint8Array, Uint8Array>,
    commit: (batch: ChainedBatch<Level, Uint8Array, Uint8Array>, sync: boolean) => Promise<void>,
  ) {
    this.#directory = directory;
    this.#batch = batch;
    this.#commit = commit;
  }

  get size(): number {
    return this.#size;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    checkBytes("EngineBatch.put", "key", key);
    checkBytes("EngineBatch.put", "value", value);
    this.#check();
    try {
      this.#batch.put(key, value);
    } catch (error) {
      throw levelError("batch", this.#directory, error);
    }
    this.#size++;
  }

  delete(key: Uint8Array): void {
    checkBytes("EngineBatch.delete", "key", key);
    this.#check();
    try {
      this.#batch.del(key);
    } catch (error) {
      throw levelError("batch", this.#directory, error);
    }
    this.#size++;
  }

  async write(options?: { readonly sync?: boolean | undefined }): Promise<void> {
    const where = "EngineBatch.write";
    const sync = checkBoolean(where, "sync", checkOptions(where, options, ["sync"]).sync, false);
    this.#check();
    this.#written = true;
    await this.#commit(this.#batch, sync);
  }

  #check(): void {
    if (!this.#written) return;
    const directory = this.#directory;
    throw new StateError("HF_CLOSED", `This batch for ${directory} is written already. Make another.`, { directory });
  }
}

/** A snapshot of LevelDB. Tables and rows that it shows are kept until it is released. */
class LevelView extends LevelReads implements EngineView {
  readonly #snapshot: Snapshot;
  readonly #state: { released: boolean };

  constructor(directory: string, level: Level, snapshot: Snapshot, health: Health) {
    const state = { released: false };
    const check = (): void => {
      health.check();
      if (!state.released) return;
      throw new StateError("HF_CLOSED", `This view of ${directory} is released.`, { directory });
    };
    super({ directory, level, snapshot, check });
    this.#snapshot = snapshot;
    this.#state = state;
  }

  async release(): Promise<void> {
    this.#state.released = true;
    await this.#snapshot.close();
  }
}

/** LevelDB keeps the reason to itself, and to the file named LOG. */
function notFlushed(directory: string, log: string | undefined): IoError {
  const cause = new Error(`LevelDB did not write ${log ?? "its memtable"} into a table; its file LOG may say why.`);
  return new IoError("sync", directory, cause);
}
