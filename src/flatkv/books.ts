/**
 * What the anchor of a store holds: which databases are the live ones, which part of the journal counts, and the snapshots. Pure.
 *
 * Making, opening after damage, snapshots, rollback, import and repair each become true by one write of it.
 */
import { readU16, readU32, readU64, writeU16, writeU32, writeU64 } from "../base/index.js";
import { CHECKSUM_BYTES, STORE_ID_BYTES } from "./row-format.js";

/** Tag of an anchor that belongs to such a store: "FKV1" as it stands on disk. */
export const FLAT_KV_ANCHOR_KIND = 0x3156_4b46;

/** So many databases with so many snapshots, and one more while the oldest is being dropped, fit into one slot of the anchor. */
export const DATABASES_MAX = 8;
export const SNAPSHOTS_MAX = 7;

/** A version, and where in the journal it was committed. */
export interface VersionPlace {
  readonly version: number;
  /** LSN of the last record of its commit. */
  readonly lsn: number;
}

/** A state of all databases that something is known about. */
export interface KnownState extends VersionPlace {
  /** For each database, the checksum of its hash. */
  readonly checksums: readonly Uint8Array[];
}

/** Copies of all databases at one version. */
export interface SnapshotEntry extends KnownState {
  readonly timeline: number;
  /** Number of each database's directory. */
  readonly directories: readonly number[];
}

/** The anchored facts. Arrays over databases have the order of `names`. */
export interface Books {
  readonly storeId: Uint8Array;
  /** The engine's name. */
  readonly engine: string;
  readonly names: readonly string[];
  /** Numbers of the live databases' directories. */
  readonly directories: readonly number[];
  /** The number that the next directory gets. A number is never given twice. */
  readonly nextDirectory: number;
  /** One higher after each rollback and import. Each commit carries the timeline in which it was made. */
  readonly timeline: number;
  /** The last LSN that this timeline took over. Records above it that are of an older timeline are abandoned. */
  readonly timelineLsn: number;
  /** Where the store starts: records up to its LSN are none of its commits. Its rows are in a snapshot, or there are none. */
  readonly base: KnownState;
  /** Everything up to this version is durable in the live databases. */
  readonly synced: VersionPlace;
  /** Oldest first. */
  readonly snapshots: readonly SnapshotEntry[];
}

/** The first LSN that the store may still need: everything above its oldest snapshot, or above its base. */
export function firstNeededLsn({ base, snapshots }: Books): number {
  return (snapshots[0] ?? base).lsn + 1;
}

/** What the books know of the state at an LSN. */
export function knownStateAt({ base, snapshots }: Books, lsn: number): KnownState | undefined {
  return snapshots.findLast((snapshot) => snapshot.lsn === lsn) ?? (base.lsn === lsn ? base : undefined);
}

const FORMAT = 1;

/** The anchor's value. */
export function encodeBooks(books: Books): Uint8Array {
  const writer = new Writer();
  writer.u16(FORMAT);
  writer.u16(books.names.length);
  writer.bytes(books.storeId);
  writer.text(books.engine);
  for (const name of books.names) writer.text(name);
  writer.numbers(books.directories);
  writer.u64(books.nextDirectory);
  writer.u32(books.timeline);
  writer.u64(books.timelineLsn);
  writer.state(books.base);
  writer.u64(books.synced.version);
  writer.u64(books.synced.lsn);
  writer.u16(books.snapshots.length);
  for (const snapshot of books.snapshots) {
    writer.state(snapshot);
    writer.u32(snapshot.timeline);
    writer.numbers(snapshot.directories);
  }
  return writer.done();
}

/** What an anchor's value turns out to be. Its checksum was checked by the anchor. */
export type BooksParse =
  | { readonly kind: "sound"; readonly books: Books }
  | { readonly kind: "newer"; readonly format: number }
  | { readonly kind: "damaged"; readonly found: string };

/** Reads an anchor's value. */
export function parseBooks(bytes: Uint8Array): BooksParse {
  const reader = new Reader(bytes);
  const format = reader.u16();
  if (format > FORMAT) return { kind: "newer", format };
  const count = reader.u16();
  if (format !== FORMAT || count < 1 || count > DATABASES_MAX)
    return { kind: "damaged", found: `format ${format} with ${count} databases` };
  const storeId = reader.bytes(STORE_ID_BYTES);
  const engine = reader.text();
  const names = Array.from({ length: count }, () => reader.text());
  const directories = reader.numbers(count);
  const nextDirectory = reader.u64();
  const timeline = reader.u32();
  const timelineLsn = reader.u64();
  const base = reader.state(count);
  const synced = { version: reader.u64(), lsn: reader.u64() };
  const snapshotCount = reader.u16();
  if (snapshotCount > SNAPSHOTS_MAX + 1) return { kind: "damaged", found: `${snapshotCount} snapshots` };
  const snapshots = Array.from({ length: snapshotCount }, () => ({
    ...reader.state(count),
    timeline: reader.u32(),
    directories: reader.numbers(count),
  }));
  if (!reader.sound || !reader.atEnd) return { kind: "damaged", found: `a value of ${bytes.length} bytes` };
  return {
    kind: "sound",
    books: { storeId, engine, names, directories, nextDirectory, timeline, timelineLsn, base, synced, snapshots },
  };
}

class Writer {
  #bytes = new Uint8Array(1024);
  #length = 0;

  u16(value: number): void {
    writeU16(this.#room(2), 0, value);
  }

  u32(value: number): void {
    writeU32(this.#room(4), 0, value);
  }

  u64(value: number): void {
    writeU64(this.#room(8), 0, value);
  }

  bytes(value: Uint8Array): void {
    this.#room(value.length).set(value);
  }

  text(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.u16(bytes.length);
    this.bytes(bytes);
  }

  numbers(values: readonly number[]): void {
    for (const value of values) this.u64(value);
  }

  state({ version, lsn, checksums }: KnownState): void {
    this.u64(version);
    this.u64(lsn);
    for (const checksum of checksums) this.bytes(checksum);
  }

  done(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #room(count: number): Uint8Array {
    if (this.#length + count > this.#bytes.length) {
      const larger = new Uint8Array(2 * (this.#length + count));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#length += count;
    return this.#bytes.subarray(this.#length - count, this.#length);
  }
}

class Reader {
  sound = true;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  bytes(count: number): Uint8Array {
    if (count > this.#bytes.length - this.#at) {
      this.sound = false;
      return new Uint8Array(count);
    }
    this.#at += count;
    return this.#bytes.slice(this.#at - count, this.#at);
  }

  u16(): number {
    return readU16(this.bytes(2), 0);
  }

  u32(): number {
    return readU32(this.bytes(4), 0);
  }

  u64(): number {
    const value = readU64(this.bytes(8), 0);
    if (value < 0) this.sound = false;
    return value;
  }

  text(): string {
    return new TextDecoder().decode(this.bytes(this.u16()));
  }

  numbers(count: number): number[] {
    return Array.from({ length: count }, () => this.u64());
  }

  state(count: number): KnownState {
    return {
      version: this.u64(),
      lsn: this.u64(),
      checksums: Array.from({ length: count }, () => this.bytes(CHECKSUM_BYTES)),
    };
  }
}
