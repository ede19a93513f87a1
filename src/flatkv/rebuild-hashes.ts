/**
 * Makes a store of rows whose versions or hashes are missing: reads every row, hashes it, and puts a new generation in place that says what was found.
 *
 * It takes the rows as they are to be right, so it is nobody's default: for databases of older layouts, and for a store whose journal or metadata are lost.
 */
import {
  ConflictError,
  CorruptionError,
  InvalidArgumentError,
  LimitError,
  checkInteger,
  checkOneOf,
  checkOptions,
  checkSignal,
  readU64,
  toHex,
} from "../base/index.js";
import type { Engine, EngineDatabase, EngineRow } from "../engine/index.js";
import { Generation } from "./generation.js";
import { type OfflineStore, freeDirectory, withOfflineStore } from "./offline.js";
import {
  FLAT_KV_OPTIONS,
  type FlatKvOptions,
  type FlatKvSettings,
  checkStoredOptions,
  namesOfNew,
  resolveFlatKvOptions,
} from "./options.js";
import { OLDER_KEY, SEPARATE_PREFIX, readProbe } from "./probe.js";
import type { OlderMetadata } from "./recovery.js";
import { countForeign } from "./scan.js";
import { KEY_BYTES_MAX, ROWS_FROM, ROWS_TO, STORE_ID_BYTES, decodeRow, rowKeyOf } from "./row-format.js";

/** Options of `rebuildHashes`: those of the store, and these. */
export interface RebuildHashesOptions extends FlatKvOptions {
  /** The version that the rows are at. Default: the one that all databases name that name any. */
  readonly version?: number;
  /**
   * How rows are stored: `"checked"`, as this build stores them; `"raw"`, as keys and values without anything of ours. Default: as each database's
   * metadata tells; where it has none, and in a store that has books, `"checked"`.
   */
  readonly rows?: "checked" | "raw";
  readonly signal?: AbortSignal;
  /** Called now and then with the rows of a database so far. */
  readonly onProgress?: (progress: { readonly database: string; readonly rows: number }) => void;
}

/** What became a store. */
export interface RebuildHashesReport {
  readonly version: number;
  readonly databases: readonly {
    readonly name: string;
    readonly rows: number;
    /** Rows without a value, which no hash covers, and which were left out. */
    readonly emptyRows: number;
    /** Metadata of an older layout, where there was some. */
    readonly older: OlderMetadata | undefined;
  }[];
}

const WHERE = "rebuildHashes";
const RAW_ADVICE = 'Where the rows were stored without checksums, pass rows: "raw".';
const SEPARATE_VERSION: Uint8Array = new TextEncoder().encode("_meta/version");

/** A database to read from. */
interface Found {
  readonly name: string;
  readonly path: string;
  readonly engine: EngineDatabase;
  readonly version: number | undefined;
  readonly older: OlderMetadata | undefined;
  readonly isRaw: boolean;
  emptyRows: number;
}

/**
 * Reads the rows of every database in `directory` and makes a store of them, in place of whatever books there were: at the version that they name, in a
 * new timeline, with a snapshot, and an empty journal. The store must be closed. Where there are no books, the databases are looked for in directories
 * of their names (`account`, …), which stay as they are.
 *
 * Durable when it resolves; a crash before leaves everything as it was. Errors: `LockedError`; `InvalidArgumentError` (options; no databases there; no
 * version known); `ConflictError` `HF_VERSIONS_DIFFER` (databases name different versions, and `version` does not decide); `CorruptionError` (a row with a
 * wrong checksum, or one that can't be read); `IoError`.
 */
export async function rebuildHashes(directory: string, options?: RebuildHashesOptions): Promise<RebuildHashesReport> {
  const { version: givenVersion, rows, signal, onProgress, ...rest } = options ?? {};
  checkOptions(WHERE, options, [...FLAT_KV_OPTIONS, "version", "rows", "signal", "onProgress"]);
  const settings = resolveFlatKvOptions(WHERE, rest);
  const wanted = checkInteger(WHERE, "version", givenVersion, { min: 0 }, undefined);
  const layout = checkOneOf(WHERE, "rows", rows, ["checked", "raw"], undefined);
  checkSignal(WHERE, signal);
  return await withOfflineStore(WHERE, directory, settings, { isNewAllowed: false }, async (store) => {
    const found = await openAll(store, settings, layout);
    try {
      const version = wanted ?? agreedVersion(directory, found);
      const generation = await Generation.make({
        directory: store.directory,
        engine: settings.engine,
        storeId: store.books?.storeId ?? settings.vfs.randomBytes(STORE_ID_BYTES),
        names: found.map(({ name }) => name),
        firstDirectory: await freeDirectory(store),
      });
      try {
        for (const [index, database] of found.entries()) {
          for await (const chunk of rowsOf(database)) {
            signal?.throwIfAborted();
            for (const [key, value] of chunk) {
              if (key.length > KEY_BYTES_MAX) throw tooLong(database.name, key.length);
              const full = generation.put(index, key, value);
              if (full !== undefined) await full;
            }
            onProgress?.({ database: database.name, rows: generation.rowCount(index) });
          }
          if (generation.rowCount(index) === 0) await refuseOthers(database);
        }
        await generation.install(store.journal, version, store, settings.snapshots.links);
      } finally {
        await generation.close();
      }
      return {
        version,
        databases: found.map(({ name, older, emptyRows }, index) => ({
          name,
          rows: generation.rowCount(index),
          emptyRows,
          older,
        })),
      };
    } finally {
      for (const { engine } of found) await engine.close();
    }
  });
}

async function openAll(
  { directory, books }: OfflineStore,
  settings: FlatKvSettings,
  layout: "checked" | "raw" | undefined,
): Promise<Found[]> {
  if (books !== undefined) checkStoredOptions(directory.path, settings, books);
  const names = books?.names ?? namesOfNew(settings);
  const found: Found[] = [];
  try {
    for (const [index, name] of names.entries()) {
      const path =
        books === undefined ? directory.vfs.join(directory.path, name) : directory.database(books.directories[index]!);
      found.push(await openOne(settings.engine, path, name, layout, books === undefined));
    }
    return found;
  } catch (error) {
    for (const { engine } of found) await engine.close();
    throw error;
  }
}

async function openOne(
  engine: Engine,
  path: string,
  name: string,
  layout: "checked" | "raw" | undefined,
  isOlderPossible: boolean,
): Promise<Found> {
  const opened = await engine.open(path);
  if (opened === undefined)
    throw new InvalidArgumentError(
      "HF_INVALID_ARGUMENT",
      `${WHERE}: there is no database in ${path}. Leave none out: an empty one counts too.`,
      { path, database: name },
    );
  try {
    const { metadata, older } = await readProbe(opened);
    const own = metadata?.kind === "sound" ? metadata.metadata.version : undefined;
    const version = own ?? (older === undefined ? undefined : await olderVersion(opened, older));
    return {
      name,
      path,
      engine: opened,
      version,
      older,
      isRaw: layout === undefined ? isOlderPossible && older !== undefined : layout === "raw",
      emptyRows: 0,
    };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** Older layouts have the version in the first eight bytes of a record, big-endian. */
async function olderVersion(engine: EngineDatabase, older: OlderMetadata): Promise<number | undefined> {
  const stored = await engine.get(older === "separate-keys" ? SEPARATE_VERSION : OLDER_KEY);
  if (stored === undefined || stored.length < 8) return undefined;
  const version = readU64(stored.slice(0, 8).reverse(), 0);
  return version < 0 ? undefined : version;
}

function agreedVersion(directory: string, found: readonly Found[]): number {
  const versions = new Set(found.flatMap(({ version }) => (version === undefined ? [] : [version])));
  const [only] = versions;
  if (versions.size === 1) return only!;
  const named = found.map(({ name, version }) => `${name}: ${version ?? "none"}`).join(", ");
  if (versions.size === 0)
    throw new InvalidArgumentError(
      "HF_INVALID_ARGUMENT",
      `${WHERE}: no database in ${directory} names a version. Pass the one that the rows are at.`,
      { directory },
    );
  throw new ConflictError(
    "HF_VERSIONS_DIFFER",
    `The databases in ${directory} are at different versions (${named}), so their rows do not belong together. Pass a version only if you know that they do.`,
    { directory, versions: named },
  );
}

/** The rows of a database, without anybody's metadata. */
async function* rowsOf(database: Found): AsyncGenerator<EngineRow[], void, undefined> {
  if (!database.isRaw) {
    for await (const chunk of database.engine.iterate({ gte: ROWS_FROM, lt: ROWS_TO }))
      yield chunk.map((row) => checkedRow(database, row));
    return;
  }
  for await (const chunk of database.engine.iterate({ gt: new Uint8Array(0) })) {
    const rows = chunk.filter(([key]) => !isOlderMetadata(database, key));
    const covered = rows.filter(([, value]) => value.length > 0);
    database.emptyRows += rows.length - covered.length;
    yield covered;
  }
}

function tooLong(database: string, bytes: number): LimitError {
  return new LimitError(
    "HF_VALUE_TOO_LARGE",
    `${WHERE}: a key in database ${database} has ${bytes} bytes, and may have ${KEY_BYTES_MAX}. Nothing was changed.`,
    { where: WHERE, database, bytes, bytesMax: KEY_BYTES_MAX },
  );
}

/** A database without a row of ours may be full of rows that are not stored as ours are. */
async function refuseOthers({ isRaw, path, name, engine }: Found): Promise<void> {
  const others = isRaw ? 0 : await countForeign(engine);
  if (others === 0) return;
  throw new CorruptionError({
    path,
    expected: `rows with their checksums in database ${name}`,
    found: `none, and ${others} entries that are something else`,
    advice: RAW_ADVICE,
  });
}

function checkedRow({ path, name }: Found, [engineKey, stored]: EngineRow): EngineRow {
  const value = decodeRow(engineKey, stored);
  if (value !== undefined) return [rowKeyOf(engineKey), value];
  throw new CorruptionError({
    path,
    expected: `a row with its checksum at key ${toHex(engineKey.subarray(1))} of database ${name}`,
    found: "another checksum, or none",
    advice: RAW_ADVICE,
  });
}

function isOlderMetadata({ older }: Found, key: Uint8Array): boolean {
  if (older === "separate-keys") return SEPARATE_PREFIX.every((byte, at) => key[at] === byte);
  return older !== undefined && key.length === OLDER_KEY.length && key[0] === OLDER_KEY[0];
}
