import { LtHash } from "../../src/hash/index.js";
import { DATABASES, type ModelRows, RowsDigest, applyCommit, noRows } from "./flatkv-model.js";
import type { FlatKvProcess } from "./flatkv-process.js";
import type { FlatKvTask, StoreReport } from "./flatkv-task.js";

/** A version, by the commit that made it and the version that it was made of. */
interface Version {
  readonly version: number;
  readonly serial: number;
  readonly parent: Version | undefined;
}

const NOTHING: Version = { version: 0, serial: 0, parent: undefined };

/**
 * What the processes of one store were promised so far, and the check that the next one finds it: one of the versions that the calls since the
 * last promise lead to, with the rows that the model has there.
 */
export class FlatKvHistory {
  readonly seed: number;
  generation = 0;
  acknowledgements = 0;
  rollbacks = 0;
  snapshots = 0;
  redone = 0;
  rebuilt: string[] = [];
  /** Openings that found the last promise, and those that found more. */
  atPromise = 0;
  beyond = 0;
  /** The last promise, and after it whatever may have become true since. */
  #candidates: Version[] = [NOTHING];
  readonly #seen = new Map<FlatKvProcess, number>();
  readonly #checked = new Set<FlatKvProcess>();
  readonly #serials = new Map<number, Version>([[0, NOTHING]]);
  #exported: Version | undefined;
  #model: { at: Version; rows: ModelRows } = { at: NOTHING, rows: noRows() };

  constructor(seed: number) {
    this.seed = seed;
  }

  /** The task of the next process. */
  next(task: Omit<FlatKvTask, "seed" | "generation">): FlatKvTask {
    this.generation++;
    return { ...task, seed: this.seed, generation: this.generation };
  }

  /** The version that was promised last. */
  get promised(): number {
    return this.#candidates[0]?.version ?? 0;
  }

  /** Takes what a process has said since it was asked last: what resolved is a promise. */
  take(child: FlatKvProcess): void {
    this.#hear(child, true);
  }

  /** The same, after a power cut or a failure: what was called may be there, and nothing more is promised. */
  noteIssued(child: FlatKvProcess): void {
    this.#hear(child, false);
  }

  /** Checks, once, what a process found when it opened the store; that is a promise from here on. To be called before what it commits is taken. */
  opened(child: FlatKvProcess): void {
    if (this.#checked.has(child)) return;
    this.#checked.add(child);
    this.#hearImport(child);
    const { opened, refused } = child;
    if (opened === undefined)
      throw new Error(`the store did not open: ${JSON.stringify(refused)}, ${child.stderr.slice(0, 2000)}`);
    const found = this.#candidates.find(
      ({ version, serial }) => version === opened.version && serial === opened.serial,
    );
    if (found === undefined) {
      const allowed = this.#candidates.map(({ version, serial }) => `${version} (${serial})`).join(", ");
      throw new Error(`the store is at version ${opened.version} (${opened.serial}), and should be at ${allowed}`);
    }
    this.#compare(found, opened);
    if (found === this.#candidates[0]) this.atPromise++;
    else this.beyond++;
    this.#candidates = [found];
    this.redone += Object.values(opened.recovery.redone).reduce((sum, count) => sum + count, 0);
    this.rebuilt.push(...opened.recovery.rebuilt.map(({ reason }) => reason));
  }

  /** Checks what a reader shows beside the process that commits; returns the version. */
  looked(look: Omit<StoreReport, "recovery">): number {
    const version = this.#serials.get(look.serial);
    if (version?.version !== look.version)
      throw new Error(`a reader shows version ${look.version} with the commit ${look.serial} of another`);
    this.#compare(version, look);
    return look.version;
  }

  /** Notes that the export which a process wrote holds the present version. */
  exported(child: FlatKvProcess): void {
    if (child.exportedVersion !== this.promised) throw new Error(`version ${child.exportedVersion} was exported`);
    this.#exported = this.#candidates[0];
  }

  /** What came before the opening. */
  #hearImport(child: FlatKvProcess): void {
    const first = child.events.findIndex(({ kind }) => kind === "commit" || kind === "rollback");
    this.#hear(child, true, first < 0 ? child.events.length : first);
  }

  #hear(child: FlatKvProcess, counts: boolean, end = child.events.length): void {
    const { events } = child;
    const start = this.#seen.get(child) ?? 0;
    for (let at = start; at < end; at++) {
      const event = events[at];
      const last = this.#candidates.at(-1) ?? NOTHING;
      if (event?.kind === "commit") {
        const made = { version: event.version, serial: event.serial, parent: last };
        if (made.version !== last.version + 1) throw new Error(`version ${made.version} follows ${last.version}`);
        this.#serials.set(made.serial, made);
        this.#candidates.push(made);
      } else if (event?.kind === "rollback") this.#candidates.push(ancestorOf(last, event.version));
      else if (event?.kind === "import") this.#candidates.push(this.#exported ?? NOTHING);
      else if (counts) {
        this.#candidates = [last];
        this.acknowledgements++;
      }
    }
    this.#seen.set(child, Math.max(start, end));
  }

  #compare(version: Version, found: Omit<StoreReport, "recovery">): void {
    if (found.problems.length > 0) throw new Error(`at version ${found.version}: ${found.problems.join("; ")}`);
    const { digest, checksum } = this.#expected(version);
    if (found.digest !== digest) throw new Error(`version ${found.version} has other rows than were committed`);
    if (found.checksum !== checksum) throw new Error(`version ${found.version} has another hash than its rows`);
  }

  #expected(version: Version): { readonly digest: string; readonly checksum: string } {
    const missing: Version[] = [];
    let at: Version | undefined = version;
    while (at !== undefined && at !== this.#model.at) {
      missing.push(at);
      at = at.parent;
    }
    const rows = at === undefined ? noRows() : this.#model.rows;
    for (const { serial } of missing.reverse()) if (serial > 0) applyCommit(rows, this.seed, serial);
    this.#model = { at: version, rows };
    const digest = new RowsDigest();
    const hash = new LtHash();
    for (const name of DATABASES)
      for (const [key, value] of [...(rows.get(name) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))) {
        digest.add(name, Buffer.from(key), value);
        hash.add(Buffer.from(key), value);
      }
    return { digest: digest.hex(), checksum: Buffer.from(hash.checksum()).toString("hex") };
  }
}

function ancestorOf(version: Version, to: number): Version {
  let at: Version | undefined = version;
  while (at !== undefined && at.version !== to) at = at.parent;
  if (at === undefined) throw new Error(`there is no version ${to} to go back to`);
  return at;
}
