/**
 * One exploration of the memory engine. Batch n puts a row of its own, by which one sees that it survived, and changes rows that all batches
 * share, by which one sees their order. What is there must be the batches that survived, each whole, and no promised one may be missing.
 */
import { CorruptionError, SeededRandom, toHex } from "../../base/index.js";
import { type Engine, type EngineDatabase, memoryEngine } from "../../engine/index.js";
import type { CheckInfo, ExploreCrashesOptions, RecoverContext } from "../../testing/index.js";
import type { SimVfs } from "../../vfs/index.js";
import type { Effort } from "./effort.js";
import { makeParent } from "./parent-directory.js";

/** What happens to an engine's databases, as a workload tells it. */
export type EngineEvent =
  | { readonly kind: "created" | "changing-copy" | "copy-gone" }
  | { readonly kind: "issued" | "acked"; readonly n: number }
  /** Durable: exactly these when `exact`, and perhaps more otherwise. */
  | { readonly kind: "kept"; readonly batches: readonly number[]; readonly exact: boolean }
  | { readonly kind: "copied"; readonly batches: readonly number[] }
  | { readonly kind: "shown" };

/** How one database looks: its rows in hexadecimal, or why there are none. */
type Look = readonly string[] | "absent" | "damaged";

/** What a recovery sees. */
export interface RecoveredEngine {
  readonly rows: Look;
  readonly copy: Look;
  readonly database: EngineDatabase;
}

/** What a workload does next. */
export type EngineCall =
  | { readonly call: "batches"; readonly count: number; readonly sync: boolean }
  | { readonly call: "sync" | "reopen" | "copy" };

/** A case. */
export interface EnginePlan {
  readonly title: string;
  readonly seed: number;
  readonly calls: readonly EngineCall[];
  readonly stale: boolean;
  readonly effort: Effort;
}

interface EngineContext {
  readonly engine: Engine;
  readonly vfs: SimVfs;
  readonly seed: number;
  note(event: EngineEvent): void;
}

const DATABASE = "/data/database";
const COPY = "/data/copy";
const SHARED_KEYS = 5;

/** The options of an exploration. */
export function engineExploration(plan: EnginePlan): ExploreCrashesOptions<RecoveredEngine, EngineEvent> {
  const { followUps, ...limits } = plan.effort;
  const { seed } = plan;
  return {
    name: plan.title,
    seed,
    disk: { stale: plan.stale },
    ...limits,
    async workload({ vfs, note }) {
      await makeParent(vfs);
      const context = { engine: memoryEngine({ vfs }), vfs, seed, note };
      await makeEngineCalls(context, plan.calls);
    },
    async recover({ vfs, note }) {
      await makeParent(vfs);
      const engine = memoryEngine({ vfs });
      const copied = await openIfWhole(engine, COPY);
      const copy = typeof copied === "string" ? copied : await look(copied);
      if (typeof copied !== "string") await copied.close();
      const opened = await openIfWhole(engine, DATABASE);
      const rows = typeof opened === "string" ? opened : await look(opened);
      note({ kind: "shown" });
      if (typeof opened !== "string") {
        await opened.sync();
        note({ kind: "kept", batches: survivors(rows), exact: true });
        return { rows, copy, database: opened };
      }
      await engine.remove(DATABASE);
      const database = await engine.create(DATABASE);
      await vfs.syncDirectory("/data");
      note({ kind: "created" });
      return { rows, copy, database };
    },
    check: (state, events, info) => check(state, events, info, seed),
    describe: ({ rows, copy }) => JSON.stringify([rows === "absent" || rows === "damaged" ? [] : rows, copy]),
    close: ({ database }) => database.close(),
    ...(followUps === undefined
      ? {}
      : {
          idempotent: true as const,
          async resume({ database }: RecoveredEngine, { note }: RecoverContext<EngineEvent>) {
            for (const [at, sync] of [false, true].entries()) await write({ seed, note }, database, 90 + at, sync);
            note({ kind: "kept", batches: [90, 91], exact: false });
          },
        }),
  };
}

/** Makes a database and uses it. */
export async function makeEngineCalls(context: EngineContext, calls: readonly EngineCall[]): Promise<EngineDatabase> {
  const { engine, vfs, note } = context;
  let database = await engine.create(DATABASE);
  await vfs.syncDirectory("/data");
  note({ kind: "created" });
  let n = 0;
  const acked: number[] = [];
  let hasCopy = false;
  for (const call of calls) {
    if (call.call === "batches") {
      const before = [...acked];
      const numbers = Array.from({ length: call.count }, () => ++n);
      // All at once; the last one may sync all before it.
      await Promise.all(numbers.map((number) => write(context, database, number, call.sync && number === n)));
      acked.push(...numbers);
      if (call.sync) note({ kind: "kept", batches: [...before, ...numbers], exact: false });
    } else if (call.call === "sync") {
      await database.sync();
      note({ kind: "kept", batches: [...acked], exact: false });
    } else if (call.call === "reopen") {
      await database.close();
      const again = await engine.open(DATABASE);
      if (again === undefined) throw new Error("a database that was closed is not there");
      database = again;
    } else if (hasCopy) {
      hasCopy = false;
      note({ kind: "changing-copy" });
      await engine.remove(COPY);
      await vfs.syncDirectory("/data");
      note({ kind: "copy-gone" });
    } else {
      hasCopy = true;
      note({ kind: "changing-copy" });
      await database.checkpoint(COPY);
      await vfs.syncDirectory("/data");
      note({ kind: "copied", batches: [...acked] });
    }
  }
  await database.close();
  return database;
}

/** Writes batch `n`. */
async function write(
  { seed, note }: Pick<EngineContext, "seed" | "note">,
  database: EngineDatabase,
  n: number,
  sync: boolean,
): Promise<void> {
  const batch = database.batch();
  for (const [key, value] of changesOf(n, seed)) {
    if (value === undefined) batch.delete(key);
    else batch.put(key, value);
  }
  note({ kind: "issued", n });
  await batch.write({ sync });
  note({ kind: "acked", n });
}

/** The changes of batch `n`: a few bytes, or several sectors. */
function changesOf(n: number, seed: number): [key: Uint8Array, value: Uint8Array | undefined][] {
  const random = new SeededRandom(seed).fork(`batch ${n}`);
  const changes: [Uint8Array, Uint8Array | undefined][] = [[Uint8Array.of(0xb0, n), Uint8Array.of(n)]];
  const count = random.below(4);
  for (let at = 0; at < count; at++) {
    const key = Uint8Array.of(random.below(SHARED_KEYS));
    const bytes = [0, 10, 300, 700][random.below(4)] ?? 0;
    changes.push([key, random.chance(0.25) ? undefined : new Uint8Array(bytes).fill(n)]);
  }
  return changes;
}

/** The rows after these batches. */
function rowsAfter(batches: readonly number[], seed: number): string[] {
  const rows = new Map<string, string>();
  for (const n of batches.toSorted((a, b) => a - b)) {
    for (const [key, value] of changesOf(n, seed)) {
      if (value === undefined) rows.delete(toHex(key));
      else rows.set(toHex(key), toHex(value));
    }
  }
  return [...rows].map(([key, value]) => `${key}=${value}`).sort();
}

function survivors(rows: Look): number[] {
  if (typeof rows === "string") return [];
  return rows.filter((row) => row.startsWith("b0")).map((row) => Number.parseInt(row.slice(2, 4), 16));
}

async function look(database: EngineDatabase): Promise<string[]> {
  const rows: string[] = [];
  for await (const chunk of database.iterate())
    for (const [key, value] of chunk) rows.push(`${toHex(key)}=${toHex(value)}`);
  return rows;
}

async function openIfWhole(engine: Engine, directory: string): Promise<EngineDatabase | "absent" | "damaged"> {
  try {
    return (await engine.open(directory)) ?? "absent";
  } catch (error) {
    if (error instanceof CorruptionError) return "damaged";
    throw error;
  }
}

function check(
  { rows, copy }: RecoveredEngine,
  events: readonly EngineEvent[],
  info: Pick<CheckInfo<RecoveredEngine>, "scenario">,
  seed: number,
): void {
  let isCreated = false;
  let copied: readonly number[] | "absent" | undefined;
  const promised = new Set<number>();
  const possible = new Set<number>();
  const acked = new Set<number>();
  for (const event of events.slice(
    0,
    events.findLastIndex(({ kind }) => kind === "shown"),
  )) {
    if (event.kind === "created") isCreated = true;
    else if (event.kind === "copied") copied = event.batches;
    else if (event.kind === "changing-copy") copied = undefined;
    else if (event.kind === "copy-gone") copied = "absent";
    else if (event.kind === "issued") possible.add(event.n);
    else if (event.kind === "acked") acked.add(event.n);
    else if (event.kind === "kept") {
      if (event.exact) for (const n of possible) if (!event.batches.includes(n)) possible.delete(n);
      for (const n of event.batches) promised.add(n);
    }
  }
  // A process that was killed leaves what it had written in the page cache.
  if (info.scenario === "kill") for (const n of acked) promised.add(n);
  checkRows("the database", rows, isCreated, promised, possible, seed);
  if (copied === "absent" && copy !== "absent") throw new Error("the copy is there, though its removal was promised");
  if (Array.isArray(copied)) {
    const whole = new Set<number>(copied);
    checkRows("the copy", copy, true, whole, whole, seed);
  }
}

function checkRows(
  what: string,
  rows: Look,
  isPromised: boolean,
  promised: ReadonlySet<number>,
  possible: ReadonlySet<number>,
  seed: number,
): void {
  if (typeof rows === "string") {
    if (isPromised) throw new Error(`${what} is ${rows}, though it was promised`);
    return;
  }
  const there = survivors(rows);
  for (const n of promised) if (!there.includes(n)) throw new Error(`${what} lacks batch ${n}, which was promised`);
  for (const n of there) if (!possible.has(n)) throw new Error(`${what} has batch ${n}, which was not there to be had`);
  const expected = rowsAfter(there, seed);
  const wrong = [...expected, ...rows].find((row) => !rows.includes(row) || !expected.includes(row));
  if (wrong !== undefined || rows.length !== expected.length)
    throw new Error(`${what} is not what batches ${there.join(", ")} make: see row ${wrong?.slice(0, 40) ?? ""}`);
}
