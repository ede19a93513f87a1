/** Frozen disks: what a crash is computed from. Making one costs a few references; nothing is copied until something changes. */
import type { SectorContent } from "./sector.js";
import { mixHash } from "./sector.js";
import type { Garbage } from "./sector-versions.js";
import type { DirectoryState } from "./sim-directory.js";
import { crashedDirectory } from "./sim-directory.js";
import type { FileState, WriteUndo } from "./sim-file.js";
import { crashedFile } from "./sim-file.js";

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
  #low: number | undefined;
  #high = 0;

  constructor(snapshot: DiskSnapshot) {
    this.#snapshot = snapshot;
    this.facts = { ...snapshot.facts, writesInFlight: [] };
  }

  state(inode: number): InodeState | undefined {
    const known = this.#crashed.get(inode);
    if (known !== undefined || this.#crashed.has(inode)) return known;
    const before = this.#snapshot.state(inode);
    const after = before === undefined ? undefined : before.kind === "file" ? crashedFile(before, this.#stale()) : crashedDirectory(before);
    this.#crashed.set(inode, after);
    return after;
  }

  /** A hash of the state in which nothing undecided survived. */
  get low(): number {
    if (this.#low === undefined) this.#hash();
    return this.#low as number;
  }

  get high(): number {
    if (this.#low === undefined) this.#hash();
    return this.#high;
  }

  /** A hash of everything this image may become: two images with the same one allow the same states. */
  fingerprint(): string {
    let low = this.low;
    let high = this.high;
    const add = (inode: number, position: number, at: number, contentLow: number, contentHigh: number): void => {
      low = (low + mixHash(position, mixHash(inode + at * 0x10001, contentLow))) | 0;
      high = (high + mixHash(~position, mixHash(inode - at * 0x20003, contentHigh))) | 0;
    };
    for (let inode = 1; inode <= this.facts.inodesMade; inode++) {
      const state = this.state(inode);
      if (state === undefined) continue;
      if (state.kind === "file") {
        for (const [sector, versions] of state.undecided ?? []) {
          versions.contents.forEach((content, at) => add(inode, sector, at + 1, content?.low ?? 7, content?.high ?? 11));
          add(inode, sector, 0, versions.stale?.low ?? 13, versions.stale?.high ?? 17);
        }
        state.undecidedSizes?.sizes.forEach((bytes, at) => add(inode, -1, at + 1, bytes, bytes));
      } else {
        for (const [name, versions] of state.undecided ?? []) versions.targets.forEach((target, at) => add(inode, hashName(inode, name, target + 1), at + 1, target, target));
      }
    }
    return `${low} ${high} ${this.facts.keptOuts.size} ${this.facts.lostIns.size}`;
  }

  #hash(): void {
    let low = 0;
    let high = 0;
    for (let inode = 1; inode <= this.facts.inodesMade; inode++) {
      const state = this.state(inode);
      if (state === undefined) continue;
      if (state.kind === "file") {
        const bytes = state.undecidedSizes?.sizes[0] ?? state.durableBytes;
        low = (low + Math.imul(state.durable.low, inodeFactor(inode)) + mixHash(inode, bytes)) | 0;
        high = (high + Math.imul(state.durable.high, inodeFactor(inode)) + mixHash(~inode, bytes)) | 0;
      } else {
        for (const [name, target] of state.durable) {
          low = (low + hashName(inode, name, target)) | 0;
          high = (high + hashName(~inode, name, target)) | 0;
        }
      }
    }
    this.#low = low;
    this.#high = high;
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

/** What the hash of a file's contents is multiplied with. Odd, so that nothing is lost; linear, so that decisions can be added. */
export function inodeFactor(inode: number): number {
  return Math.imul(inode, 0x9e3779b2) | 1;
}

/** A hash of one directory entry. */
export function hashName(directory: number, name: string, target: number): number {
  if (target === 0) return 0;
  let hash = mixHash(directory, target);
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return mixHash(target, hash);
}
