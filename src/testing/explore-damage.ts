/** The damage explorer: a finished store is damaged in one place after another, and opened. */
import { checkInteger, checkOptions, InvalidArgumentError, SeededRandom } from "../base/index.js";
import type { DiskSnapshot } from "../vfs/index.js";
import { keepEverything, SECTOR_BYTES, SimDisk, SimVfs } from "../vfs/index.js";
import { CrashFoundError } from "./crash-found-error.js";
import type { CrashFailure } from "./crash-run.js";
import type { RecoverContext, WorkloadContext } from "./crash-scenario.js";
import { dropFile, duplicateFile, flipByte, swapSectors, truncateFile, zeroSector } from "./damage.js";
import { RejectionWatch, settle } from "./settle.js";

/** How opening a damaged store ended. */
export type DamageOutcome<S> =
  | { readonly kind: "recovered"; readonly state: S }
  | { readonly kind: "rejected"; readonly error: unknown };

/** One damage. */
export interface Damage {
  /** For people: `flip 0x80 at byte 17 of /log/anchor`. */
  readonly label: string;
  readonly kind: "flip" | "zero" | "swap" | "drop" | "truncate" | "duplicate";
  readonly path: string;
  /** Where it begins; 0 for whole files. */
  readonly offset: number;
  apply(vfs: SimVfs): void;
}

/** Options of {@link exploreDamage}. */
export interface ExploreDamageOptions<S, E> {
  readonly name: string;
  /** Default 1. */
  readonly seed?: number;
  readonly steps?: number;
  /** Builds the store on an empty disk and closes it. Everything it wrote is taken to be on disk. */
  build(context: WorkloadContext<E>): Promise<unknown>;
  /** Opens and reads the damaged store. May reject. */
  recover(context: RecoverContext<E>): Promise<S>;
  /** Throws if the outcome is not allowed for the damage. */
  check(outcome: DamageOutcome<S>, events: readonly E[], damage: Damage, vfs: SimVfs): void | Promise<void>;
  /** Values that bytes are xor-ed with. Default 0x01, 0x80, 0xff. */
  readonly flips?: readonly number[];
  /** Pairs of sectors exchanged, drawn from all pairs. Default 500. */
  readonly swapsMax?: number;
  /** Which places are worth damaging; for large, empty files. Default all. */
  includes?(path: string, offset: number): boolean;
  /** Damages tried, drawn from all in a seeded order. Default all. */
  readonly statesMax?: number;
  readonly operationsMax?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** The result of {@link exploreDamage}. */
export interface DamageReport {
  readonly name: string;
  readonly seed: number;
  /** Damages that exist. */
  readonly total: number;
  readonly tried: number;
  readonly recovered: number;
  readonly rejected: number;
  /** Tried damages by kind. */
  readonly kinds: Readonly<Record<string, number>>;
}

const OPTIONS = [
  "name",
  "seed",
  "steps",
  "build",
  "recover",
  "check",
  "flips",
  "swapsMax",
  "includes",
  "statesMax",
  "operationsMax",
  "signal",
  "onProgress",
] as const;
const PROGRESS_EVERY = 1000;

/**
 * Damages a store in every place. Throws `CrashFoundError` at the first outcome that `check` refuses, or when opening hangs, runs away, or
 * leaves a rejection unhandled; `replayDamage` repeats it by its id.
 */
export async function exploreDamage<S, E>(options: ExploreDamageOptions<S, E>): Promise<DamageReport> {
  return explore(options, undefined);
}

/** Repeats the damage that `id` names; rejects with the `CrashFoundError` if the outcome is still refused. */
export async function replayDamage<S, E>(options: ExploreDamageOptions<S, E>, id: string): Promise<void> {
  const match = /^(\d{1,15})(?:\/(\d{1,9}))?:damage:(\d{1,9})$/.exec(id.trim());
  if (match === null)
    throw new InvalidArgumentError(
      "HF_INVALID_ARGUMENT",
      `${JSON.stringify(id)} is not a damage. One looks like 1:damage:4711.`,
      { argument: "id" },
    );
  const { statesMax: _max, steps: _steps, ...rest } = options;
  await explore(
    { ...rest, seed: Number(match[1]), ...(match[2] === undefined ? {} : { steps: Number(match[2]) }) },
    Number(match[3]),
  );
}

async function explore<S, E>(options: ExploreDamageOptions<S, E>, only: number | undefined): Promise<DamageReport> {
  checkOptions("exploreDamage", options, OPTIONS);
  const seed = checkInteger("exploreDamage", "seed", options.seed, { min: 0 }, 1);
  const statesMax = checkInteger("exploreDamage", "statesMax", options.statesMax, { min: 1 }, Number.MAX_SAFE_INTEGER);
  const swapsMax = checkInteger("exploreDamage", "swapsMax", options.swapsMax, { min: 0 }, 500);
  const rejections = new RejectionWatch();
  try {
    const { snapshot, events } = await build(options, seed, rejections);
    const damages = listDamages(options, snapshot, seed, swapsMax);
    const order = damages.map((_, at) => at);
    if (statesMax < damages.length) shuffle(order, new SeededRandom(seed).fork("damage order"));
    const counts = { recovered: 0, rejected: 0, kinds: {} as Record<string, number> };
    let tried = 0;
    for (const at of only === undefined ? order : [only]) {
      if (tried >= statesMax || options.signal?.aborted === true) break;
      const damage = damages[at];
      if (damage === undefined)
        throw new InvalidArgumentError(
          "HF_INVALID_ARGUMENT",
          `There are ${damages.length} damages, none is number ${at}.`,
          { damage: at },
        );
      tried++;
      const { outcome, failure } = await tryDamage(options, seed, snapshot, events, damage, rejections);
      if (failure !== undefined) {
        const id = `${options.steps === undefined ? seed : `${seed}/${options.steps}`}:damage:${at}`;
        throw new CrashFoundError(
          { name: options.name, scenario: "damage", id, problem: failure.problem, trace: damage.label },
          failure.error,
        );
      }
      if (outcome !== undefined) counts[outcome.kind]++;
      counts.kinds[damage.kind] = (counts.kinds[damage.kind] ?? 0) + 1;
      if (tried % PROGRESS_EVERY === 0)
        options.onProgress?.({ done: tried, total: Math.min(statesMax, damages.length) });
    }
    return { name: options.name, seed, total: damages.length, tried, ...counts };
  } finally {
    rejections.stop();
  }
}

async function build<S, E>(
  options: ExploreDamageOptions<S, E>,
  seed: number,
  rejections: RejectionWatch,
): Promise<{ snapshot: DiskSnapshot; events: E[] }> {
  const vfs = new SimVfs({ seed });
  const events: E[] = [];
  const built = await settle(vfs, () =>
    options.build({
      vfs,
      random: new SeededRandom(seed).fork("workload"),
      steps: options.steps ?? 0,
      note: (event) => events.push(event),
    }),
  );
  const rejected = await rejections.next();
  const problem =
    rejected !== undefined
      ? "unhandled-rejection"
      : built.kind === "error"
        ? "build-rejected"
        : built.kind === "hang"
          ? "build-hangs"
          : undefined;
  if (problem !== undefined) {
    const cause = rejected?.error ?? (built.kind === "error" ? built.error : new Error("the promise has not settled"));
    throw new CrashFoundError(
      { name: options.name, scenario: "build", id: `${seed}:damage:0`, problem, trace: "" },
      cause,
    );
  }
  const settledVfs = vfs.kill(keepEverything);
  for (const entry of settledVfs.snapshotTree()) {
    const node = settledVfs.disk.find(entry.path);
    if (node?.kind === "file") node.sync(() => true);
    else node?.sync(() => true);
  }
  return { snapshot: settledVfs.disk.snapshot(), events };
}

async function tryDamage<S, E>(
  options: ExploreDamageOptions<S, E>,
  seed: number,
  snapshot: DiskSnapshot,
  before: readonly E[],
  damage: Damage,
  rejections: RejectionWatch,
): Promise<{ outcome: DamageOutcome<S> | undefined; failure: CrashFailure | undefined }> {
  const vfs = new SimVfs({
    disk: SimDisk.afterKill(snapshot, keepEverything, { seed }),
    operationsMax: options.operationsMax ?? 1_000_000,
  });
  damage.apply(vfs);
  const events = before.slice();
  const settled = await settle(vfs, () =>
    options.recover({ vfs, random: new SeededRandom(seed).fork("recover"), note: (event) => events.push(event) }),
  );
  if (vfs.runaway)
    return { outcome: undefined, failure: { problem: "recover-runs-away", error: new Error("too many operations") } };
  if (settled.kind === "hang")
    return {
      outcome: undefined,
      failure: { problem: "recover-hangs", error: new Error("the promise has not settled") },
    };
  const outcome: DamageOutcome<S> =
    settled.kind === "value" ? { kind: "recovered", state: settled.value } : { kind: "rejected", error: settled.error };
  let failure: CrashFailure | undefined;
  try {
    await options.check(outcome, events, damage, vfs);
  } catch (error) {
    failure = { problem: "check", error };
  }
  vfs.die();
  const rejected = await rejections.next();
  if (rejected !== undefined) failure = { problem: "unhandled-rejection", error: rejected.error };
  return { outcome, failure };
}

function listDamages<S, E>(
  options: ExploreDamageOptions<S, E>,
  snapshot: DiskSnapshot,
  seed: number,
  swapsMax: number,
): Damage[] {
  const vfs = new SimVfs({ disk: SimDisk.afterKill(snapshot, keepEverything) });
  const files = vfs
    .snapshotTree()
    .flatMap((entry) => (entry.contents === undefined ? [] : [{ path: entry.path, contents: entry.contents }]));
  const includes = (path: string, offset: number): boolean => options.includes?.(path, offset) ?? true;
  const damages: Damage[] = [];
  const sectors: { path: string; sector: number; contents: Uint8Array }[] = [];
  for (const { path, contents } of files) {
    for (let offset = 0; offset < contents.byteLength; offset++) {
      if (!includes(path, offset)) continue;
      for (const mask of options.flips ?? [0x01, 0x80, 0xff]) {
        damages.push({
          kind: "flip",
          path,
          offset,
          label: `flip 0x${mask.toString(16)} at byte ${offset} of ${path}`,
          apply: (target) => flipByte(target, path, offset, mask),
        });
      }
    }
    for (let sector = 0; sector * SECTOR_BYTES < contents.byteLength; sector++) {
      const offset = sector * SECTOR_BYTES;
      if (!includes(path, offset)) continue;
      const bytes = contents.subarray(offset, offset + SECTOR_BYTES);
      sectors.push({ path, sector, contents: bytes });
      if (bytes.some((byte) => byte !== 0)) {
        damages.push({
          kind: "zero",
          path,
          offset,
          label: `zeros in sector ${sector} of ${path}`,
          apply: (target) => zeroSector(target, path, sector),
        });
      }
      damages.push({
        kind: "truncate",
        path,
        offset,
        label: `${path} cut to ${offset} bytes`,
        apply: (target) => truncateFile(target, path, offset),
      });
    }
    const short = contents.byteLength - 1;
    if (short > 0)
      damages.push({
        kind: "truncate",
        path,
        offset: short,
        label: `${path} cut to ${short} bytes`,
        apply: (target) => truncateFile(target, path, short),
      });
    damages.push({
      kind: "drop",
      path,
      offset: 0,
      label: `${path} removed`,
      apply: (target) => dropFile(target, path),
    });
    for (const other of files) {
      if (other.path === path || Buffer.compare(other.contents, contents) === 0) continue;
      damages.push({
        kind: "duplicate",
        path,
        offset: 0,
        label: `${path} replaced by ${other.path}`,
        apply: (target) => duplicateFile(target, other.path, path),
      });
    }
  }
  return [...damages, ...listSwaps(sectors, new SeededRandom(seed).fork("swaps"), swapsMax)];
}

function listSwaps(
  sectors: readonly { path: string; sector: number; contents: Uint8Array }[],
  random: SeededRandom,
  swapsMax: number,
): Damage[] {
  const pairs: [number, number][] = [];
  const total = (sectors.length * (sectors.length - 1)) / 2;
  if (total <= swapsMax * 4) {
    for (let one = 0; one < sectors.length; one++)
      for (let other = one + 1; other < sectors.length; other++) pairs.push([one, other]);
    shuffle(pairs, random);
  } else
    for (let at = 0; at < swapsMax * 4; at++) pairs.push([random.below(sectors.length), random.below(sectors.length)]);
  const swaps: Damage[] = [];
  for (const [at, otherAt] of pairs) {
    if (swaps.length >= swapsMax) break;
    const one = sectors[at];
    const other = sectors[otherAt];
    if (one === undefined || other === undefined || Buffer.compare(one.contents, other.contents) === 0) continue;
    const label = `sector ${one.sector} of ${one.path} exchanged with sector ${other.sector} of ${other.path}`;
    swaps.push({
      kind: "swap",
      path: one.path,
      offset: one.sector * SECTOR_BYTES,
      label,
      apply: (target) => swapSectors(target, one, other),
    });
  }
  return swaps;
}

function shuffle<T>(items: T[], random: SeededRandom): void {
  for (let at = items.length - 1; at > 0; at--) {
    const other = random.below(at + 1);
    [items[at], items[other]] = [items[other] as T, items[at] as T];
  }
}
