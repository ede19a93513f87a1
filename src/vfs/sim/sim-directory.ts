/**
 * One directory of the simulated disk.
 *
 * Every name made, moved or removed since the last sync of the directory is kept or lost by itself; for one name, what survives is a
 * prefix of what happened to it. A rename never loses the file: if the old name's removal survives, so does the new name.
 */

/** The two halves of a rename share its operation id. */
export type NameRole = "make" | "remove" | "rename-in" | "rename-out";

export interface PendingName {
  readonly id: number;
  readonly name: string;
  /** The inode that the name leads to afterwards; 0 for none. */
  readonly target: number;
  readonly role: NameRole;
  /** For `"rename-out"`: where the file went. */
  readonly partner: { readonly directory: number; readonly name: string } | undefined;
}

/** What one undecided name may lead to: `targets[0]` is durable, `targets[i + 1]` follows operation `ids[i]`. */
export interface NameVersions {
  readonly targets: number[];
  readonly ids: number[];
  readonly roles: NameRole[];
}

/** A frozen directory. */
export interface DirectoryState {
  readonly kind: "directory";
  readonly inode: number;
  readonly path: string;
  readonly durable: ReadonlyMap<string, number>;
  readonly volatile: ReadonlyMap<string, number>;
  readonly pending: readonly PendingName[];
  readonly undecided: ReadonlyMap<string, NameVersions> | undefined;
}

/** Decides names that a crash left open. Implemented by the disk. */
export interface NameDecisions {
  decideName(directory: SimDirectory, name: string, versions: NameVersions): number;
}

/** A directory whose names can be looked up and changed. */
export class SimDirectory {
  readonly kind = "directory";
  readonly inode: number;
  readonly path: string;
  readonly #decisions: NameDecisions;
  #durable: Map<string, number>;
  #volatile: Map<string, number>;
  #pending: PendingName[];
  #undecided: Map<string, NameVersions> | undefined;
  #frozen: DirectoryState | undefined;

  constructor(state: DirectoryState, decisions: NameDecisions) {
    this.#decisions = decisions;
    this.inode = state.inode;
    this.path = state.path;
    this.#durable = state.durable as Map<string, number>;
    this.#volatile = state.volatile as Map<string, number>;
    this.#pending = state.pending as PendingName[];
    this.#undecided = state.undecided as Map<string, NameVersions> | undefined;
    this.#frozen = state;
  }

  /** The inode behind a name; 0 where there is none. */
  lookup(name: string): number {
    if (this.#undecided !== undefined) {
      const versions = this.#undecided.get(name);
      if (versions !== undefined) this.#decide(name, versions);
    }
    return this.#volatile.get(name) ?? 0;
  }

  names(): string[] {
    if (this.#undecided !== undefined)
      for (const [name, versions] of [...this.#undecided].sort(byName)) this.#decide(name, versions);
    return [...this.#volatile.keys()].sort();
  }

  /** Points `name` at `target`, or at nothing for 0. The name must have been looked up before. */
  change(entry: PendingName): void {
    this.#touch();
    if (entry.target === 0) this.#volatile.delete(entry.name);
    else this.#volatile.set(entry.name, entry.target);
    this.#pending.push(entry);
  }

  /** Makes the covered changes durable; returns them, because a covered rename out of here makes its other half durable too. */
  sync(covers: (entry: PendingName) => boolean): readonly PendingName[] {
    const last = new Map<string, number>();
    this.#pending.forEach((entry, at) => {
      if (covers(entry)) last.set(entry.name, at);
    });
    if (last.size === 0) return [];
    this.#touch();
    const done: PendingName[] = [];
    const rest: PendingName[] = [];
    this.#pending.forEach((entry, at) => {
      if (at > (last.get(entry.name) ?? -1)) {
        rest.push(entry);
        return;
      }
      done.push(entry);
      if (entry.target === 0) this.#durable.delete(entry.name);
      else this.#durable.set(entry.name, entry.target);
    });
    this.#pending = rest;
    return done;
  }

  freeze(): DirectoryState {
    this.#frozen ??= {
      kind: "directory",
      inode: this.inode,
      path: this.path,
      durable: this.#durable,
      volatile: this.#volatile,
      pending: this.#pending,
      undecided: this.#undecided,
    };
    return this.#frozen;
  }

  #decide(name: string, versions: NameVersions): void {
    const target = this.#decisions.decideName(this, name, versions);
    this.#touch();
    this.#undecided?.delete(name);
    if (this.#undecided?.size === 0) this.#undecided = undefined;
    for (const map of [this.#durable, this.#volatile]) {
      if (target === 0) map.delete(name);
      else map.set(name, target);
    }
  }

  #touch(): void {
    if (this.#frozen === undefined) return;
    this.#frozen = undefined;
    this.#durable = new Map(this.#durable);
    this.#volatile = new Map(this.#volatile);
    this.#pending = this.#pending.slice();
    if (this.#undecided !== undefined) this.#undecided = new Map(this.#undecided);
  }
}

/** An empty directory. */
export function emptyDirectory(inode: number, path: string): DirectoryState {
  return { kind: "directory", inode, path, durable: new Map(), volatile: new Map(), pending: [], undecided: undefined };
}

/** What a power cut leaves of a directory, undecided. */
export function crashedDirectory(state: DirectoryState): DirectoryState {
  let undecided: Map<string, NameVersions> | undefined;
  if (state.undecided !== undefined) undecided = new Map(state.undecided);
  for (const entry of state.pending) {
    undecided ??= new Map();
    let versions = undecided.get(entry.name);
    // A name is decided before it is changed, so its versions here are never those of an earlier crash.
    if (versions === undefined) {
      versions = { targets: [state.durable.get(entry.name) ?? 0], ids: [], roles: [] };
      undecided.set(entry.name, versions);
    }
    versions.targets.push(entry.target);
    versions.ids.push(entry.id);
    versions.roles.push(entry.role);
  }
  return {
    kind: "directory",
    inode: state.inode,
    path: state.path,
    durable: state.durable,
    volatile: state.durable,
    pending: [],
    undecided,
  };
}

function byName(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}
