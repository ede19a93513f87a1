/**
 * Makes a store of an exported stream, in place of what it held.
 *
 * Crash argument: that of a `Generation`: until the whole stream was read, checked and made durable, nobody names what it became. Now and then the
 * rows so far are made durable with a note of the place in the stream. An import that is begun again with the same export passes over what the notes
 * speak of; rows that are there beyond it are the same rows, and are written again. With another export it begins from nothing.
 */
import {
  ConflictError,
  CorruptionError,
  checkBoolean,
  checkInteger,
  checkOptions,
  checkSignal,
  equalBytes,
  invalid,
} from "../base/index.js";
import type { TransferProgress } from "./export.js";
import type { ExportHeader } from "./export-format.js";
import { ExportScanner } from "./export-scanner.js";
import { removeDirectories } from "./housekeeping.js";
import { Generation, type GenerationPlace } from "./generation.js";
import { refuseLiveDatabases } from "./lost-books.js";
import { type OfflineStore, freeDirectory, withOfflineStore } from "./offline.js";
import {
  FLAT_KV_OPTIONS,
  type FlatKvOptions,
  type FlatKvSettings,
  checkEngine,
  checkNames,
  resolveFlatKvOptions,
} from "./options.js";
import { refuseForeign } from "./foreign-files.js";
import { KEY_BYTES_MAX, STORE_ID_BYTES } from "./row-format.js";

/** Options of `importFlatKv`: those of the store, and these. */
export interface ImportFlatKvOptions extends FlatKvOptions {
  /** Go on with an import of the same export that was interrupted. Default true; false begins from nothing. */
  readonly resume?: boolean;
  /** Make what was taken durable after so many bytes of the stream, at the cost of a sync. Default 256 MiB. */
  readonly noteEveryBytes?: number;
  readonly signal?: AbortSignal;
  /** Called now and then. */
  readonly onProgress?: (progress: TransferProgress) => void;
}

/** What was imported. */
export interface ImportFlatKvReport {
  readonly version: number;
  readonly rows: number;
  readonly databases: readonly { readonly name: string; readonly rows: number }[];
  /** Rows that an interrupted import had taken already. */
  readonly resumedRows: number;
}

const WHERE = "importFlatKv";
const MIB = 1 << 20;

/**
 * Reads the stream that `export` wrote, and makes the store in `directory` what it holds: the same rows at the same version, in a new timeline, with
 * a snapshot and an empty journal. A store that is there is replaced as a whole, at the end and in one step. It must be closed.
 *
 * Durable when it resolves. Until then a crash, an error or an abort leaves the store as it was, and what was taken so far for the next import of the
 * same export to go on from; opening the store removes it. The stream is always given from its start.
 *
 * Errors: `LockedError`; `InvalidArgumentError`; `ConflictError` `HF_OPTION_MISMATCH` (other databases or another engine than the store in the directory);
 * `CorruptionError` (a stream that is damaged, cut or goes on after its end; rows that do not have the hash that it names), `FormatError`,
 * `LimitError` (rows larger than a store takes); `IoError`; `signal.reason`.
 */
export async function importFlatKv(
  directory: string,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options?: ImportFlatKvOptions,
): Promise<ImportFlatKvReport> {
  const { resume, noteEveryBytes, signal, onProgress, ...rest } = checkOptions(WHERE, options, [
    ...FLAT_KV_OPTIONS,
    "resume",
    "noteEveryBytes",
    "signal",
    "onProgress",
  ]) as ImportFlatKvOptions;
  const settings = resolveFlatKvOptions(WHERE, rest);
  const mayResume = checkBoolean(WHERE, "resume", resume, true);
  const noteEvery = checkInteger(WHERE, "noteEveryBytes", noteEveryBytes, { min: 1 }, 256 * MIB);
  checkSignal(WHERE, signal);
  if (onProgress !== undefined && typeof onProgress !== "function")
    throw invalid(WHERE, "onProgress", onProgress, "a function");
  if (typeof source !== "object" || source === null || !(Symbol.asyncIterator in source || Symbol.iterator in source))
    throw invalid(WHERE, "source", source, "an iterable of bytes");

  return await withOfflineStore(
    WHERE,
    directory,
    settings,
    { isNewAllowed: settings.createIfMissing },
    async (store) => {
      const importing = new Importing(store, settings, { mayResume, noteEvery, onProgress });
      try {
        for await (const chunk of source) {
          signal?.throwIfAborted();
          await importing.take(chunk);
        }
        return await importing.finish();
      } finally {
        await importing.close();
      }
    },
  );
}

interface ImportSettings {
  readonly mayResume: boolean;
  readonly noteEvery: number;
  readonly onProgress: ((progress: TransferProgress) => void) | undefined;
}

/** An import on its way. */
class Importing {
  readonly #store: OfflineStore;
  readonly #settings: FlatKvSettings;
  readonly #how: ImportSettings;
  readonly #scanner = new ExportScanner();
  #header: ExportHeader | undefined;
  #generation: Generation | undefined;
  #index = 0;
  #resumedRows = 0;
  #notedOffset = 0;

  constructor(store: OfflineStore, settings: FlatKvSettings, how: ImportSettings) {
    this.#store = store;
    this.#settings = settings;
    this.#how = how;
  }

  /** Takes the next piece of the stream. Nothing of it is kept. */
  async take(chunk: Uint8Array): Promise<void> {
    this.#scanner.feed(chunk);
    for (;;) {
      const event = this.#scanner.next();
      if (event === undefined) return;
      if (event.kind === "header") {
        await this.#begin(event.header);
        continue;
      }
      const generation = this.#generation!;
      if (event.kind === "rows") {
        this.#index = this.#header!.databases.indexOf(event.database);
        for (const [key, value] of event.rows) {
          if (key.length > KEY_BYTES_MAX) throw tooLongKey(event.database, key.length);
          const full = generation.put(this.#index, key, value);
          if (full !== undefined) await full;
        }
        if (this.#scanner.offset - this.#notedOffset >= this.#how.noteEvery) await this.#note();
        this.#how.onProgress?.({ database: event.database, rows: this.#rows() });
      } else if (event.kind === "database-end") {
        this.#index = this.#header!.databases.indexOf(event.database);
        this.#compare(this.#index, event.ltHash);
        // Before anything is noted of the next one: its notes speak of this one too.
        await this.#note();
      }
    }
  }

  /** To be called once the stream has ended: puts the store in place. */
  async finish(): Promise<ImportFlatKvReport> {
    this.#scanner.finish();
    const { version, databases } = this.#header!;
    const generation = this.#generation!;
    // All of them again, since those that an earlier import had taken were passed over.
    for (const [index, ltHash] of this.#scanner.ltHashes.entries()) this.#compare(index, ltHash);
    await generation.install(this.#store.journal, version, this.#store, this.#settings.snapshots.links);
    return {
      version,
      rows: this.#rows(),
      databases: databases.map((name, index) => ({ name, rows: generation.rowCount(index) })),
      resumedRows: this.#resumedRows,
    };
  }

  async close(): Promise<void> {
    await this.#generation?.close();
  }

  async #begin(header: ExportHeader): Promise<void> {
    const { directory, books } = this.#store;
    const names = checkNames(WHERE, header.databases);
    const expected = this.#settings.databases ?? books?.names;
    if (expected !== undefined && (expected.length !== names.length || !names.every((name) => expected.includes(name))))
      throw new ConflictError(
        "HF_OPTION_MISMATCH",
        `${directory.path} is to have the databases ${expected.join(", ")}, and the export has ${names.join(", ")}. Import it into a directory of its own.`,
        { path: directory.path, stored: expected.join(", "), given: names.join(", ") },
      );
    if (books !== undefined) checkEngine(directory.path, this.#settings.engine, books);
    else await refuseForeign(directory, names);
    this.#header = header;

    const left = await this.#leftDirectories();
    const storeId = books?.storeId ?? this.#settings.vfs.randomBytes(STORE_ID_BYTES);
    const place = (firstDirectory: number): GenerationPlace => ({
      directory,
      engine: this.#settings.engine,
      storeId,
      names,
      firstDirectory,
    });
    const found =
      this.#how.mayResume && left[0] !== undefined
        ? await Generation.resume(place(left[0]), header.exportId)
        : undefined;
    if (found !== undefined) {
      this.#generation = found.generation;
      this.#scanner.skipTo(found.position);
      this.#resumedRows = this.#rows();
      return;
    }
    if (books === undefined) await refuseLiveDatabases(directory, this.#settings.engine, left);
    await removeDirectories({ directory, engine: this.#settings.engine }, left);
    this.#generation = await Generation.make(place(await freeDirectory(this.#store)));
  }

  /** Numbers of the directories that the books do not name, ascending: of an import that was interrupted, or of something else. */
  async #leftDirectories(): Promise<number[]> {
    const { directory, books } = this.#store;
    const named = new Set([
      ...(books?.directories ?? []),
      ...(books?.snapshots ?? []).flatMap(({ directories }) => directories),
    ]);
    const { databases } = await directory.list();
    return databases.filter((number) => !named.has(number));
  }

  /** The rows that were taken must have the hash that the stream names. */
  #compare(index: number, ltHash: Uint8Array): void {
    if (equalBytes(this.#generation!.hashOf(index).toBytes(), ltHash)) return;
    throw new CorruptionError({
      path: "the export stream",
      offset: this.#scanner.offset,
      expected: `rows of database ${this.#header!.databases[index]!} with the hash that the stream names`,
      found: "rows with another",
      advice: "Export the store again; `FlatKv.verify` tells whether it is sound.",
    });
  }

  async #note(): Promise<void> {
    this.#notedOffset = this.#scanner.offset;
    await this.#generation!.note(this.#index, this.#scanner.position!);
  }

  #rows(): number {
    return this.#header!.databases.reduce((sum, _, index) => sum + this.#generation!.rowCount(index), 0);
  }
}

function tooLongKey(database: string, bytes: number): CorruptionError {
  return new CorruptionError({
    path: "the export stream",
    expected: `keys of up to ${KEY_BYTES_MAX} bytes in database ${database}`,
    found: `one of ${bytes}`,
  });
}
