/** Frozen disks: what a crash is computed from. Making one costs a few references; nothing is copied until something changes. */
import type { SectorContent } from "./sector.js";
import { mixHash, SECTOR_BYTES, SectorBuffer } from "./sector.js";
import type { Garbage } from "./sector-versions.js";
import type { DirectoryState } from "./sim-directory.js";
import { crashedDirectory } from "./sim-directory.js";
import type { FileState } from "./file-state.js";
import { crashedFile } from "./file-state.js";
import type { WriteUndo } from "./sim-file.js";

export type InodeState = FileState | DirectoryState;

/** Which orders the disk keeps. See {@link DiskModel}. */
export type DiskProfile = "posix" | "ordered" | "prefix";

/** What the simulated disk may do. */
export interface DiskModel {
  /**
   * `"posix"` (default): nothing is ordered but by a sync. `"ordered"`: names and sizes survive as one prefix of what happened, and
   * a kept size has its data, as on a journaled file system. `"prefix"`: everything survives as one prefix.
   */
  readonly profile: DiskProfile;
  /** Blocks that lost their write hold bytes of removed files instead of zeros. Default false. */
  readonly stale: boolean;
  /** Garbage in torn sectors: `"written"` (default) only where the write was, `"sector"` over the whole of it, `"none"`. */
  readonly garbage: Garbage;
}

/** Where inodes come from. */
export interface InodeSource {
  state(inode: number): InodeState | undefined;
}

/** Counters and relations of a disk that go with its inodes. */
export interface DiskFacts {
  readonly inodesMade: number;
  readonly operationsMade: number;
  /** Renames of which the removal of the old name was decided to have survived, and of which the new name was decided to be lost. */
  readonly keptOuts: ReadonlySet<number>;
  readonly lostIns: ReadonlySet<number>;
  /** Every name and size of operations up to this one is durable; used by the profiles with an order. */
  readonly syncedThrough: number;
  readonly writesInFlight: readonly WriteUndo[];
  readonly removed: readonly number[];
  readonly shared: SharedParts;
  readonly model: DiskModel;
}

/** A disk with its page cache at one moment. */
export class DiskSnapshot implements InodeSource {
  readonly facts: DiskFacts;
  readonly #own: ReadonlyMap<number, InodeState>;
  readonly #rest: InodeSource | undefined;
  #cut: CrashImage | undefined;

  constructor(facts: DiskFacts, own: ReadonlyMap<number, InodeState>, rest: InodeSource | undefined) {
    this.facts = facts;
    this.#own = own;
    this.#rest = rest;
  }

  state(inode: number): InodeState | undefined {
    return this.#own.get(inode) ?? this.#rest?.state(inode);
  }

  /** The disk after a power cut at this moment, undecided. */
  powerCut(): CrashImage {
    this.#cut ??= new CrashImage(this);
    return this.#cut;
  }
}

/** What a power cut left, with everything open that the model leaves open. Shared by all states of one crash point. */
export class CrashImage implements InodeSource {
  readonly facts: DiskFacts;
  readonly #snapshot: DiskSnapshot;
  readonly #crashed = new Map<number, InodeState | undefined>();
  #fingerprint: string | undefined;

  constructor(snapshot: DiskSnapshot) {
    this.#snapshot = snapshot;
    this.facts = { ...snapshot.facts, writesInFlight: [] };
  }

  state(inode: number): InodeState | undefined {
    const known = this.#crashed.get(inode);
    if (known !== undefined || this.#crashed.has(inode)) return known;
    const before = this.#snapshot.state(inode);
    const after =
      before === undefined
        ? undefined
        : before.kind === "file"
          ? crashedFile(before, this.#stale())
          : crashedDirectory(before);
    this.#crashed.set(inode, after);
    return after;
  }

  /**
   * A hash of the files as decided, each by its path; what is undecided counts as lost. Equal disks have equal hashes, however they came
   * to be.
   */
  stateHash(decided: Decisions): { readonly low: number; readonly high: number } {
    let low = 0;
    let high = 0;
    const visit = (inode: number, label: number): void => {
      const state = this.state(inode);
      if (state === undefined) return;
      if (state.kind === "file") {
        const bytes = decided.sizes.get(inode) ?? state.undecidedSizes?.sizes[0] ?? state.durableBytes;
        const change = decided.sectors.get(inode);
        low = (low + mixHash(label, (state.durable.low + (change?.low ?? 0)) | 0) + mixHash(label, bytes)) | 0;
        high = (high + mixHash(~label, (state.durable.high + (change?.high ?? 0)) | 0) + mixHash(~label, bytes)) | 0;
        return;
      }
      low = (low + label) | 0;
      const names = decided.names.get(inode);
      for (const [name, target] of state.durable) {
        const now = names?.get(name) ?? target;
        if (now !== 0) visit(now, hashName(label, name, 1));
      }
      if (names !== undefined)
        for (const [name, target] of names)
          if (target !== 0 && !state.durable.has(name)) visit(target, hashName(label, name, 1));
    };
    visit(ROOT_INODE, 1);
    return { low, high };
  }

  /** A hash of everything this image may become: two images with the same one allow the same states. */
  fingerprint(): string {
    if (this.#fingerprint !== undefined) return this.#fingerprint;
    let low = 0;
    let high = 0;
    const add = (label: number, position: number, at: number, contentLow: number, contentHigh: number): void => {
      low = (low + mixHash(position, mixHash(label + at * 0x10001, contentLow))) | 0;
      high = (high + mixHash(~position, mixHash(label - at * 0x20003, contentHigh))) | 0;
    };
    const visit = (inode: number, label: number): void => {
      const state = this.state(inode);
      if (state === undefined) return;
      if (state.kind === "file") {
        add(label, -2, 0, state.durable.low, state.durable.high);
        add(label, -3, 0, state.durableBytes, state.durableBytes);
        for (const [sector, versions] of state.undecided ?? []) {
          versions.contents.forEach((content, at) =>
            add(label, sector, at + 1, content?.low ?? 7, content?.high ?? 11),
          );
          add(label, sector, 0, versions.stale?.low ?? 13, versions.stale?.high ?? 17);
        }
        state.undecidedSizes?.sizes.forEach((bytes, at) => add(label, -1, at + 1, bytes, bytes));
        return;
      }
      add(label, -4, 0, 1, 1);
      for (const [name, target] of state.durable)
        if (state.undecided?.has(name) !== true) visit(target, hashName(label, name, 1));
      for (const [name, versions] of state.undecided ?? []) {
        versions.targets.forEach((target, at) => {
          const version = hashName(label, name, at + 2);
          const role = (versions.roles[at] ?? "").length;
          add(version, -5, role, target === 0 ? 0 : 1, role);
          if (target !== 0) visit(target, version);
        });
      }
    };
    visit(ROOT_INODE, 1);
    this.#fingerprint = `${low} ${high} ${this.facts.keptOuts.size} ${this.facts.lostIns.size}`;
    return this.#fingerprint;
  }

  #stale(): ((sector: number) => SectorContent) | undefined {
    if (!this.facts.model.stale || this.facts.removed.length === 0) return undefined;
    return (sector) => {
      for (let at = this.facts.removed.length - 1; at >= 0; at--) {
        const state = this.#snapshot.state(this.facts.removed[at] as number);
        const content = state?.kind === "file" ? state.volatile.get(sector) : undefined;
        if (content !== undefined) return content;
      }
      return undefined;
    };
  }
}

/** What looks at a crashed disk have decided so far. */
export interface Decisions {
  /** By inode: the change of the hash of the durable contents. */
  readonly sectors: Map<number, { low: number; high: number }>;
  readonly sizes: Map<number, number>;
  /** By directory and name: the inode, 0 for none. */
  readonly names: Map<number, Map<string, number>>;
}

/** The inode of `/`. */
export const ROOT_INODE = 1;

/** A hash of one directory entry. */
function hashName(directory: number, name: string, version: number): number {
  let hash = mixHash(directory, version);
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return mixHash(version, hash);
}

/** What disks that come from each other share, to save work. */
export class SharedParts {
  readonly #paths = new Map<string, KnownPath>();
  #slab = new SectorBuffer(SLAB_SECTORS);
  #used = 0;

  /** The parts of a path. */
  split(path: string): readonly string[] {
    return this.#path(path).parts;
  }

  /** An absolute path without `.`, `..`, and doubled or trailing slashes. */
  normalize(path: string): string {
    return this.#path(path).normal;
  }

  /** Room for `sectors` sectors of zeros. */
  allocate(sectors: number): { readonly buffer: SectorBuffer; readonly start: number } {
    if (sectors > SLAB_SECTORS / 4) return { buffer: new SectorBuffer(sectors), start: 0 };
    if (this.#used + sectors > SLAB_SECTORS) {
      this.#slab = new SectorBuffer(SLAB_SECTORS);
      this.#used = 0;
    }
    const start = this.#used * SECTOR_BYTES;
    this.#used += sectors;
    return { buffer: this.#slab, start };
  }

  #path(path: string): KnownPath {
    let known = this.#paths.get(path);
    if (known === undefined) {
      if (this.#paths.size >= PATHS_MAX) this.#paths.clear();
      const parts = splitPath(path);
      known = { parts, normal: `/${parts.join("/")}` };
      this.#paths.set(path, known);
    }
    return known;
  }
}

interface KnownPath {
  readonly parts: readonly string[];
  readonly normal: string;
}

const SLAB_SECTORS = 64;
const PATHS_MAX = 4096;

/** The parts of an absolute path, without `.`, `..`, and empty ones. */
function splitPath(path: string): string[] {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return parts;
}
