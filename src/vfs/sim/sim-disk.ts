/**
 * The simulated disk and its page cache: inodes, names, what is in flight, and what a crash leaves.
 *
 * A disk is live (processes work on it), or it comes from a snapshot after a kill (page cache kept) or a power cut (page cache
 * gone, the durable part undecided within the limits of the model). All three are the same class: a crashed disk is live for whoever recovers.
 */
import { SeededRandom } from "../../base/index.js";
import type { Chooser, Question } from "./chooser.js";
import { keepNothing } from "./chooser.js";
import type { CrashImage, Decisions, DiskFacts, DiskModel, InodeSource, InodeState } from "./disk-snapshot.js";
import { DiskSnapshot, ROOT_INODE, SharedParts } from "./disk-snapshot.js";
import { Scheduler } from "./scheduler.js";
import type { SectorBuffer, SectorContent } from "./sector.js";
import type { SectorVersions } from "./sector-versions.js";
import type { NameDecisions, NameVersions } from "./sim-directory.js";
import { emptyDirectory, SimDirectory } from "./sim-directory.js";
import type { SizeVersions, SyncFailure } from "./file-state.js";
import { emptyFile } from "./file-state.js";
import type { FileDecisions, WriteUndo } from "./sim-file.js";
import { SimFile } from "./sim-file.js";

/** Options of a new disk. */
export interface SimDiskOptions extends Partial<DiskModel> {
  /** Seeds the order in which operations end, and `randomBytes`. Default 0. */
  readonly seed?: number;
  /** An operation ends up to this many microtask turns after it began. Default 6. */
  readonly latencyTurnsMax?: number;
}

/** A change of the disk as it is told to a {@link DiskRecorder}: everything but reads. */
export interface DiskOperation {
  readonly id: number;
  readonly operation: string;
  readonly path: string;
  /** For writes. */
  readonly offset?: number;
  readonly bytes?: number;
  /** For renames. */
  readonly to?: string;
  readonly durable?: boolean;
  readonly failed?: string | undefined;
}

/** Hears of every change, at its beginning and at its end, after it has taken effect. */
export interface DiskRecorder {
  record(phase: "begin" | "end", operation: DiskOperation): void;
}

const NOTHING: ReadonlySet<number> = new Set();
const FRESH: Omit<DiskFacts, "model" | "shared"> = {
  inodesMade: 1,
  operationsMade: 0,
  keptOuts: NOTHING,
  lostIns: NOTHING,
  syncedThrough: 0,
  writesInFlight: [],
  removed: [],
};

/** A disk, its page cache, its clock, and the processes that use it. */
export class SimDisk implements FileDecisions, NameDecisions {
  readonly model: DiskModel;
  readonly random: SeededRandom;
  readonly scheduler: Scheduler;
  /** Held locks: path to process. */
  readonly locks: Map<string, { readonly owner: object; readonly pid: number }> = new Map();
  recorder: DiskRecorder | undefined;
  /** Answers what a crash left open. Asked only on disks that come from a power cut. */
  chooser: Chooser;
  /** Torn sectors decided so far. */
  torn = 0;
  pidsMade = 0;
  /** What looks have decided; with the crash image it identifies the state that recovery sees. */
  readonly decisions: Decisions = { sectors: new Map(), sizes: new Map(), names: new Map() };
  readonly #inodes = new Map<number, SimFile | SimDirectory>();
  readonly #source: InodeSource | undefined;
  #inodesMade: number;
  #operationsMade: number;
  #keptOuts: ReadonlySet<number>;
  #lostIns: ReadonlySet<number>;
  #syncedThrough: number;
  #removed: readonly number[];
  readonly #writesInFlight = new Map<number, WriteUndo>();
  readonly #shared: SharedParts;

  constructor(
    options: SimDiskOptions = {},
    from?: { readonly facts: DiskFacts; readonly source: InodeSource; readonly chooser: Chooser },
  ) {
    const facts = from?.facts ?? FRESH;
    this.#shared = from?.facts.shared ?? new SharedParts();
    this.model = from?.facts.model ?? {
      profile: options.profile ?? "posix",
      stale: options.stale ?? false,
      garbage: options.garbage ?? "written",
    };
    this.random = new SeededRandom(options.seed ?? 0);
    this.scheduler = new Scheduler(this.random, options.latencyTurnsMax ?? 6);
    this.chooser = from?.chooser ?? keepNothing;
    this.#source = from?.source;
    this.#inodesMade = facts.inodesMade;
    this.#operationsMade = facts.operationsMade;
    this.#keptOuts = facts.keptOuts;
    this.#lostIns = facts.lostIns;
    this.#syncedThrough = facts.syncedThrough;
    this.#removed = facts.removed;
    if (from === undefined) this.#inodes.set(ROOT_INODE, new SimDirectory(emptyDirectory(ROOT_INODE, "/"), this));
    else if (this.model.profile !== "posix") this.#decideInOrder();
  }

  /** The disk after a power cut, as recovery finds it. */
  static afterPowerCut(image: CrashImage, chooser: Chooser, options: SimDiskOptions = {}): SimDisk {
    return new SimDisk(options, { facts: image.facts, source: image, chooser });
  }

  /** The disk after a process died: the page cache is as it was, but for a write in flight, of which a first part was done. */
  static afterKill(snapshot: DiskSnapshot, chooser: Chooser, options: SimDiskOptions = {}): SimDisk {
    const facts = snapshot.facts;
    const inner = { ...facts, writesInFlight: [], model: { ...facts.model, profile: "posix" as const } };
    const disk = new SimDisk(options, { facts: inner, source: snapshot, chooser });
    (disk as { model: DiskModel }).model = facts.model;
    for (const write of [...facts.writesInFlight].reverse()) {
      const file = disk.inode(write.inode);
      if (file?.kind !== "file") continue;
      const sectors = write.after.length;
      const options = sectors + 1;
      const done = chooser.choose({
        kind: "write",
        path: file.path,
        inode: file.inode,
        sector: write.firstSector,
        options,
        whole: options,
        firstTorn: options,
        operations: [write.id],
        kept: Array.from({ length: options }, (_, at) => (at === 0 ? 0 : 1)),
      });
      file.undo(write, done);
    }
    return disk;
  }

  inode(inode: number): SimFile | SimDirectory | undefined {
    const known = this.#inodes.get(inode);
    if (known !== undefined || this.#source === undefined) return known;
    const state = this.#source.state(inode);
    if (state === undefined) return undefined;
    const made = state.kind === "file" ? new SimFile(state, this) : new SimDirectory(state, this);
    this.#inodes.set(inode, made);
    return made;
  }

  /** Follows a path; `undefined` where nothing is. Throws an object with `code` ENOTDIR when a file is in the way. */
  find(path: string): SimFile | SimDirectory | undefined {
    let at: SimFile | SimDirectory | undefined = this.inode(ROOT_INODE);
    for (const part of this.#shared.split(path)) {
      if (at === undefined) return undefined;
      if (at.kind === "file") throw errno("ENOTDIR");
      const next = at.lookup(part);
      at = next === 0 ? undefined : this.inode(next);
    }
    return at;
  }

  /** An absolute path without `.`, `..`, and doubled or trailing slashes. */
  normalize(path: string): string {
    return this.#shared.normalize(path);
  }

  /** The directory that holds `path`'s last part, and that part. */
  place(path: string): { readonly directory: SimDirectory; readonly name: string } {
    const parts = this.#shared.split(path);
    const name = parts.at(-1);
    if (name === undefined) throw errno("EEXIST");
    let at: SimFile | SimDirectory | undefined = this.inode(ROOT_INODE);
    for (let index = 0; index < parts.length - 1 && at !== undefined; index++) {
      if (at.kind === "file") throw errno("ENOTDIR");
      const next = at.lookup(parts[index] as string);
      at = next === 0 ? undefined : this.inode(next);
    }
    if (at === undefined) throw errno("ENOENT");
    if (at.kind === "file") throw errno("ENOTDIR");
    return { directory: at, name };
  }

  nextOperation(): number {
    return ++this.#operationsMade;
  }

  makeFile(id: number, directory: SimDirectory, name: string, path: string): SimFile {
    const inode = ++this.#inodesMade;
    const file = new SimFile(emptyFile(inode, path), this);
    this.#inodes.set(inode, file);
    directory.change({ id, name, target: inode, role: "make", partner: undefined });
    return file;
  }

  makeDirectory(id: number, directory: SimDirectory, name: string, path: string): void {
    const inode = ++this.#inodesMade;
    this.#inodes.set(inode, new SimDirectory(emptyDirectory(inode, path), this));
    directory.change({ id, name, target: inode, role: "make", partner: undefined });
  }

  rename(
    id: number,
    from: { directory: SimDirectory; name: string },
    to: { directory: SimDirectory; name: string },
  ): void {
    const target = from.directory.lookup(from.name);
    const replaced = to.directory.lookup(to.name);
    if (replaced !== 0) this.#removed = [...this.#removed, replaced];
    to.directory.change({ id, name: to.name, target, role: "rename-in", partner: undefined });
    from.directory.change({
      id,
      name: from.name,
      target: 0,
      role: "rename-out",
      partner: { directory: to.directory.inode, name: to.name },
    });
  }

  remove(id: number, directory: SimDirectory, name: string): void {
    this.#removed = [...this.#removed, directory.lookup(name)];
    directory.change({ id, name, target: 0, role: "remove", partner: undefined });
  }

  write(id: number, file: SimFile, source: Uint8Array, offset: number): void {
    this.#writesInFlight.set(id, file.write(id, source, offset));
  }

  writeEnded(id: number): void {
    this.#writesInFlight.delete(id);
  }

  /** Which operations a sync that begins now covers: those that have ended. */
  coverage(): (id: number) => boolean {
    const last = this.#operationsMade;
    const running = new Set(this.#writesInFlight.keys());
    return (id) => id <= last && !running.has(id);
  }

  syncFile(file: SimFile, covers: (id: number) => boolean): void {
    file.sync(covers);
    this.#syncInOrder(covers);
  }

  syncDirectory(directory: SimDirectory, covers: (id: number) => boolean): void {
    for (const entry of directory.sync((pending) => covers(pending.id))) {
      if (entry.partner === undefined) continue;
      const partner = this.inode(entry.partner.directory);
      const name = entry.partner.name;
      if (partner?.kind === "directory" && partner !== directory)
        partner.sync((other) => other.id === entry.id && other.name === name);
    }
    this.#syncInOrder(covers);
  }

  failSync(file: SimFile, covers: (id: number) => boolean, failure: SyncFailure): void {
    file.failSync(covers, failure, () => this.random.chance(0.5));
  }

  snapshot(): DiskSnapshot {
    const own = new Map<number, InodeState>();
    for (const [inode, node] of this.#inodes) own.set(inode, node.freeze());
    return new DiskSnapshot(
      {
        inodesMade: this.#inodesMade,
        operationsMade: this.#operationsMade,
        keptOuts: this.#keptOuts,
        lostIns: this.#lostIns,
        syncedThrough: this.#syncedThrough,
        writesInFlight: this.#writesInFlight.size === 0 ? [] : [...this.#writesInFlight.values()],
        removed: this.#removed,
        shared: this.#shared,
        model: this.model,
      },
      own,
      this.#source,
    );
  }

  /** Forgets writes in flight and everything the process waits for. */
  releaseProcess(owner: object): void {
    this.scheduler.drop(owner);
    for (const [path, lock] of this.locks) if (lock.owner === owner) this.locks.delete(path);
  }

  decideSector(file: SimFile, sector: number, versions: SectorVersions): SectorContent {
    const kept = versions.distinct();
    const whole = kept.length;
    const stale = versions.hasStale() ? 1 : 0;
    const torn = this.torn < this.chooser.tornMax ? versions.torn(this.model.garbage, sector) : [];
    const options = whole + stale + torn.length;
    if (options === 1) return versions.contents[0];
    const choice = this.chooser.choose({
      kind: "sector",
      path: file.path,
      inode: file.inode,
      sector,
      options,
      whole,
      firstTorn: whole + stale,
      operations: versions.ids,
      kept,
    });
    if (choice < whole) return versions.contents[kept[choice] as number];
    if (choice < whole + stale) return versions.stale;
    this.torn++;
    return torn[choice - whole - stale];
  }

  decideSize(file: SimFile, versions: SizeVersions): number {
    const sizes: number[] = [];
    const kept: number[] = [];
    versions.sizes.forEach((bytes, at) => {
      if (sizes.includes(bytes)) return;
      sizes.push(bytes);
      kept.push(at);
    });
    if (sizes.length === 1) return sizes[0] as number;
    const choice = this.#ask("size", file, versions.ids, kept);
    const bytes = sizes[choice] as number;
    this.decisions.sizes.set(file.inode, bytes);
    return bytes;
  }

  decideName(directory: SimDirectory, name: string, versions: NameVersions): number {
    const legal: number[] = [];
    for (let kept = 0; kept <= versions.ids.length; kept++) if (this.#nameIsLegal(versions, kept)) legal.push(kept);
    const choice =
      legal.length === 1
        ? 0
        : this.#ask("name", { path: joinPath(directory.path, name), inode: directory.inode }, versions.ids, legal);
    const kept = legal[choice] as number;
    for (let at = 0; at < versions.ids.length; at++) {
      const id = versions.ids[at] as number;
      if (at < kept && versions.roles[at] === "rename-out") this.#keptOuts = new Set(this.#keptOuts).add(id);
      if (at >= kept && versions.roles[at] === "rename-in") this.#lostIns = new Set(this.#lostIns).add(id);
    }
    const target = versions.targets[kept] as number;
    let names = this.decisions.names.get(directory.inode);
    if (names === undefined) {
      names = new Map();
      this.decisions.names.set(directory.inode, names);
    }
    names.set(name, target);
    return target;
  }

  noteDecision(inode: number, low: number, high: number): void {
    const change = this.decisions.sectors.get(inode);
    if (change === undefined) this.decisions.sectors.set(inode, { low, high });
    else {
      change.low = (change.low + low) | 0;
      change.high = (change.high + high) | 0;
    }
  }

  allocate(sectors: number): { readonly buffer: SectorBuffer; readonly start: number } {
    return this.#shared.allocate(sectors);
  }

  #ask(
    kind: Question["kind"],
    about: { path: string; inode: number },
    operations: readonly number[],
    kept: readonly number[],
  ): number {
    return this.chooser.choose({
      kind,
      path: about.path,
      inode: about.inode,
      sector: 0,
      options: kept.length,
      whole: kept.length,
      firstTorn: kept.length,
      operations,
      kept,
    });
  }

  /** A rename whose old name is gone must have its new name, unless something later took that away. */
  #nameIsLegal(versions: NameVersions, kept: number): boolean {
    for (let at = 0; at < versions.ids.length; at++) {
      const id = versions.ids[at] as number;
      if (at < kept && versions.roles[at] === "rename-out" && this.#lostIns.has(id)) return false;
      if (at >= kept && versions.roles[at] === "rename-in" && this.#keptOuts.has(id)) return false;
    }
    return true;
  }

  /** On a journaled disk a sync takes every earlier change of names and sizes with it; in program order, every earlier change. */
  #syncInOrder(covers: (id: number) => boolean): void {
    if (this.model.profile === "posix") return;
    for (let id = this.#operationsMade; id > this.#syncedThrough; id--) {
      if (!covers(id)) continue;
      this.#syncedThrough = id;
      break;
    }
  }

  /** Decides at once what an ordered disk kept, as one prefix of all operations; data stays open in the `"ordered"` profile. */
  #decideInOrder(): void {
    const asker = this.chooser;
    const ids = new Set<number>();
    const states: InodeState[] = [];
    for (let inode = 1; inode <= this.#inodesMade; inode++) {
      const state = this.#source?.state(inode);
      if (state === undefined) continue;
      states.push(state);
      if (state.kind === "file") {
        for (const id of state.undecidedSizes?.ids ?? []) ids.add(id);
        if (this.model.profile === "prefix")
          for (const versions of state.undecided?.values() ?? []) for (const id of versions.ids) ids.add(id);
      } else for (const versions of state.undecided?.values() ?? []) for (const id of versions.ids) ids.add(id);
    }
    const open = [...ids].filter((id) => id > this.#syncedThrough).sort((a, b) => a - b);
    const kept = Array.from({ length: open.length + 1 }, (_, at) => at);
    const choice = open.length === 0 ? 0 : this.#ask("prefix", { path: "/", inode: 0 }, open, kept);
    const through = choice === 0 ? this.#syncedThrough : (open[choice - 1] as number);
    const ordered: Chooser = {
      tornMax: 0,
      choose: (question) => {
        let answer = 0;
        for (let at = 0; at < question.whole; at++) {
          const last = question.operations[(question.kept[at] as number) - 1] ?? 0;
          if (last <= through) answer = at;
        }
        return answer;
      },
    };
    this.chooser = ordered;
    for (const state of states) {
      const node = this.inode(state.inode);
      if (node?.kind === "directory") node.names();
      if (node?.kind !== "file" || state.kind !== "file") continue;
      const grown = state.undecidedSizes !== undefined && node.bytes > (state.undecidedSizes.sizes[0] as number);
      for (const sector of state.undecided?.keys() ?? []) {
        const exposed = grown && sector * 512 >= (state.undecidedSizes?.sizes[0] ?? 0);
        if (this.model.profile === "prefix" || exposed) node.read(new Uint8Array(1), sector * 512);
      }
    }
    this.chooser = asker;
  }
}

/** An error as `node:fs` would throw it: without the stack of whoever called, which would cost more than most operations here. */
export function errno(code: string): Error & { readonly code: string } {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  const error = Object.assign(new Error(code), { code });
  Error.stackTraceLimit = limit;
  return error;
}

function joinPath(directory: string, name: string): string {
  return directory === "/" ? `/${name}` : `${directory}/${name}`;
}
