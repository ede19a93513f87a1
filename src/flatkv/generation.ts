/**
 * A whole new set of databases for a store, made from rows: where nobody looks, until one write of the books puts it in the place of what was there.
 *
 * Crash argument: the databases are in directories that nobody names. They say nothing of themselves before all of their rows are durable. Databases, the
 * snapshot of them and their names are durable before the books name them, together with a new timeline that begins behind everything in the journal. So a
 * crash before that write leaves the store as it was, and a crash after it the new one: records of the journal below the new base are dropped by the
 * next opening, and so are directories that the books do not name.
 */
import { Anchor } from "../anchor/index.js";
import { CorruptionError, FormatError, equalBytes } from "../base/index.js";
import type { Engine, EngineBatch, EngineDatabase } from "../engine/index.js";
import { LtHash } from "../hash/index.js";
import type { Journal } from "../log/index.js";
import { type Books, FLAT_KV_ANCHOR_KIND, type KnownState, encodeBooks } from "./books.js";
import { type DatabaseOwner, putState } from "./database.js";
import type { ExportPosition } from "./export-scanner.js";
import { IMPORT_KEY, type ImportProgress, decodeProgress, encodeProgress } from "./import-progress.js";
import { STAGED_KEY } from "./row-format.js";
import { putRow } from "./row-writer.js";
import type { StoreDirectory } from "./store-directory.js";

/** Rows are handed to the engine in batches of about so many bytes. */
const BATCH_BYTES: number = 1 << 20;

/** Where a generation is made. */
export interface GenerationPlace {
  readonly directory: StoreDirectory;
  readonly engine: Engine;
  readonly storeId: Uint8Array;
  readonly names: readonly string[];
  /** Numbers of the directories that it takes: those of the databases, then those of the snapshot's. None may be named by the books. */
  readonly firstDirectory: number;
}

/** One database that is being filled. */
interface Filling {
  readonly owner: DatabaseOwner;
  readonly engine: EngineDatabase;
  readonly hash: LtHash;
  batch: EngineBatch;
  batchBytes: number;
  rows: number;
  /** The write of the batch before. */
  writing: Promise<void>;
}

/** See the head of this file. */
export class Generation {
  readonly #place: GenerationPlace;
  readonly #databases: readonly Filling[];

  private constructor(place: GenerationPlace, databases: readonly Filling[]) {
    this.#place = place;
    this.#databases = databases;
  }

  /** Makes empty databases. What is in their directories is removed. */
  static async make(place: GenerationPlace): Promise<Generation> {
    const { directory, engine, names, storeId, firstDirectory } = place;
    const databases: Filling[] = [];
    try {
      for (const [at, name] of names.entries()) {
        const path = directory.database(firstDirectory + at);
        await engine.remove(path);
        databases.push(fillingOf({ storeId, name }, await engine.create(path), 0, new LtHash()));
      }
    } catch (error) {
      for (const { engine: created } of databases) await created.close();
      throw error;
    }
    // From here on the names are what they are, so that a later resume does not meet older directories under the same names.
    await directory.vfs.syncDirectory(directory.path);
    return new Generation(place, databases);
  }

  /**
   * Goes on with one that a crash left: opens its databases and takes over what each says of its progress. `undefined` where that is not one
   * of this export, or none at all.
   *
   * A database is noted at its end before any later one is. So the newest note speaks of all before it, unless theirs are gone: then a crash came while the
   * notes were being removed, and all begins anew.
   */
  static async resume(
    place: GenerationPlace,
    exportId: Uint8Array,
  ): Promise<{ readonly generation: Generation; readonly position: ExportPosition } | undefined> {
    const { directory, engine, names, storeId, firstDirectory } = place;
    const databases: Filling[] = [];
    let position: ExportPosition | undefined;
    try {
      let isOpen = true;
      for (const [at, name] of names.entries()) {
        const path = directory.database(firstDirectory + at);
        const left = isOpen ? await openLeft(engine, path) : undefined;
        if (left !== undefined && equalBytes(left.progress.position.exportId, exportId)) {
          databases.push(fillingOf({ storeId, name }, left.engine, left.progress.rows, left.progress.hash));
          position = left.progress.position;
          continue;
        }
        await left?.engine.close();
        if (position === undefined) return undefined;
        // Behind the newest note nothing counts, whatever is there.
        isOpen = false;
        await engine.remove(path);
        databases.push(fillingOf({ storeId, name }, await engine.create(path), 0, new LtHash()));
      }
      await directory.vfs.syncDirectory(directory.path);
    } catch (error) {
      for (const { engine: opened } of databases) await opened.close();
      throw error;
    }
    return position === undefined ? undefined : { generation: new Generation(place, databases), position };
  }

  /** Rows so far in a database. */
  rowCount(index: number): number {
    return this.#databases[index]!.rows;
  }

  /** The hash of the rows so far in a database. Not to be changed. */
  hashOf(index: number): LtHash {
    return this.#databases[index]!.hash;
  }

  /** Adds a row, whose key must be new to its database. Returns a promise where the caller has to wait, so that memory is bounded. */
  put(index: number, key: Uint8Array, value: Uint8Array): Promise<void> | undefined {
    const filling = this.#databases[index]!;
    putRow(filling.batch, key, value);
    filling.hash.add(key, value);
    filling.rows += 1;
    filling.batchBytes += key.length + value.length;
    return filling.batchBytes < BATCH_BYTES ? undefined : this.#write(filling);
  }

  /** Makes the rows of a database durable, with a note of how far they go in the stream that they come from. */
  async note(index: number, position: ExportPosition): Promise<void> {
    const filling = this.#databases[index]!;
    await this.#write(filling);
    await filling.writing;
    const { engine, batch, rows, hash } = filling;
    await engine.sync();
    batch.put(IMPORT_KEY, encodeProgress({ position, rows, hash }));
    await batch.write({ sync: true });
    filling.batch = engine.batch();
  }

  /**
   * Makes all rows durable, then metadata that say so. Resolves to the state of the databases at `version`; `lsn` is where it begins in the journal.
   */
  async finish(version: number, timeline: number, lsn: number): Promise<KnownState> {
    for (const filling of this.#databases) {
      await this.#write(filling);
      await filling.writing;
      await filling.engine.sync();
      putState(filling.batch, filling.owner, { version, timeline, hash: filling.hash });
      filling.batch.put(STAGED_KEY, Uint8Array.of(1));
      filling.batch.delete(IMPORT_KEY);
      await filling.batch.write({ sync: true });
    }
    return { version, lsn, checksums: this.#databases.map(({ hash }) => hash.checksum()) };
  }

  /**
   * Puts the generation in the place of what the store held. `books` are those that it has; `undefined` where there is no store yet. Durable when it
   * resolves; then the databases are closed, and what the books do not name any more is left for the next opening to remove.
   */
  async install(
    journal: Journal,
    version: number,
    { anchor, books }: { readonly anchor: Anchor | undefined; readonly books: Books | undefined },
    links: boolean,
  ): Promise<Books> {
    const { directory, engine, names, storeId, firstDirectory } = this.#place;
    const timeline = (books?.timeline ?? 0) + 1;
    const lsn = journal.lastLsn;
    const state = await this.finish(version, timeline, lsn);
    const copies = names.map((_, at) => firstDirectory + names.length + at);
    for (const [at, { engine: database }] of this.#databases.entries()) {
      await engine.remove(directory.database(copies[at]!));
      await database.checkpoint(directory.database(copies[at]!), { links });
    }
    await directory.vfs.syncDirectory(directory.path);

    const installed: Books = {
      storeId,
      engine: engine.name,
      names,
      directories: names.map((_, at) => firstDirectory + at),
      nextDirectory: firstDirectory + 2 * names.length,
      timeline,
      timelineLsn: lsn,
      base: state,
      synced: { version, lsn },
      snapshots: [{ ...state, timeline, directories: copies }],
    };
    if (anchor === undefined) {
      const options = { vfs: directory.vfs, kind: FLAT_KV_ANCHOR_KIND };
      await (await Anchor.create(directory.anchor, encodeBooks(installed), options)).close();
    } else {
      await anchor.write(encodeBooks(installed));
    }
    for (const { engine: database } of this.#databases) {
      const batch = database.batch();
      batch.delete(STAGED_KEY);
      await batch.write();
    }
    await this.close();
    return installed;
  }

  /** Lets go of the databases. What was not installed is nobody's, and is removed by the next opening. */
  async close(): Promise<void> {
    for (const filling of this.#databases) {
      await filling.writing.catch(() => undefined);
      await filling.engine.close();
    }
  }

  /** Hands the batch over once the one before it is written. */
  async #write(filling: Filling): Promise<void> {
    const before = filling.writing;
    const { batch } = filling;
    filling.batch = filling.engine.batch();
    filling.batchBytes = 0;
    await before;
    filling.writing = batch.size === 0 ? Promise.resolve() : batch.write();
    // Whoever waits for it next is told; until then it must not count as unheard.
    filling.writing.catch(() => undefined);
  }
}

function fillingOf(owner: DatabaseOwner, engine: EngineDatabase, rows: number, hash: LtHash): Filling {
  return { owner, engine, hash, batch: engine.batch(), batchBytes: 0, rows, writing: Promise.resolve() };
}

/** What a crash left may be anything: what can't be read, or says nothing of itself, is as good as nothing. */
async function openLeft(
  engine: Engine,
  path: string,
): Promise<{ readonly engine: EngineDatabase; readonly progress: ImportProgress } | undefined> {
  let opened: EngineDatabase | undefined;
  try {
    opened = await engine.open(path);
    const stored = await opened?.get(IMPORT_KEY);
    const progress = stored === undefined ? undefined : decodeProgress(stored);
    if (opened !== undefined && progress !== undefined) return { engine: opened, progress };
    await opened?.close();
    return undefined;
  } catch (error) {
    await opened?.close();
    if (error instanceof CorruptionError || error instanceof FormatError) return undefined;
    throw error;
  }
}
