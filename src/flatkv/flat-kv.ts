/** The store: the public face of staging, commits and everything that is done to databases. */
import { StateError, Turns, checkOptions, invalid } from "../base/index.js";
import type { EngineDatabase, EngineView } from "../engine/index.js";
import { LtHash } from "../hash/index.js";
import { takePart } from "../log/index.js";
import type { Books, KnownState } from "./books.js";
import { type ChangeSet, placeChanges } from "./change-set.js";
import { ROW_OVERHEAD_BYTES, emptyBodyBytes } from "./commit-format.js";
import { checkCommitBytes } from "./commit-log.js";
import type { Database } from "./database.js";
import { notWithin } from "./errors.js";
import { type ExportOptions, checkExportOptions, exportStore } from "./export.js";
import { ID_BYTES as EXPORT_ID_BYTES } from "./export-format.js";
import { openStore } from "./open.js";
import { type FlatKvOptions, resolveFlatKvOptions, routingFor, unknownDatabase } from "./options.js";
import { type IterateOptions, engineRange } from "./range.js";
import { type RebuildRequest, rebuildDatabases } from "./rebuild.js";
import type { FlatKvRecovery, RebuiltDatabase } from "./recovery-report.js";
import { type FlatKvRow, type KeyOptions, decodeRows, iteratedDatabase, readValues } from "./reads.js";
import { checkRollback, oldestVersion, rollBack } from "./rollback.js";
import type { Routing } from "./routing.js";
import { type SnapshotInfo, makeSnapshot } from "./snapshots.js";
import { Staging } from "./staging.js";
import type { Store } from "./store.js";
import { commitStaged } from "./sync.js";
import { syncDatabases, syncWhenDue } from "./sync-databases.js";
import { type VerifyFlatKvOptions, type VerifyFlatKvReport, checkVerifyOptions, verifyStore } from "./verify.js";

/** Counters and sizes of a store. */
export interface FlatKvStats {
  readonly version: number;
  /** The oldest version that `rollback` reaches. */
  readonly oldestVersion: number;
  /** Everything up to this version is durable in the databases themselves. What is above it is in the journal, and redone after a power cut. */
  readonly syncedVersion: number;
  readonly timeline: number;
  readonly snapshots: number;
  /** Rows that are staged. */
  readonly stagedRows: number;
  /** Of keys and values that are staged. */
  readonly stagedBytes: number;
}

/** Options of `FlatKv.repair`. */
export type RepairFlatKvOptions = Pick<VerifyFlatKvOptions, "signal" | "onProgress">;

/** All databases at one version. */
interface FlatKvView {
  readonly books: Books;
  readonly state: KnownState;
  readonly reads: readonly EngineView[];
  /** Whose views they are. */
  readonly engines: readonly EngineDatabase[];
}

/** What a repair found and did. */
export interface RepairFlatKvReport {
  readonly found: VerifyFlatKvReport;
  readonly rebuilt: readonly RebuiltDatabase[];
}

/**
 * A commit store: named databases of key-value rows that go from version to version together, each with a lattice hash of all its rows.
 *
 * `applyChangeSets` stages, `commit` makes a version of what is staged. A version is durable when `commit` resolves, in all databases or in none, whatever
 * crashes. Reads show the newest committed version. One process has a store open.
 *
 * Every method rejects with `StateError`: `HF_CLOSED` after `close`, `HF_POISONED` with the first cause once a write failed; then nothing is lost, and
 * opening again is the recovery. A row that is damaged is a `CorruptionError`, a failed read an `IoError`, and never "not found".
 *
 * ```ts
 * import { FlatKv } from "holdfast/flatkv";
 *
 * const store = await FlatKv.open("./state", { databases: ["accounts"] });
 * const key = new TextEncoder().encode("alice");
 * await store.applyChangeSets([{ database: "accounts", changes: [{ key, value: Uint8Array.of(42) }] }]);
 * const version = await store.commit();
 * console.log(version, await store.get(key, { database: "accounts" }), store.committedHash().checksum());
 * await store.close();
 * ```
 */
export class FlatKv {
  /** What opening found and did. */
  readonly recovery: FlatKvRecovery;
  readonly #store: Store;
  readonly #routing: Routing | undefined;
  readonly #turns = new Turns();
  #staging: Staging;
  readonly #verifying = new Set<Promise<VerifyFlatKvReport>>();
  #closing: Promise<void> | undefined;

  private constructor(store: Store, recovery: FlatKvRecovery) {
    this.#store = store;
    this.recovery = recovery;
    this.#routing = routingFor(store.settings.routing, store.books.names);
    this.#staging = new Staging(store.databases);
  }

  /**
   * Opens the store in `directory`, or makes one. What a crash left is recovered first: databases that lack commits get them from the journal, and one
   * that is missing, damaged or beyond the journal is made anew from the newest snapshot and the journal; `recovery` says which and why.
   *
   * Errors: `LockedError`; `InvalidArgumentError`; `ConflictError` (`HF_OPTION_MISMATCH`: engine or databases other than stored; `HF_EXISTS`: the journal
   * for a new store has records); `FormatError` (`HF_HASHES_MISSING`: rows whose version or hash is not known, see `rebuildHashes`; `HF_FORMAT_UNKNOWN`,
   * `HF_FORMAT_NEWER`, `HF_FORMAT_FOREIGN`); `CorruptionError`; `IoError`. After an error nothing is held or lost.
   */
  static async open(directory: string, options?: FlatKvOptions): Promise<FlatKv> {
    const settings = resolveFlatKvOptions("FlatKv.open", options);
    if (typeof directory !== "string" || directory === "")
      throw invalid("FlatKv.open", "directory", directory, "a path");
    const { store, recovery } = await openStore(directory, settings);
    return new FlatKv(store, recovery);
  }

  /** The newest committed version; 0 for a store without commits. */
  get version(): number {
    return this.#store.state.version;
  }

  /** Names of the databases. */
  get databases(): readonly string[] {
    return this.#store.books.names;
  }

  /** Why every call rejects since a write failed; `undefined` while the store serves. */
  get failure(): StateError | undefined {
    return this.#store.failure;
  }

  /**
   * Stages changes for the next commit, in order, on top of what is staged. All of them or, where the call rejects, none. May be called often
   * before one commit. Nothing of it is durable or seen by reads before that. Keys and values must not change until the promise settles.
   *
   * Errors, all without effect: `InvalidArgumentError` (an unknown database, a key without a place, an empty key or value), `LimitError` (a key of more
   * than 65,535 bytes, a value of more than 64 MiB, more in all than one commit in the journal may be), `CorruptionError` or `IoError` where a row that is
   * to change can't be read.
   */
  applyChangeSets(sets: readonly ChangeSet[]): Promise<void> {
    const { journal } = this.#store;
    return takePart(journal, () => {
      this.#checkUsable();
      const placed = placeChanges(sets, this.databases, this.#routing);
      return this.#turn(() =>
        this.#staging.apply(placed, (rows, bytes) =>
          checkCommitBytes(journal, emptyBodyBytes(this.databases.length) + rows * ROW_OVERHEAD_BYTES + bytes),
        ),
      );
    });
  }

  /** Drops what is staged, once the calls before it are done. */
  async discard(): Promise<void> {
    this.#checkUsable();
    await this.#turn(async () => {
      this.#staging = new Staging(this.#store.databases);
    });
  }

  /** The hash that all databases together come to with what is staged: the sum of theirs. With a name: that of one. A copy. */
  workingHash(database?: string): LtHash {
    if (database !== undefined) return this.#staging.hashOf(this.#named("FlatKv.workingHash", database)).clone();
    return LtHash.sum(this.databases.map((name) => this.#staging.hashOf(name)));
  }

  /** The sum of the databases' hashes at the committed version. A copy. */
  committedHash(): LtHash {
    return LtHash.sum(this.#store.databases.map(({ hash }) => hash));
  }

  /** The hash of one database's rows at the committed version. A copy. */
  databaseHash(database: string): LtHash {
    return this.#database(this.#named("FlatKv.databaseHash", database)).hash.clone();
  }

  /**
   * Makes a version of what is staged, which may be nothing, and resolves to it once it is durable and applied. Calls take turns. Errors: see the class;
   * after one, it is unknown whether the version was committed until the store is opened again. A journal's refusal has no effect (`LimitError`), and what
   * is staged stays so.
   *
   * Where no other call is on its way, the version is handed to the journal within the call, so that it may take part in `SharedLog.together`. Within that,
   * where another call is on its way: `StateError` `HF_BUSY`, without effect. Reads, iterations, exports and checks that go on are none, but what an export
   * or a check kept is tidied up behind it, which is one; so do again what was refused with `HF_BUSY`.
   */
  commit(): Promise<number> {
    const { journal } = this.#store;
    return takePart(journal, () => {
      this.#checkUsable();
      if (journal.isGathering === true && !this.#turns.isFree)
        throw notWithin("FlatKv.commit: another call is on its way, so this can't be part of the batch.");
      return this.#commit();
    });
  }

  /** Begins within the call where nobody has a turn. */
  async #commit(): Promise<number> {
    return await this.#turns.takeAtOnce(() => this.#commitNow());
  }

  async #commitNow(): Promise<number> {
    const store = this.#store;
    store.checkUsable();
    await commitStaged(store, this.#staging);
    this.#staging = new Staging(store.databases);
    const { version } = store.state;
    await store.poisoning(async () => {
      const { everyCommits } = store.settings.snapshots;
      if (everyCommits > 0 && version % everyCommits === 0) {
        await store.settleSync();
        await makeSnapshot(store);
      }
      await syncWhenDue(store);
    });
    return version;
  }

  /** The value of a key at the committed version, or `undefined` where it has none. */
  async get(key: Uint8Array, options: KeyOptions = {}): Promise<Uint8Array | undefined> {
    const [value] = await this.getMany([key], options);
    return value;
  }

  /** Whether a key has a value at the committed version. */
  async has(key: Uint8Array, options: KeyOptions = {}): Promise<boolean> {
    return (await this.get(key, options)) !== undefined;
  }

  /** The values of several keys, in their order, all at one version. */
  async getMany(keys: readonly Uint8Array[], options: KeyOptions = {}): Promise<(Uint8Array | undefined)[]> {
    const { database } = checkOptions("FlatKv.getMany", options, ["database"]);
    this.#checkUsable();
    const place = { names: this.databases, routing: this.#routing };
    return await readValues("FlatKv.getMany", keys, database, place, (name, rowKeys) =>
      this.#readRows(this.#database(name), rowKeys),
    );
  }

  /**
   * The rows of a database in key order, at the version that is committed when the first is asked for, whatever is committed meanwhile. Keys are those
   * of rows; the routing has no part in it.
   */
  async *iterate(options: IterateOptions = {}): AsyncGenerator<FlatKvRow, void, undefined> {
    const where = "FlatKv.iterate";
    const range = engineRange(where, options);
    const name = iteratedDatabase(where, options, this.databases);
    this.#checkUsable();
    const { database, chunks } = await this.#look(() => {
      const found = this.#database(name);
      return { database: found, chunks: found.engine.iterate(range) };
    });
    yield* decodeRows(database, chunks);
  }

  /** Makes a snapshot of the committed version now, if there is none of it. Durable when it resolves. The oldest beyond `snapshots.keep` goes. */
  async snapshot(): Promise<SnapshotInfo> {
    this.#checkUsable();
    return await this.#turn(async () => {
      await this.#store.settleSync();
      await this.#store.poisoning(() => makeSnapshot(this.#store));
      return this.snapshots().at(-1)!;
    });
  }

  /** The snapshots, oldest first. */
  snapshots(): readonly SnapshotInfo[] {
    return this.#store.books.snapshots.map(({ version, timeline }) => ({ version, timeline }));
  }

  /**
   * Goes back to an older version, durably and atomically: a crash leaves the store at one or the other. What was committed since is gone, and can't come
   * back. What is staged is dropped, and iterations that are going on may end with an error. Reaches back as far as the oldest snapshot, or the beginning where the journal does (`stats().oldestVersion`);
   * else `InvalidArgumentError` `HF_VERSION_OUT_OF_RANGE`. Within `SharedLog.together` `StateError` `HF_BUSY`. Takes about as long as copying the snapshot, redoing the commits since and reading all rows.
   */
  rollback(version: number): Promise<void> {
    const store = this.#store;
    return takePart(store.journal, () => {
      this.#checkUsable();
      if (store.journal.isGathering === true) throw notWithin("FlatKv.rollback: it can't be part of a batch.");
      return this.#turn(async () => {
        checkRollback(store, version);
        await store.settleSync();
        if (version < store.state.version) await rollBack(store, version);
        this.#staging = new Staging(store.databases);
      });
    });
  }

  /**
   * Reads every row of every database at the committed version, and checks it against the database's hash; and the commits in the journal. Finds which
   * database is damaged. Commits go on meanwhile. What is wrong is in the report; what keeps it from reading is an `IoError`.
   */
  async verify(options?: VerifyFlatKvOptions): Promise<VerifyFlatKvReport> {
    const settings = checkVerifyOptions("FlatKv.verify", options);
    this.#checkUsable();
    const verifying = this.#held((view) => verifyStore(this.#store, view, settings));
    this.#verifying.add(verifying);
    try {
      return await verifying;
    } finally {
      this.#verifying.delete(verifying);
    }
  }

  /**
   * All rows at the committed version, as a stream for `importFlatKv`: pieces of about 64 KiB, in order. Commits go on meanwhile. Errors at a
   * step: `CorruptionError` where rows are damaged or lost, `IoError`, `signal.reason`; what was handed out before is no whole export, and is refused.
   */
  async *export(options?: ExportOptions): AsyncGenerator<Uint8Array, void, undefined> {
    const given = checkExportOptions("FlatKv.export", options);
    this.#checkUsable();
    const { directory, settings } = this.#store;
    const view = await this.#hold();
    try {
      const exportId = settings.vfs.randomBytes(EXPORT_ID_BYTES);
      yield* exportStore({ path: directory.path, ...view, exportId }, given);
    } finally {
      await this.#letGo(view);
    }
  }

  /**
   * Checks all databases, and makes those anew that are damaged, from the newest snapshot and the journal. One that can't be made is a
   * `CorruptionError`, and nothing has changed then. Commits wait meanwhile. What is staged is dropped, since it may rest on damaged rows.
   */
  async repair(options?: RepairFlatKvOptions): Promise<RepairFlatKvReport> {
    const settings = checkVerifyOptions("FlatKv.repair", { ...options, journal: false });
    this.#checkUsable();
    return await this.#turn(async () => {
      const store = this.#store;
      await store.settleSync();
      const view = this.#view();
      let found: VerifyFlatKvReport;
      try {
        found = await verifyStore(store, view, settings);
      } finally {
        for (const reads of view.reads) await reads.release();
      }
      const requests = found.databases.flatMap(({ name, sound }, index): RebuildRequest[] => {
        const cause = found.problems.find(({ database }) => database === name);
        return sound ? [] : [{ index, reason: "verify", cause, engine: this.#database(name).engine }];
      });
      const rebuilt = await rebuildDatabases(store, requests, settings.signal);
      this.#staging = new Staging(store.databases);
      return { found, rebuilt };
    });
  }

  /** Counters and sizes now. */
  stats(): FlatKvStats {
    const { state, books } = this.#store;
    return {
      version: state.version,
      oldestVersion: oldestVersion(this.#store),
      syncedVersion: books.synced.version,
      timeline: books.timeline,
      snapshots: books.snapshots.length,
      stagedRows: this.#staging.rowCount,
      stagedBytes: this.#staging.bytes,
    };
  }

  /**
   * Waits for the calls before it, but for exports, which end with an error; syncs the databases so that the next opening has nothing to redo, and
   * releases everything. What is staged is dropped.
   * Idempotent. After a failed write it only releases, and rejects with the cause if no call was refused for it.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    const store = this.#store;
    await this.#turns.done();
    await Promise.allSettled(this.#verifying);
    await store.syncing;
    if (store.failure === undefined) await syncDatabases(store).catch((error: unknown) => void store.poison(error));
    await store.release();
  }

  /** Runs alone, after what was asked for before. */
  async #turn<R>(act: () => Promise<R>): Promise<R> {
    return await this.#turns.take(async () => {
      this.#store.checkUsable();
      return await act();
    });
  }

  /**
   * Takes hold of what is there, between two turns. No turn itself, because whoever comes next need not wait for it: a commit that is handed over at once, in
   * front of it, writes to no database before it.
   */
  #look<R>(act: () => R): Promise<R> {
    return this.#turns.look(() => {
      this.#store.checkUsable();
      return act();
    });
  }

  /** Does something with all databases as they are now, which stay as they are meanwhile. */
  async #held<R>(act: (view: FlatKvView) => Promise<R>): Promise<R> {
    const view = await this.#hold();
    try {
      return await act(view);
    } finally {
      await this.#letGo(view);
    }
  }

  #hold(): Promise<FlatKvView> {
    return this.#look(() => {
      const view = this.#view();
      this.#store.housekeeping.hold();
      return view;
    });
  }

  /** Lets go of what `#hold` took, and drops what was kept because of it. */
  async #letGo(view: FlatKvView): Promise<void> {
    const store = this.#store;
    store.housekeeping.release();
    for (const reads of view.reads) await reads.release();
    if (this.#closing !== undefined || store.failure !== undefined || !store.housekeeping.isDue(store.books)) return;
    await this.#turn(() => store.poisoning(() => store.housekeeping.sweep(store.books)));
  }

  /** All databases as they are now. To be called where no commit is being applied. */
  #view(): FlatKvView {
    const { state, databases, books } = this.#store;
    const engines = databases.map(({ engine }) => engine);
    return { books, state, engines, reads: engines.map((engine) => engine.view()) };
  }

  /** Rows of one database at the committed version. While a commit is being applied they are what they were. */
  async #readRows(database: Database, keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    // As of the call: a commit that begins to be applied later is not in what the engine reads.
    const { applying } = this.#store;
    const rows = await database.getMany(keys);
    if (applying !== undefined) {
      for (const [at, key] of keys.entries()) {
        const staged = applying.row(database.name, key);
        if (staged !== undefined) rows[at] = staged.before;
      }
    }
    return rows;
  }

  #database(name: string): Database {
    return this.#store.databases[this.databases.indexOf(name)]!;
  }

  #named(where: string, name: string | undefined): string {
    if (name === undefined || !this.databases.includes(name)) throw unknownDatabase(where, name, this.databases);
    return name;
  }

  #checkUsable(): void {
    if (this.#closing !== undefined)
      throw new StateError("HF_CLOSED", `The store ${this.#store.directory.path} is closed. Open it again.`, {
        path: this.#store.directory.path,
      });
    this.#store.checkUsable();
  }
}
