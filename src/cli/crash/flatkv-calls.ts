/** The calls that workloads on a commit store are made of, and how each is made and noted. */
import { HoldfastError, SeededRandom } from "../../base/index.js";
import { type EngineBatch, memoryEngine } from "../../engine/index.js";
import type { ChangeSet, FlatKv } from "../../flatkv/index.js";
import { FaultPlan, type SimVfs } from "../../vfs/index.js";
import { type FlatChange, type FlatEvent, type FlatOp, FlatState, valueText } from "./flatkv-model.js";
import {
  type FlatPlan,
  type OpenFlat,
  STORE_PATH,
  databaseDirectories,
  importFlat,
  openFlat,
  readFlat,
  rebuildFlat,
  repairFlat,
} from "./flatkv-place.js";
import { pick } from "./log-calls.js";

/** A row to change: a database by number, a key by number, and the bytes of the value; 0 deletes. */
export type RowCall = readonly [database: number, key: number, bytes: number];

/** What becomes of a database: its files are gone, can't be read, or are those of a new one. */
export type FlatLoss = "missing" | "unreadable" | "empty";

/** One call, or several at once. */
export type FlatCall =
  /** One version of several calls of `applyChangeSets`. With `reads`, readers look on meanwhile. */
  | { readonly call: "commit"; readonly sets: readonly (readonly RowCall[])[]; readonly reads?: boolean }
  /** `count` versions, one small change each, which all databases take turns to get. */
  | { readonly call: "commits"; readonly count: number }
  /** Stages, and drops it. */
  | { readonly call: "discard"; readonly rows: readonly RowCall[] }
  | { readonly call: "snapshot" }
  /** So many versions back, or as far as the store can. */
  | { readonly call: "rollback"; readonly back: number }
  | { readonly call: "together"; readonly calls: readonly FlatCall[] }
  | { readonly call: "reopen" }
  /** A version whose write to a database fails; so the store is closed without syncing, and opened again, which brings the database on. */
  | { readonly call: "fail" }
  /** Keeps an export of the store for later imports. */
  | { readonly call: "export" }
  /** Closes the store, puts what was exported in its place, and opens it. Before that, `tries` imports end in the middle of the stream. */
  | { readonly call: "import"; readonly tries: number }
  /** Closes the store, takes a live database away or spoils it, and opens again. */
  | { readonly call: "lose"; readonly database: number; readonly how: FlatLoss }
  /** Closes the store, takes the metadata out of all databases but the last, makes the store anew of its rows, and opens it. */
  | { readonly call: "rebuild-hashes" }
  /** Closes the store, spoils a row of a database, opens again, and repairs what `verify` finds. */
  | { readonly call: "repair"; readonly database: number };

/** An export in pieces, and what it holds. */
export interface FlatExport {
  readonly chunks: readonly Uint8Array[];
  readonly version: number;
  readonly rows: readonly (readonly [key: string, value: string])[];
}

/** Makes calls on a store and notes them. */
export class FlatCaller {
  readonly #vfs: SimVfs;
  readonly #plan: FlatPlan;
  readonly #note: (event: FlatEvent) => void;
  readonly #state: FlatState;
  #open: OpenFlat;
  #id: number;
  /** The rows at each version that was asked for, and which of them was acknowledged last. */
  readonly #shown: string[] = [];
  #ackedShown = 0;
  #exported: FlatExport | undefined;
  /** Directories of the live databases. */
  #live: readonly string[] = [];

  private constructor(
    vfs: SimVfs,
    plan: FlatPlan,
    note: (event: FlatEvent) => void,
    open: OpenFlat,
    state: FlatState,
    id: number,
  ) {
    this.#vfs = vfs;
    this.#plan = plan;
    this.#note = note;
    this.#open = open;
    this.#state = state;
    this.#id = id;
    this.#shown.push(rowsOf(state));
  }

  /** Makes the store. */
  static async open(vfs: SimVfs, plan: FlatPlan, note: (event: FlatEvent) => void): Promise<FlatCaller> {
    const caller = new FlatCaller(vfs, plan, note, await openFlat(vfs, plan), new FlatState(), 0);
    caller.#live = await databaseDirectories(vfs);
    return caller;
  }

  /** Goes on with a recovered one, which holds `state`. */
  static resume(
    vfs: SimVfs,
    plan: FlatPlan,
    note: (event: FlatEvent) => void,
    open: OpenFlat,
    state: FlatState,
  ): FlatCaller {
    return new FlatCaller(vfs, plan, note, open, state, 1_000_000);
  }

  /** What was exported last. */
  get exported(): FlatExport | undefined {
    return this.#exported;
  }

  get store(): FlatKv {
    return this.#open.store;
  }

  async make(call: FlatCall): Promise<void> {
    await this.#make(call);
    await this.#compare();
  }

  async close(): Promise<void> {
    await this.#open.close();
  }

  /** Lets go of everything after a failure. */
  async abandon(): Promise<void> {
    await this.#open.close().catch(() => undefined);
  }

  async #make(call: FlatCall): Promise<void> {
    switch (call.call) {
      case "commit":
        await this.#commit(call.sets, call.reads === true);
        return;
      case "commits": {
        const { databases } = this.#plan;
        for (let count = 0; count < call.count; count++)
          await this.#commit([[[count % databases, count % 3, 1 + (count % 5)]]], false);
        return;
      }
      case "discard":
        await this.store.applyChangeSets([this.#setOf(call.rows, this.#id * 64 + 32).set]);
        await this.store.discard();
        return;
      case "snapshot": {
        const id = this.#issue({ op: "snapshot", keep: this.#plan.options.snapshots.keep });
        await this.store.snapshot();
        this.#acked(id);
        return;
      }
      case "rollback": {
        const { version, oldestVersion } = this.store.stats();
        const to = Math.max(oldestVersion, version - call.back);
        if (to === version) return;
        const before = await databaseDirectories(this.#vfs);
        const id = this.#issue({ op: "rollback", version: to });
        await this.store.rollback(to);
        this.#acked(id);
        this.#ackedShown = this.#shown.push(rowsOf(this.#state)) - 1;
        this.#live = (await databaseDirectories(this.#vfs)).filter((name) => !before.includes(name));
        return;
      }
      case "together":
        await Promise.all(call.calls.map((part) => this.#make(part)));
        return;
      case "reopen":
        await this.#open.close();
        this.#open = await openFlat(this.#vfs, this.#plan);
        return;
      case "fail": {
        const { everyCommits } = this.#plan.options.snapshots;
        // The snapshot that would follow is not made after a failure, so there would be nothing to acknowledge.
        if (everyCommits > 0 && (this.#state.version + 1) % everyCommits === 0) return;
        this.#vfs.faults = new FaultPlan([{ operation: "write", path: "db-", errno: "EIO" }]);
        const failure: unknown = await this.#commit([[[0, 0, 3]]], false).catch((error: unknown) => error);
        this.#vfs.faults = undefined;
        if (!(failure instanceof HoldfastError) || failure.code !== "HF_POISONED") throw failure;
        await this.#open.close();
        this.#open = await openFlat(this.#vfs, this.#plan);
        // The version was in the journal before a database heard of it.
        this.#ackedShown = this.#shown.length - 1;
        this.#acked(this.#id);
        return;
      }
      case "export": {
        const chunks: Uint8Array[] = [];
        for await (const chunk of this.store.export())
          for (let at = 0; at < chunk.length; at += PIECE_BYTES) chunks.push(chunk.slice(at, at + PIECE_BYTES));
        this.#exported = { chunks, version: this.#state.version, rows: [...this.#state.rows] };
        return;
      }
      case "import": {
        await this.#open.close();
        const { chunks, version, rows } = this.#exported!;
        for (let attempt = 0; attempt < call.tries; attempt++) await this.#importPart(chunks, attempt);
        const id = this.#issue({ op: "import", version, rows });
        await importFlat(this.#vfs, this.#plan, chunks);
        this.#acked(id);
        this.#ackedShown = this.#shown.push(rowsOf(this.#state)) - 1;
        this.#open = await openFlat(this.#vfs, this.#plan);
        return;
      }
      case "lose": {
        await this.#open.close();
        const before = await databaseDirectories(this.#vfs);
        this.#note({ kind: "lost" });
        await this.#lose(this.#live[call.database]!, call.how);
        this.#open = await openFlat(this.#vfs, this.#plan);
        const { rebuilt } = this.store.recovery;
        if (rebuilt.map(({ reason }) => reason).join() !== call.how)
          throw new Error(`a database that is ${call.how} was not made anew for it: ${JSON.stringify(rebuilt)}`);
        this.#note({ kind: "whole" });
        const after = await databaseDirectories(this.#vfs);
        this.#live = after.filter((name) => this.#live.includes(name) || !before.includes(name));
        return;
      }
      case "rebuild-hashes": {
        await this.#open.close();
        const { version, rows } = this.#state;
        // From here on, whatever comes of it: recovery does the same where it meets rows without a hash.
        const id = this.#issue({ op: "import", version, rows: [...rows] });
        // Opening makes one anew that has no rows either.
        this.#note({ kind: "lost" });
        for (const name of this.#live.slice(0, -1))
          await this.#tamper(name, (batch) => {
            batch.delete(METADATA_KEY);
          });
        await rebuildFlat(this.#vfs, this.#plan);
        this.#note({ kind: "whole" });
        this.#acked(id);
        this.#ackedShown = this.#shown.push(rowsOf(this.#state)) - 1;
        this.#open = await openFlat(this.#vfs, this.#plan);
        return;
      }
      case "repair": {
        await this.#open.close();
        const before = await databaseDirectories(this.#vfs);
        await this.#tamper(this.#live[call.database]!, (batch) => {
          batch.put(SPOILED_ROW, Uint8Array.of(1, 2, 3, 4, 5));
        });
        this.#open = await openFlat(this.#vfs, this.#plan);
        if (!(await repairFlat(this.store))) throw new Error("a spoiled row was not found");
        const after = await databaseDirectories(this.#vfs);
        this.#live = after.filter((name) => this.#live.includes(name) || !before.includes(name));
      }
    }
  }

  /** An import whose source fails in the middle, or ends there. */
  async #importPart(chunks: readonly Uint8Array[], attempt: number): Promise<void> {
    const stop = new Error("the source ends here");
    function* part(): Generator<Uint8Array> {
      yield* chunks.slice(0, Math.ceil((chunks.length * (attempt + 1)) / 3));
      if (attempt % 2 === 0) throw stop;
    }
    try {
      await importFlat(this.#vfs, this.#plan, part());
    } catch (error) {
      if (error === stop || (error instanceof HoldfastError && error.code === "HF_CORRUPTION")) return;
      throw error;
    }
    throw new Error("a part of an export was put in the place of the store");
  }

  async #commit(sets: readonly (readonly RowCall[])[], reads: boolean): Promise<void> {
    const made = sets.map((rows, at) => this.#setOf(rows, (this.#id + 1) * 64 + 8 * at));
    const { everyCommits, keep } = this.#plan.options.snapshots;
    let id = this.#issue({ op: "commit", changes: made.flatMap(({ changes }) => changes) });
    if (everyCommits > 0 && this.#state.version % everyCommits === 0) id = this.#issue({ op: "snapshot", keep });
    const end = this.#shown.push(rowsOf(this.#state));
    const applied = made.map(({ set }) => this.store.applyChangeSets([set]));
    const committed = this.store.commit();
    const looking = reads ? this.#lookOn() : Promise.resolve();
    await Promise.all([...applied, committed, looking]);
    this.#ackedShown = Math.max(this.#ackedShown, end - 1);
    this.#acked(id);
  }

  /** Looks at the store now and then. */
  async #lookOn(): Promise<void> {
    const looked: Promise<void>[] = [];
    for (let look = 0; look < 40; look++) {
      looked.push(this.#look());
      // Over before or after any other operation of the disk; the delay, when nothing else can run.
      await this.#vfs.stat(STORE_PATH);
      if (look % 4 === 0) await this.#vfs.delay(1);
    }
    await Promise.all(looked);
  }

  /** Reads keys of all databases while versions are on their way: all of one version, the last one that was acknowledged or a later one. */
  async #look(): Promise<void> {
    const from = this.#ackedShown;
    const keys = Array.from({ length: this.#plan.databases }, (_, database) =>
      Array.from({ length: KEYS }, (__, key) => keyOf(database, key)),
    ).flat();
    const values = await this.store.getMany(keys);
    const rows = keys.flatMap((key, at) => {
      const value = values[at];
      return value === undefined ? [] : [`${new TextDecoder().decode(key)}=${valueText(value)}`];
    });
    if (!this.#shown.slice(from).includes(rows.sort().join(" ")))
      throw new Error(`a reader saw {${rows.join(" ")}}, which is no version from the last acknowledged one on`);
  }

  /** What the store shows must be what it was told. */
  async #compare(): Promise<void> {
    const found = await readFlat(this.store);
    if (!this.#state.isKnown) return;
    if (found.text !== this.#state.text)
      throw new Error(`the store holds {${found.text}}, and was told {${this.#state.text}}`);
  }

  #setOf(rows: readonly RowCall[], serial: number): { readonly set: ChangeSet; readonly changes: FlatChange[] } {
    const changes: FlatChange[] = [];
    const set = rows.map(([database, number, bytes], at) => {
      const key = keyOf(database, number);
      const value = bytes === 0 ? undefined : new SeededRandom(serial + at).bytes(bytes);
      changes.push([new TextDecoder().decode(key), value === undefined ? undefined : valueText(value)]);
      return { key, value };
    });
    return { set: { changes: set }, changes };
  }

  #issue(op: FlatOp): number {
    this.#id += 1;
    this.#state.apply(op);
    this.#note({ kind: "issued", id: this.#id, op });
    return this.#id;
  }

  #acked(id: number): void {
    this.#note({ kind: "acked", id });
  }

  /** Writes to a closed database behind the store's back. */
  async #tamper(name: string, fill: (batch: EngineBatch) => void): Promise<void> {
    const engine = memoryEngine({ vfs: this.#vfs });
    const database = (await engine.open(this.#vfs.join(STORE_PATH, name)))!;
    const batch = database.batch();
    fill(batch);
    await batch.write({ sync: true });
    await database.close();
  }

  async #lose(name: string, how: FlatLoss): Promise<void> {
    const vfs = this.#vfs;
    const directory = vfs.join(STORE_PATH, name);
    if (how === "empty") {
      const engine = memoryEngine({ vfs });
      await engine.remove(directory);
      await (await engine.create(directory)).close();
      await vfs.syncDirectory(STORE_PATH);
      return;
    }
    if (how === "unreadable") {
      const file = await vfs.open(vfs.join(directory, "rows"), { access: "read-write", durableWrites: true });
      await file.write(new Uint8Array(512).fill(7), 0);
      await file.close();
      return;
    }
    await vfs.remove(vfs.join(directory, "rows"));
    await vfs.syncDirectory(directory);
  }
}

/** An export is handed to imports in pieces of so many bytes. */
const PIECE_BYTES = 700;

/** Of version and hash in each database; docs/formats/flatkv.md has it. */
const METADATA_KEY: Uint8Array = new TextEncoder().encode("\0meta");

/** A row as it is stored, under a key that no call names. */
const SPOILED_ROW: Uint8Array = new TextEncoder().encode("\u0001spoiled");

/** Keys of each database, by number. */
const KEYS = 6;

function keyOf(database: number, key: number): Uint8Array {
  return Uint8Array.of("abc".charCodeAt(database), "0".charCodeAt(0) + key);
}

function rowsOf({ rows }: FlatState): string {
  return [...rows]
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(" ");
}

const SIZES = [0, 0, 1, 9, 40] as const;

/** A version at random. */
export function randomCommit(random: SeededRandom, databases: number): FlatCall {
  const large = random.chance(0.15);
  const row = (): RowCall => [
    random.below(databases),
    random.below(KEYS),
    large && random.chance(0.3) ? 700 : pick(random, SIZES),
  ];
  const sets = Array.from({ length: random.below(3) }, () => Array.from({ length: 1 + random.below(4) }, row));
  return { call: "commit", sets, ...(random.chance(0.2) ? { reads: true } : {}) };
}

/** `count` calls at random. */
export function randomFlatCalls(random: SeededRandom, databases: number, count: number): FlatCall[] {
  const commit = (): FlatCall => randomCommit(random, databases);
  return Array.from({ length: count }, () =>
    pick<() => FlatCall>(random, [
      commit,
      commit,
      commit,
      () => ({ call: "commits", count: 2 + random.below(3) }),
      () => ({ call: "snapshot" }),
      () => ({ call: "rollback", back: 1 + random.below(3) }),
      () => ({ call: random.chance(0.5) ? "reopen" : "fail" }),
      () => ({ call: "together", calls: [commit(), random.chance(0.3) ? { call: "snapshot" } : commit(), commit()] }),
      () => ({ call: "discard", rows: [[0, random.below(KEYS), 9]] }),
    ])(),
  );
}
