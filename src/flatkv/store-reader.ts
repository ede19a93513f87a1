/**
 * Reading a store from another process, beside its writer or without one.
 *
 * Nothing of the writer's is changed or locked: the newest snapshot is copied (its unchanging files by hard links), the copy is brought on with the
 * commits that the log shows as acknowledged, and that is what is read. Where the writer removes meanwhile what is being copied or read, the reader
 * looks at the books again.
 */
import { HoldfastError, InvalidArgumentError, StateError, Turns, checkOptions, invalid } from "../base/index.js";
import { type Engine, classicLevel } from "../engine/index.js";
import { LtHash } from "../hash/index.js";
import { LogReader } from "../log/index.js";
import { type Vfs, nodeVfs } from "../vfs/index.js";
import { peekBooks } from "./books-file.js";
import type { Books, KnownState } from "./books.js";
import { CommitLog, type CommitSource } from "./commit-log.js";
import type { Database } from "./database.js";
import { type MakingContext, makeDatabase } from "./make-database.js";
import { checkEngine, routingFor } from "./options.js";
import { type IterateOptions, engineRange } from "./range.js";
import { type FlatKvRow, type KeyOptions, decodeRows, iteratedDatabase, readValues } from "./reads.js";
import { Redo, redoAll } from "./redo.js";
import type { Routing } from "./routing.js";
import { Scratch } from "./scratch.js";
import { stateSeen } from "./state-at.js";
import { StoreDirectory } from "./store-directory.js";

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

/** So often a look is repeated when the writer changed the books meanwhile. */
const LOOKS_MAX = 8;

/** What one look came to. */
interface Look {
  readonly books: Books;
  readonly databases: readonly Database[];
  readonly state: KnownState;
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
      return new FlatKvReader(context, await look(context));
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
    return LtHash.sum(this.#look.databases.map(({ hash }) => hash));
  }

  /** The hash of one database's rows at `version`. */
  databaseHash(database: string): LtHash {
    return this.#database(iteratedDatabase("FlatKvReader.databaseHash", { database }, this.databases)).hash.clone();
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
  async getMany(keys: readonly Uint8Array[], { database }: KeyOptions = {}): Promise<(Uint8Array | undefined)[]> {
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
      const { source, ownReader } = this.#context;
      await ownReader?.refresh();
      const { books, databases, state } = this.#look;
      const now = await peekBooks(this.#context.directory);
      if (now.timeline === books.timeline && source.firstLsn <= state.lsn + 1) {
        const commits = new CommitLog(source, now, `the journal of ${this.directory}`);
        const end = await stateSeen(commits, now);
        const redos = databases.map((database, index) => ({ index, redo: new Redo(database, state.version, []) }));
        const reached = await redoAll(commits, redos, state, end.version);
        this.#look = { books: now, databases, state: reached };
      } else {
        this.#look = await look(this.#context);
        for (const { engine } of databases) await engine.close();
      }
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
    for (const { engine } of this.#look.databases) await engine.close();
    await this.#context.ownReader?.close();
    await this.#context.scratch.remove();
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
    return this.#turns.take(act);
  }
}

interface ReaderContext {
  readonly directory: StoreDirectory;
  readonly engine: Engine;
  readonly route: Routing | undefined;
  readonly source: CommitSource;
  readonly ownReader: LogReader | undefined;
  readonly scratch: Scratch;
}

/** Copies and brings on, until the books were the same before and after. */
async function look(context: ReaderContext): Promise<Look> {
  let cause: unknown;
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    await context.ownReader?.refresh();
    const books = await peekBooks(context.directory);
    let found: Look | undefined;
    try {
      found = await makeCopies(context, books);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      cause = error;
    }
    const after = await peekBooks(context.directory);
    const changed =
      after.timeline !== books.timeline || after.snapshots.at(-1)?.version !== books.snapshots.at(-1)?.version;
    if (found !== undefined && after.timeline === books.timeline) return found;
    for (const { engine } of found?.databases ?? []) await engine.close();
    if (!changed) throw cause;
  }
  throw new StateError(
    "HF_BUSY",
    `The writer of ${context.directory.path} changed its books ${LOOKS_MAX} times while they were read. Try again.`,
    { path: context.directory.path, looks: LOOKS_MAX },
    cause,
  );
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
    return { books, databases, state };
  } catch (error) {
    for (const { engine: made } of databases) await made.close();
    throw error;
  }
}
