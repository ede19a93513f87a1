/**
 * One file of the simulated disk.
 *
 * Invariants. `volatile` is what the process reads (the page cache); `durable` is what is certain to survive. `pending` lists, in order,
 * the sector contents that lie between the two: a power cut leaves, for each sector by itself, the content after some prefix of its
 * pending entries, and any of the sizes. On a disk made by a power cut, `undecided` holds the sectors whose content nobody looked at
 * yet; a look decides, in `durable` and `volatile` alike, and a decision is never taken back.
 */
import type { FileState, PendingSector, PendingSize, SizeVersions, SyncFailure } from "./file-state.js";
import type { SectorBuffer, SectorContent } from "./sector.js";
import type { SectorMap } from "./sector.js";
import { clipSector, equalSectors, mixHash, normalizeSector, Sector, SECTOR_BYTES } from "./sector.js";
import type { SectorVersions } from "./sector-versions.js";

/** Decides what a crash left open. Implemented by the disk, which asks its chooser. */
export interface FileDecisions {
  decideSector(file: SimFile, sector: number, versions: SectorVersions): SectorContent;
  decideSize(file: SimFile, versions: SizeVersions): number;
  /** Adds to the hash of everything decided so far. */
  noteDecision(inode: number, low: number, high: number): void;
  /** Room for new sectors. */
  allocate(sectors: number): { readonly buffer: SectorBuffer; readonly start: number };
}

/** What a write in flight changed, so that a kill can take the rest of it back. */
export interface WriteUndo {
  readonly id: number;
  readonly inode: number;
  readonly offset: number;
  readonly firstSector: number;
  readonly before: readonly SectorContent[];
  readonly after: readonly SectorContent[];
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** A file that can be read and written. */
export class SimFile {
  readonly kind = "file";
  readonly inode: number;
  readonly path: string;
  readonly #decisions: FileDecisions;
  #durable: SectorMap;
  #volatile: SectorMap;
  #durableBytes: number;
  #volatileBytes: number;
  #pending: PendingSector[];
  #pendingSizes: PendingSize[];
  #undecided: ReadonlyMap<number, SectorVersions> | undefined;
  #decided: Set<number> | undefined;
  #overwritten: Set<number> | undefined;
  #undecidedSizes: SizeVersions | undefined;
  #boundBytes: number | undefined;
  #stray: Set<number> | undefined;
  /** The frozen copy of the present state; it shares the arrays, which are therefore copied before a change. */
  #frozen: FileState | undefined;
  #ownsDurable: boolean;
  #ownsVolatile: boolean;

  constructor(state: FileState, decisions: FileDecisions) {
    this.#decisions = decisions;
    this.inode = state.inode;
    this.path = state.path;
    this.#durable = state.durable;
    this.#volatile = state.volatile;
    this.#ownsDurable = false;
    this.#ownsVolatile = false;
    this.#durableBytes = state.durableBytes;
    this.#volatileBytes = state.volatileBytes;
    this.#pending = state.pending as PendingSector[];
    this.#pendingSizes = state.pendingSizes as PendingSize[];
    this.#undecided = state.undecided;
    this.#decided = state.decided as Set<number> | undefined;
    this.#overwritten = state.overwritten as Set<number> | undefined;
    this.#undecidedSizes = state.undecidedSizes;
    this.#boundBytes = state.boundBytes;
    this.#stray = state.stray as Set<number> | undefined;
    this.#frozen = state;
  }

  get bytes(): number {
    if (this.#undecidedSizes !== undefined) this.#decideSize(this.#undecidedSizes);
    return this.#volatileBytes;
  }

  /** Whether a sync would have something to do. */
  get dirty(): boolean {
    return this.#pending.length > 0 || this.#pendingSizes.length > 0;
  }

  /** What the process sees, for a dead file whose blocks may come back in the stale profile. */
  get remains(): SectorMap {
    return this.#volatile;
  }

  read(target: Uint8Array, offset: number): number {
    const end = Math.min(this.bytes, offset + target.byteLength);
    if (end <= offset) return 0;
    const first = (offset / SECTOR_BYTES) | 0;
    const last = ((end - 1) / SECTOR_BYTES) | 0;
    let runBuffer: SectorBuffer | undefined;
    let runFrom = 0;
    let runTo = 0;
    let at = 0;
    const flush = (): void => {
      if (runTo === runFrom) return;
      const bytes = runTo - runFrom;
      if (runBuffer === undefined) target.fill(0, at, at + bytes);
      else target.set(runBuffer.bytes.subarray(runFrom, runTo), at);
      at += bytes;
    };
    for (let index = first; index <= last; index++) {
      const content = this.#look(index);
      const from = index === first ? offset % SECTOR_BYTES : 0;
      const to = index === last ? ((end - 1) % SECTOR_BYTES) + 1 : SECTOR_BYTES;
      const buffer = content?.buffer;
      const start = content === undefined ? (buffer === runBuffer ? runTo : 0) : content.start + from;
      if (buffer !== runBuffer || start !== runTo) {
        flush();
        runBuffer = buffer;
        runFrom = start;
      }
      runTo = start + (to - from);
    }
    flush();
    return end - offset;
  }

  /** Writes to the page cache. Returns what a kill needs to take back the sectors that were not reached. */
  write(id: number, source: Uint8Array, offset: number): WriteUndo {
    const bytesBefore = this.bytes;
    const end = offset + source.byteLength;
    this.#touch();
    const first = Math.floor(offset / SECTOR_BYTES);
    const last = Math.floor((end - 1) / SECTOR_BYTES);
    const { buffer, start } = this.#decisions.allocate(last - first + 1);
    const headBytes = offset % SECTOR_BYTES;
    const tailBytes = end % SECTOR_BYTES;
    const preserve = (index: number): void => {
      const content = this.#look(index);
      if (content === undefined) return;
      buffer.bytes.set(
        content.buffer.bytes.subarray(content.start, content.start + SECTOR_BYTES),
        start + (index - first) * SECTOR_BYTES,
      );
    };
    if (headBytes !== 0) preserve(first);
    if (tailBytes !== 0 && (last !== first || headBytes === 0)) preserve(last);
    buffer.bytes.set(source, start + offset - first * SECTOR_BYTES);
    const before: SectorContent[] = [];
    const after: SectorContent[] = [];
    for (let index = first; index <= last; index++) {
      const content = normalizeSector(new Sector(buffer, start + (index - first) * SECTOR_BYTES));
      before.push(this.#volatile.get(index));
      const from = index === first ? headBytes : 0;
      const to = index === last && tailBytes !== 0 ? tailBytes : SECTOR_BYTES;
      after.push(this.#put(id, index, content, from, to));
    }
    if (end > bytesBefore) this.#setBytes(id, end);
    return {
      id,
      inode: this.inode,
      offset,
      firstSector: first,
      before,
      after,
      bytesBefore,
      bytesAfter: Math.max(end, bytesBefore),
    };
  }

  truncate(id: number, bytes: number): void {
    const bytesBefore = this.bytes;
    if (bytes === bytesBefore) return;
    this.#touch();
    if (bytes < bytesBefore) {
      const partial = bytes % SECTOR_BYTES;
      if (partial !== 0) {
        const index = Math.floor(bytes / SECTOR_BYTES);
        this.#put(id, index, clipSector(this.#look(index), partial), partial, SECTOR_BYTES);
      }
      const doomed = new Set<number>();
      const first = Math.ceil(bytes / SECTOR_BYTES);
      this.#volatile.forEach((index) => doomed.add(index), first);
      for (const index of this.#undecided?.keys() ?? [])
        if (index >= first && this.#isUndecided(index)) doomed.add(index);
      for (const index of [...doomed].sort((a, b) => a - b)) this.#put(id, index, undefined, 0, SECTOR_BYTES);
    }
    this.#setBytes(id, bytes);
  }

  /** Makes durable what operations for which `covers` holds have done. */
  sync(covers: (id: number) => boolean): void {
    if (!this.dirty) return;
    this.#touch();
    let lastCovered = -1;
    const newest = new Map<number, number>();
    for (let at = 0; at < this.#pending.length; at++) {
      const entry = this.#pending[at] as PendingSector;
      if (!covers(entry.id)) continue;
      newest.set(entry.sector, at);
      lastCovered = at;
    }
    if (lastCovered >= 0) {
      for (const [sector, at] of newest) {
        this.#durableForWrite().set(sector, (this.#pending[at] as PendingSector).content);
        this.#settle(sector);
      }
      // An older entry for a covered sector is part of the newer content: the page cache is cumulative.
      this.#pending = this.#pending.filter((entry, at) => at > (newest.get(entry.sector) ?? -1));
    }
    let sizes = 0;
    for (let at = 0; at < this.#pendingSizes.length; at++)
      if (covers((this.#pendingSizes[at] as PendingSize).id)) sizes = at + 1;
    if (sizes > 0) {
      this.#durableBytes = (this.#pendingSizes[sizes - 1] as PendingSize).bytes;
      this.#pendingSizes = this.#pendingSizes.slice(sizes);
    }
  }

  /** Makes one write durable, with a size that is enough to read it back. */
  syncWrite(id: number, end: number): void {
    this.sync((other) => other === id);
    while (this.#durableBytes < end) {
      const next = this.#pendingSizes[0];
      if (next === undefined || next.id > id) break;
      this.#touch();
      this.#durableBytes = next.bytes;
      this.#pendingSizes = this.#pendingSizes.slice(1);
    }
  }

  /** A sync of the covered operations that fails. `reaches` says which sectors became durable all the same. */
  failSync(covers: (id: number) => boolean, failure: SyncFailure, reaches: () => boolean): void {
    this.#touch();
    const rest: PendingSector[] = [];
    const failed = new Set<number>();
    for (const entry of this.#pending) {
      if (!covers(entry.id)) rest.push(entry);
      else if (failure.reached === "part" && reaches()) {
        this.#durableForWrite().set(entry.sector, entry.content);
        this.#settle(entry.sector);
        failed.delete(entry.sector);
      } else failed.add(entry.sector);
    }
    this.#pending = rest;
    for (const sector of failed) {
      if (failure.pages === "kept") {
        this.#stray = new Set(this.#stray).add(sector);
      } else {
        if (this.#isUndecided(sector)) {
          // Reading the old bytes again is a look at them.
          this.#overwritten?.delete(sector);
          this.#look(sector);
        } else this.#volatileForWrite().set(sector, this.#durable.get(sector));
      }
    }
  }

  /** Takes back the part of a write that a killed process did not get done: all but its first `sectors` sectors. */
  undo(write: WriteUndo, sectors: number): void {
    if (sectors >= write.after.length) return;
    this.#touch();
    const first = write.firstSector + sectors;
    for (let at = sectors; at < write.after.length; at++) {
      const index = write.firstSector + at;
      if (this.#volatile.get(index) === write.after[at]) this.#volatileForWrite().set(index, write.before[at]);
      if (
        this.#undecided?.has(index) === true &&
        this.#decided?.has(index) !== true &&
        !this.#pending.some((entry) => entry.sector === index && entry.id !== write.id)
      ) {
        this.#overwritten?.delete(index);
      }
    }
    this.#pending = this.#pending.filter((entry) => entry.id !== write.id || entry.sector < first);
    if (write.bytesAfter > write.bytesBefore && this.#volatileBytes === write.bytesAfter) {
      const bytes = sectors === 0 ? write.bytesBefore : Math.max(write.bytesBefore, first * SECTOR_BYTES);
      this.#volatileBytes = bytes;
      this.#pendingSizes = this.#pendingSizes.filter((entry) => entry.id !== write.id);
      if (bytes !== write.bytesBefore) this.#pendingSizes.push({ id: write.id, bytes });
    }
  }

  freeze(): FileState {
    if (this.#frozen !== undefined) return this.#frozen;
    this.#ownsDurable = false;
    this.#ownsVolatile = false;
    this.#frozen = {
      kind: "file",
      inode: this.inode,
      path: this.path,
      durable: this.#durable,
      volatile: this.#volatile,
      durableBytes: this.#durableBytes,
      volatileBytes: this.#volatileBytes,
      pending: this.#pending,
      pendingSizes: this.#pendingSizes,
      undecided: this.#undecided,
      decided: this.#decided,
      overwritten: this.#overwritten,
      undecidedSizes: this.#undecidedSizes,
      boundBytes: this.#boundBytes,
      stray: this.#stray,
    };
    return this.#frozen;
  }

  #touch(): void {
    if (this.#frozen === undefined) return;
    this.#frozen = undefined;
    this.#pending = this.#pending.slice();
    this.#pendingSizes = this.#pendingSizes.slice();
    if (this.#decided !== undefined) this.#decided = new Set(this.#decided);
    if (this.#overwritten !== undefined) this.#overwritten = new Set(this.#overwritten);
    if (this.#stray !== undefined) this.#stray = new Set(this.#stray);
  }

  #durableForWrite(): SectorMap {
    if (!this.#ownsDurable) {
      this.#durable = this.#durable.fork();
      this.#ownsDurable = true;
    }
    return this.#durable;
  }

  #volatileForWrite(): SectorMap {
    if (!this.#ownsVolatile) {
      this.#volatile = this.#volatile.fork();
      this.#ownsVolatile = true;
    }
    return this.#volatile;
  }

  #isUndecided(sector: number): boolean {
    return this.#undecided !== undefined && this.#undecided.has(sector) && this.#decided?.has(sector) !== true;
  }

  #look(sector: number): SectorContent {
    if (this.#undecided === undefined || !this.#isUndecided(sector) || this.#overwritten?.has(sector) === true)
      return this.#volatile.get(sector);
    const versions = this.#undecided.get(sector) as SectorVersions;
    const bound = this.#boundBytes ?? Number.MAX_SAFE_INTEGER;
    const start = sector * SECTOR_BYTES;
    // Beyond the decided size there is nothing to decide.
    const content =
      start >= bound ? undefined : clipSector(this.#decisions.decideSector(this, sector, versions), bound - start);
    const base = versions.contents[0];
    this.#decisions.noteDecision(
      this.inode,
      ((content === undefined ? 0 : mixHash(sector, content.low)) -
        (base === undefined ? 0 : mixHash(sector, base.low))) |
        0,
      ((content === undefined ? 0 : mixHash(sector, content.high)) -
        (base === undefined ? 0 : mixHash(sector, base.high))) |
        0,
    );
    this.#touch();
    if (!equalSectors(this.#durable.get(sector), content)) this.#durableForWrite().set(sector, content);
    if (!equalSectors(this.#volatile.get(sector), content)) this.#volatileForWrite().set(sector, content);
    this.#settle(sector);
    return content;
  }

  #settle(sector: number): void {
    if (this.#undecided === undefined || !this.#undecided.has(sector)) return;
    (this.#decided ??= new Set()).add(sector);
    this.#overwritten?.delete(sector);
  }

  #decideSize(versions: SizeVersions): void {
    const bytes = this.#decisions.decideSize(this, versions);
    this.#touch();
    this.#undecidedSizes = undefined;
    this.#boundBytes = bytes;
    this.#durableBytes = bytes;
    this.#volatileBytes = bytes;
    if (versions.sizes.some((size) => size > bytes)) {
      this.#durableForWrite().cut(bytes);
      this.#volatileForWrite().cut(bytes);
    }
  }

  /** Stores a sector in the page cache and, unless that changes nothing on disk, in the pending list. */
  #put(id: number, sector: number, content: SectorContent, from: number, to: number): SectorContent {
    const unknown = this.#isUndecided(sector) && this.#overwritten?.has(sector) !== true;
    const stray = this.#stray?.has(sector) === true;
    const current = this.#volatile.get(sector);
    if (!unknown && !stray && equalSectors(current, content)) return current;
    if (unknown) (this.#overwritten ??= new Set()).add(sector);
    if (stray) this.#stray?.delete(sector);
    this.#volatileForWrite().set(sector, content);
    this.#pending.push({ id, sector, content, from, to });
    return content;
  }

  #setBytes(id: number, bytes: number): void {
    this.#volatileBytes = bytes;
    this.#pendingSizes.push({ id, bytes });
  }
}
