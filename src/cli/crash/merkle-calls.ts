/** The calls that workloads on a Merkle store are made of, and how each is made and noted. */
import { HoldfastError, SeededRandom } from "../../base/index.js";
import type { MerkleStore, Session } from "../../trie/index.js";
import { FaultPlan, type SimVfs } from "../../vfs/index.js";
import { pick } from "./log-calls.js";
import { type MerkleEvent, type MerkleOp, MerkleState, valueText } from "./merkle-model.js";
import { CLUSTER, KEYS, type MerklePlan, type OpenMerkle, keyOf, openMerkle, readMerkle } from "./merkle-place.js";

/** A key by number, and the bytes of its value; -1 takes it away. */
export type MerkleChange = readonly [key: number, bytes: number];

/** One call. */
export type MerkleCall =
  /** One session. With `rival`, another one that began at the same commit must be refused, and readers look on meanwhile. */
  | { readonly call: "commit"; readonly changes: readonly MerkleChange[]; readonly rival?: boolean }
  /** `count` commits, one small change each. */
  | { readonly call: "commits"; readonly count: number }
  /** Undoes so many commits, or as many as can be. */
  | { readonly call: "rollback"; readonly commits: number }
  /** Changes that are dropped. */
  | { readonly call: "discard" }
  | { readonly call: "checkpoint" }
  | { readonly call: "reopen" }
  /** A commit whose rows can't be written, behind the commit point; the store is closed and opened again. */
  | { readonly call: "fail" };

/** Makes calls on a store and notes them. */
export class MerkleCaller {
  readonly #vfs: SimVfs;
  readonly #plan: MerklePlan;
  readonly #note: (event: MerkleEvent) => void;
  readonly #state: MerkleState;
  #open: OpenMerkle;
  #id: number;

  private constructor(
    vfs: SimVfs,
    plan: MerklePlan,
    note: (event: MerkleEvent) => void,
    open: OpenMerkle,
    state: MerkleState,
    id: number,
  ) {
    this.#vfs = vfs;
    this.#plan = plan;
    this.#note = note;
    this.#open = open;
    this.#state = state;
    this.#id = id;
  }

  /** Makes the store. */
  static async open(vfs: SimVfs, plan: MerklePlan, note: (event: MerkleEvent) => void): Promise<MerkleCaller> {
    return new MerkleCaller(vfs, plan, note, await openMerkle(vfs, plan), new MerkleState(plan.undoable), 0);
  }

  /** Goes on with a recovered one, which holds `state`. */
  static resume(
    vfs: SimVfs,
    plan: MerklePlan,
    note: (event: MerkleEvent) => void,
    open: OpenMerkle,
    state: MerkleState,
  ): MerkleCaller {
    return new MerkleCaller(vfs, plan, note, open, state, 1_000_000);
  }

  async make(call: MerkleCall): Promise<void> {
    await this.#make(call);
    const found = await readMerkle(this.#open.store, this.#plan);
    if (found.text !== this.#state.text)
      throw new Error(`the store holds {${found.text}}, and was told {${this.#state.text}}`);
  }

  get store(): MerkleStore {
    return this.#open.store;
  }

  async close(): Promise<void> {
    await this.#open.close();
  }

  /** Lets go of it, whatever comes of that. */
  async abandon(): Promise<void> {
    await this.#open.close().catch(() => undefined);
  }

  async #make(call: MerkleCall): Promise<void> {
    const { store } = this.#open;
    switch (call.call) {
      case "commit":
        await this.#commit(call.changes, call.rival === true);
        return;
      case "commits":
        for (let count = 0; count < call.count; count++)
          await this.#commit([[(this.#state.sequence * 7) % KEYS, 1 + (count % 5)]], false);
        return;
      case "rollback": {
        const commits = Math.min(call.commits, this.#state.undo.length);
        if (commits === 0) return;
        const id = this.#issue({ op: "rollback", commits });
        await store.rollback(commits);
        this.#acked(id);
        return;
      }
      case "discard": {
        const session = store.begin();
        session.put(keyOf(1), new Uint8Array(5));
        session.discard();
        return;
      }
      case "checkpoint":
        await store.checkpoint();
        return;
      case "reopen":
        await this.#reopen();
        return;
      case "fail": {
        this.#vfs.faults = new FaultPlan([{ operation: "write", path: "values", errno: "EIO" }]);
        const failure: unknown = await this.#commit([[0, 3]], false).catch((error: unknown) => error);
        this.#vfs.faults = undefined;
        if (!(failure instanceof HoldfastError) || failure.code !== "HF_POISONED") throw failure;
        await this.#reopen();
        // The commit was in the journal before a row was written.
        this.#acked(this.#id);
      }
    }
  }

  async #reopen(): Promise<void> {
    await this.#open.close();
    this.#open = await openMerkle(this.#vfs, this.#plan);
  }

  async #commit(changes: readonly MerkleChange[], hasRival: boolean): Promise<void> {
    const { store } = this.#open;
    const session = store.begin();
    const rival = hasRival ? store.begin() : undefined;
    rival?.put(keyOf(0), Uint8Array.of(1));
    const noted = this.#fill(session, changes);
    const shown = new Set([this.#state.rowsText]);
    const id = this.#issue({ op: "commit", changes: noted });
    shown.add(this.#state.rowsText);
    const committed = session.commit();
    const refused = rival?.commit().then(
      () => "it was taken",
      (error: unknown) => (error instanceof HoldfastError ? error.code : String(error)),
    );
    const looked = hasRival ? this.#lookOn(shown) : undefined;
    await committed;
    this.#acked(id);
    const code = await refused;
    if (code !== undefined && code !== "HF_STALE_SESSION") throw new Error(`a second session on one base: ${code}`);
    await looked;
  }

  #fill(session: Session, changes: readonly MerkleChange[]): (readonly [number, string | undefined])[] {
    return changes.map(([key, bytes], at) => {
      if (bytes < 0) {
        session.delete(keyOf(key));
        return [key, undefined];
      }
      const value = new SeededRandom((this.#id + 1) * 64 + at).bytes(bytes);
      session.put(keyOf(key), value);
      return [key, valueText(value)];
    });
  }

  /** Reads keys while a commit is on its way: all as before it, or all as after. */
  async #lookOn(shown: ReadonlySet<string>): Promise<void> {
    const keys = Array.from({ length: KEYS }, (_, n) => keyOf(n));
    for (let look = 0; look < 10; look++) {
      const state = new MerkleState(0);
      const values = await this.#open.store.getMany(keys);
      state.rows = new Map(values.flatMap((value, n) => (value === undefined ? [] : [[n, valueText(value)]])));
      if (!shown.has(state.rowsText)) throw new Error(`a reader saw {${state.rowsText}}, which no commit came to`);
      await this.#vfs.delay(1);
    }
  }

  #issue(op: MerkleOp): number {
    this.#id += 1;
    this.#state.apply(op);
    this.#note({ kind: "issued", id: this.#id, op });
    return this.#id;
  }

  #acked(id: number): void {
    this.#note({ kind: "acked", id });
  }
}

const SIZES = [-1, -1, 0, 1, 9, 40] as const;

/** A commit at random. */
export function randomMerkleCommit(random: SeededRandom): MerkleCall {
  const large = random.chance(0.1);
  const used = new Set<number>();
  const changes = Array.from({ length: random.below(6) }, (): MerkleChange => {
    let key = random.below(KEYS);
    while (used.has(key)) key = (key + 1) % KEYS;
    used.add(key);
    return [key, large && random.chance(0.3) ? 1200 : pick(random, SIZES)];
  });
  return { call: "commit", changes, ...(random.chance(0.15) ? { rival: true } : {}) };
}

/** Keys of the cluster come or go together, so that their page does. */
export function randomTide(random: SeededRandom): MerkleCall {
  const count = 15 + random.below(12);
  const from = CLUSTER.from + random.below(CLUSTER.count - count + 1);
  const goes = random.chance(0.5);
  return {
    call: "commit",
    changes: Array.from({ length: count }, (_, at): MerkleChange => [
      from + at,
      goes && !random.chance(0.1) ? -1 : 1 + random.below(4),
    ]),
  };
}

/** `count` calls at random. */
export function randomMerkleCalls(random: SeededRandom, count: number): MerkleCall[] {
  return Array.from({ length: count }, () =>
    pick<() => MerkleCall>(random, [
      () => randomMerkleCommit(random),
      () => randomMerkleCommit(random),
      () => randomMerkleCommit(random),
      () => randomTide(random),
      () => ({ call: "commits", count: 2 + random.below(3) }),
      () => ({ call: "rollback", commits: 1 + random.below(2) }),
      () => ({ call: random.chance(0.5) ? "reopen" : "fail" }),
      () => ({ call: random.chance(0.7) ? "checkpoint" : "discard" }),
    ])(),
  );
}
