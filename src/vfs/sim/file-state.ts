/** The frozen state of a file on the simulated disk: how it begins, and what a power cut makes of it. */
import type { SectorContent } from "./sector.js";
import { SECTOR_BYTES, SectorMap } from "./sector.js";
import { SectorVersions } from "./sector-versions.js";

/** What a failed sync leaves. */
export interface SyncFailure {
  /** `"kept"`: reads still see the new bytes, which count as clean (ext4, XFS). `"reverted"`: reads see the old bytes again (btrfs). */
  readonly pages: "kept" | "reverted";
  /** Whether part of the bytes became durable. */
  readonly reached: "none" | "part";
}

/** What one write made of one sector. */
export interface PendingSector {
  readonly id: number;
  readonly sector: number;
  readonly content: SectorContent;
  readonly from: number;
  readonly to: number;
}

/** A size and the operation that set it. */
export interface PendingSize {
  readonly id: number;
  readonly bytes: number;
}

/** Sizes that a power cut left open: the durable one, then the one after each operation in `ids`. */
export interface SizeVersions {
  readonly sizes: readonly number[];
  readonly ids: readonly number[];
}

/** A frozen file; shared by snapshots and never changed. */
export interface FileState {
  readonly kind: "file";
  readonly inode: number;
  readonly path: string;
  readonly durable: SectorMap;
  readonly volatile: SectorMap;
  readonly durableBytes: number;
  readonly volatileBytes: number;
  readonly pending: readonly PendingSector[];
  readonly pendingSizes: readonly PendingSize[];
  readonly undecided: ReadonlyMap<number, SectorVersions> | undefined;
  readonly decided: ReadonlySet<number> | undefined;
  readonly overwritten: ReadonlySet<number> | undefined;
  readonly undecidedSizes: SizeVersions | undefined;
  /** Undecided sectors end here once the size is decided. */
  readonly boundBytes: number | undefined;
  /** Sectors that a failed sync left clean in memory and old on disk. */
  readonly stray: ReadonlySet<number> | undefined;
}

/** An empty file. */
export function emptyFile(inode: number, path: string): FileState {
  return {
    kind: "file",
    inode,
    path,
    durable: new SectorMap(),
    volatile: new SectorMap(),
    durableBytes: 0,
    volatileBytes: 0,
    pending: [],
    pendingSizes: [],
    undecided: undefined,
    decided: undefined,
    overwritten: undefined,
    undecidedSizes: undefined,
    boundBytes: undefined,
    stray: undefined,
  };
}

/** What a power cut leaves of a file, undecided. `stale` gives the old contents of blocks that a lost write would have filled. */
export function crashedFile(state: FileState, stale?: (sector: number) => SectorContent): FileState {
  const merged = new Map<number, SectorVersions>();
  if (state.undecided !== undefined) {
    for (const [sector, versions] of state.undecided) {
      if (state.decided?.has(sector) === true) continue;
      const bytes = state.boundBytes === undefined ? SECTOR_BYTES : state.boundBytes - sector * SECTOR_BYTES;
      if (bytes <= 0) continue;
      merged.set(sector, bytes >= SECTOR_BYTES ? versions : versions.copy(bytes));
    }
  }
  const fresh = new Set<number>();
  for (const entry of state.pending) {
    let versions = merged.get(entry.sector);
    if (versions === undefined || !fresh.has(entry.sector)) {
      versions =
        versions === undefined ? new SectorVersions(state.durable.get(entry.sector)) : versions.copy(SECTOR_BYTES);
      merged.set(entry.sector, versions);
      fresh.add(entry.sector);
      if (
        stale !== undefined &&
        entry.sector * SECTOR_BYTES >= state.durableBytes &&
        versions.contents[0] === undefined
      ) {
        versions.stale = stale(entry.sector);
      }
    }
    versions.add(entry.id, entry.content, entry.from, entry.to);
  }
  let undecidedSizes = state.undecidedSizes;
  if (undecidedSizes === undefined && state.pendingSizes.length > 0) {
    undecidedSizes = {
      sizes: [state.durableBytes, ...state.pendingSizes.map((entry) => entry.bytes)],
      ids: state.pendingSizes.map((entry) => entry.id),
    };
  }
  return {
    kind: "file",
    inode: state.inode,
    path: state.path,
    durable: state.durable,
    volatile: state.durable,
    durableBytes: state.durableBytes,
    volatileBytes: state.durableBytes,
    pending: [],
    pendingSizes: [],
    undecided: merged.size === 0 ? undefined : merged,
    decided: undefined,
    overwritten: undefined,
    undecidedSizes,
    boundBytes: undefined,
    stray: undefined,
  };
}
