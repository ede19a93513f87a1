/**
 * Reading a store from another process, beside its writer or without one.
 *
 * Nothing of the writer's is changed or locked: the newest snapshot is copied (its unchanging files by hard links), the copy is brought on with the
 * commits that the log shows as acknowledged, and that is what is read. Where the writer removes meanwhile what is being copied or read, the reader
 * looks at the books again.
 */
import { HoldfastError, InvalidArgumentError, StateError, Turns, checkOptions, invalid, Held } from "../base/index.js";
import { type Engine, classicLevel } from "../engine/index.js";
import { LtHash } from "../hash/index.js";
import { LogReader } from "../log/index.js";
import { type Vfs, nodeVfs } from "../vfs/index.js";
import { peekBooks } from "./books-file.js";
import { CommitLog, type CommitSource } from "./commit-log.js";
import type { Database } from "./database.js";
import { checkEngine, routingFor } from "./options.js";
import { type IterateOptions, engineRange } from "./range.js";
import { type FlatKvRow, type KeyOptions, decodeRows, iteratedDatabase, readValues } from "./reads.js";
import { Redo, redoAll } from "./redo.js";
import type { Routing } from "./routing.js";
import { Scratch } from "./scratch.js";
import { stateSeen } from "./state-at.js";
import { StoreDirectory } from "./store-directory.js";
import { type Look, type ReaderContext, closeCopies, hashesOf, isSameLine, lookAtStore } from "./store-look.js";

/** Options of `FlatKvReader.open`. */
export interface FlatKvReaderOptions {
  /** The file system. Default: the real one. */
  readonly vfs?: Vfs;
  /** The engine that the store was made with. Default `classicLevel()`. */
  readonly engine?: Engine;
  /** As the store's own. */
  readonly route?: Routing;
  /** Where a store has its commits that has no log of its own. It is read, and nothing else. */
  readonly journal?: CommitSource;
  /** A directory for the copy, made where it is missing. On the store's file system the copy takes little space. Default `readers` in the store's. */
  readonly scratch?: string;
}

/**
 * A store opened for reading only, at the version that was newest when it was opened or last refreshed.
 *
 * ```ts
 * import { FlatKv, FlatKvReader } from "holdfast/flatkv";
 *
 * await using store = await FlatKv.open("./state", { databases: ["accounts"] }); // as a rule in another process
 * await store.commit();
 * await using reader = await FlatKvReader.open("./state");
 * console.log(reader.version, await reader.get(new TextEncoder().encode("alice"), { database: "accounts" }));
 * ```
 */
export class FlatKvReader {
  readonly directory: string;
  readonly #context: ReaderContext;
  readonly #turns = new Turns();
  #look: Look;
  #isBroken = false;
  #closing: Promise<void> | undefined;

  private constructor(context: ReaderContext, look: Look) {
    this.directory = context.directory.path;
    this.#context = context;
    this.#look = look;
  }

  /**
   * Opens the store in `directory`. Errors: `InvalidArgumentError` (options; no store there), `ConflictError` `HF_OPTION_MISMATCH`, `FormatError`,
   * `CorruptionError`, `IoError`; `StateError` `HF_BUSY` where the writer changed its books faster than they could be followed.
   */
  static async open(directory: string, options?: FlatKvReaderOptions): Promise<FlatKvReader> {
    const where = "FlatKvReader.open";
    if (typeof directory !== "string" || directory === "") throw invalid(where, "directory", directory, "a path");
    const given = checkOptions(where, options, ["vfs", "engine", "route", "journal", "scratch"]);
    const vfs = given.vfs ?? nodeVfs;
    const engine = given.engine ?? classicLevel();
    const files = new StoreDirectory(vfs, directory);
    if ((await vfs.stat(files.anchor)) === undefined)
      throw new InvalidArgumentError("HF_INVALID_ARGUMENT", `${where}: there is no store in ${directory}.`, {
        path: directory,
      });
    checkEngine(directory, engine, await peekBooks(files));
    const ownReader = given.journal === undefined ? await LogReader.open(files.log, { vfs }) : undefined;
    let scratch: Scratch | undefined;
    try {
      scratch = await Scratch.make(vfs, engine, given.scratch ?? files.readers);
      const source = given.journal ?? ownReader!;
      const context = { directory: files, engine, route: given.route, source, ownReader, scratch };
      return new FlatKvReader(context, await lookAtStore(context));
    } catch (error) {
      await ownReader?.close();
      await scratch?.remove();
      throw error;
    }
  }

  /** The version that is read. */
  get version(): number {
    return this.#look.state.version;
  }

  /** Names of the databases. */
  get databases(): readonly string[] {
    return this.#look.books.names;
  }

  /** The sum of the databases' hashes at `version`. */
  committedHash(): LtHash {
    return LtHash.sum(this.#look.hashes);
  }

  /** The hash of one database's rows at `version`. */
  databaseHash(database: string): LtHash {
    const name = iteratedDatabase("FlatKvReader.databaseHash", { database }, this.databases);
    return this.#look.hashes[this.databases.indexOf(name)]!.clone();
  }

  /** The value of a key, or `undefined` where it has none. */
  async get(key: Uint8Array, options: KeyOptions = {}): Promise<Uint8Array | undefined> {
    const [value] = await this.getMany([key], options);
    return value;
  }

  /** Whether a key has a value. */
  async has(key: Uint8Array, options: KeyOptions = {}): Promise<boolean> {
    return (await this.get(key, options)) !== undefined;
  }

  /** The values of several keys, in their order, all at one version. */
  async getMany(keys: readonly Uint8Array[], options: KeyOptions = {}): Promise<(Uint8Array | undefined)[]> {
    const { database } = checkOptions("FlatKvReader.getMany", options, ["database"]);
    return await this.#turn(() => {
      const names = this.databases;
      const place = { names, routing: routingFor(this.#context.route, names) };
      return readValues("FlatKvReader.getMany", keys, database, place, (name, rowKeys) =>
        this.#database(name).getMany(rowKeys),
      );
    });
  }

  /** The rows of a database in key order, at the version that is read when the first is asked for. */
  async *iterate(options: IterateOptions = {}): AsyncGenerator<FlatKvRow, void, undefined> {
    const where = "FlatKvReader.iterate";
    const range = engineRange(where, options);
    const name = iteratedDatabase(where, options, this.databases);
    const { database, chunks } = await this.#turn(async () => {
      const found = this.#database(name);
      return { database: found, chunks: found.engine.iterate(range) };
    });
    yield* decodeRows(database, chunks);
  }

  /** Goes on to the newest version; resolves to it. After a rollback of the store that may be an older one. Iterations that go on then end with an error. */
  async refresh(): Promise<number> {
    return await this.#turn(async () => {
      if (!(await this.#goOn())) await this.#lookAgain();
      return this.version;
    });
  }

  /** Removes the copy and releases everything. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#turns.take(() => this.#close());
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    const held = new Held();
    held.add(() => this.#context.scratch.remove());
    held.add(async () => await this.#context.ownReader?.close());
    held.add(() => closeCopies(this.#look.databases));
    const [failure] = await held.release();
    if (failure !== undefined) throw failure;
  }

  /** Brings the copies on with what was committed since. False where that is not what the store is now; then they are of no use. */
  async #goOn(): Promise<boolean> {
    const { source, ownReader, directory } = this.#context;
    const { books, databases, state } = this.#look;
    const now = await peekBooks(directory);
    await ownReader?.refresh();
    if (this.#isBroken || !isSameLine(books, now) || source.firstLsn > state.lsn + 1) return false;
    this.#isBroken = true;
    try {
      const commits = new CommitLog(source, now, `the journal of ${this.directory}`);
      const end = await stateSeen(commits, now);
      const redos = databases.map((database, index) => ({ index, redo: new Redo(database, state.version, []) }));
      const reached = await redoAll(commits, redos, state, end.version);
      // A rollback meanwhile may have given versions that were read another content than those before them.
      if (!isSameLine(now, await peekBooks(directory))) return false;
      this.#look = { books: now, databases, state: reached, hashes: hashesOf(databases) };
      this.#isBroken = false;
      return true;
    } catch (error) {
      if (error instanceof HoldfastError) return false;
      throw error;
    }
  }

  /** Makes new copies, and removes the old ones. Until that has succeeded there is nothing to read. */
  async #lookAgain(): Promise<void> {
    this.#isBroken = true;
    const { databases } = this.#look;
    this.#look = await lookAtStore(this.#context);
    this.#isBroken = false;
    await closeCopies(databases);
    for (const { path } of databases) await this.#context.engine.remove(path);
  }

  #database(name: string): Database {
    return this.#look.databases[this.databases.indexOf(name)]!;
  }

  #turn<R>(act: () => Promise<R>): Promise<R> {
    if (this.#closing !== undefined)
      return Promise.reject(
        new StateError("HF_CLOSED", `The reader of ${this.directory} is closed. Open another.`, {
          path: this.directory,
        }),
      );
    return this.#turns.take(async () => {
      // A refresh failed half way: the copies are at no version.
      if (this.#isBroken) await this.#lookAgain();
      return await act();
    });
  }
}
