/**
 * Brings one database from a version on to a later one, with the commits in the journal.
 *
 * Crash argument: commits are absolute, so doing them again over whatever rows are there ends in the same rows. What must not happen is that the
 * database says of itself that it holds versions whose rows it does not. Before the first row is written, `begin` takes back, durably, every
 * marker above the start. The last batch alone puts the markers and the metadata, after what was written before it is durable. So a crash on the way
 * leaves a database that opening brings on from the same start, or the finished one.
 */
import type { EngineBatch } from "../engine/index.js";
import type { LtHash } from "../hash/index.js";
import type { KnownState } from "./books.js";
import type { CommitDatabase } from "./commit-format.js";
import type { CommitLog, PlacedCommit } from "./commit-log.js";
import { type Database, putRows, putState } from "./database.js";
import { REDO_BYTES_MAX } from "./options.js";
import { encodeMarker, markerKey } from "./row-format.js";

/** See the head of this file. */
export class Redo {
  readonly database: Database;
  /** The database holds everything up to here. */
  readonly from: number;
  readonly #claims: readonly number[];
  readonly #batchBytesMax: number;
  #batch: EngineBatch | undefined;
  #batchBytes = 0;
  #isSplit = false;
  #hash: LtHash;
  #timeline = 0;
  #version: number;

  /** `claims`: the versions above `from` that the database has markers of. */
  constructor(database: Database, from: number, claims: readonly number[], batchBytesMax: number = REDO_BYTES_MAX) {
    this.database = database;
    this.from = from;
    this.#claims = claims;
    this.#batchBytesMax = batchBytesMax;
    this.#version = from;
    this.#hash = database.hash;
  }

  /** Takes back what the database says of versions above the start. */
  async begin(): Promise<void> {
    if (this.#claims.length === 0) return;
    const batch = this.database.engine.batch();
    for (const version of this.#claims) batch.delete(markerKey(version));
    await batch.write({ sync: true });
  }

  /** Takes the next commit's share. The versions follow each other. */
  async add(version: number, timeline: number, { hash, rows }: CommitDatabase): Promise<void> {
    this.#batch ??= this.database.engine.batch();
    putRows(this.#batch, rows);
    if (hash !== undefined) this.#hash = hash;
    this.#version = version;
    this.#timeline = timeline;
    for (const { key, value } of rows) this.#batchBytes += key.length + (value?.length ?? 0);
    if (this.#batchBytes < this.#batchBytesMax) return;
    this.#isSplit = true;
    await this.#batch.write();
    this.#batch = undefined;
    this.#batchBytes = 0;
  }

  /** Writes the rest. The database is then at the last version that was added, not yet durably. */
  async finish(): Promise<void> {
    if (this.#version === this.from) return;
    if (this.#isSplit) {
      // The markers speak of the rows in the batches before; they must not be there without them.
      await this.database.engine.sync();
    }
    const batch = this.#batch ?? this.database.engine.batch();
    for (let version = this.from + 1; version < this.#version; version++)
      batch.put(markerKey(version), encodeMarker(version));
    const state = { timeline: this.#timeline, version: this.#version, hash: this.#hash };
    putState(batch, this.database.owner, state);
    await batch.write();
    this.database.reached(state);
  }
}

/** A database's redo, and its place in the books. */
export interface IndexedRedo {
  readonly index: number;
  readonly redo: Redo;
}

/**
 * Reads the commits above `start` once, up to version `to`, and brings every database on. Resolves to the state that they come to, which is `start`
 * where there are none.
 */
export async function redoAll(
  commits: CommitLog,
  redos: readonly IndexedRedo[],
  start: KnownState,
  to: number,
  signal?: AbortSignal,
): Promise<KnownState> {
  for (const { redo } of redos) await redo.begin();
  let last: PlacedCommit | undefined;
  for await (const placed of commits.read(start, to, signal)) {
    const { version, timeline, databases } = placed.commit;
    for (const { index, redo } of redos) if (version > redo.from) await redo.add(version, timeline, databases[index]!);
    last = placed;
  }
  for (const { redo } of redos) await redo.finish();
  if (last === undefined) return start;
  const { version, databases } = last.commit;
  return { version, lsn: last.lsn, checksums: databases.map(({ checksum }) => checksum.slice()) };
}
