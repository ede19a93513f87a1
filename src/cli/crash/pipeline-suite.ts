/**
 * The suites about persist pipelines. After a crash: each lane and the chain have consecutive entries and the right ones; the anchor that is read finds all
 * that it needs; what was published is there, unless an anchor that was written made it superfluous; what was dropped stays dropped.
 *
 * Some of the cases lose one slot of the anchor in the crash as well. Then the anchor before it is read, and must find all that *it* needs.
 */
import type { AnchorMode } from "../../anchor/index.js";
import { SeededRandom, equalBytes } from "../../base/index.js";
import { type AnchorNeeds, type Codec, PersistPipeline, type Persisted } from "../../lanes/index.js";
import type { RecoverContext } from "../../testing/index.js";
import { SharedLog } from "../../streams/index.js";
import type { SimVfs } from "../../vfs/index.js";
import { loseNewestSlot } from "./anchor-slots.js";
import { type CrashCase, type CrashSuite, crashCase } from "./crash-case.js";
import { effortOf } from "./effort.js";
import { type Durability, SMALL_LOG, SMALL_SHARED } from "./lane-places.js";
import { pick } from "./log-calls.js";
import { makeParent } from "./parent-directory.js";
import { makePayload } from "./payload-book.js";

const PATH = "/data/node";
const SLOT_BYTES = 512;
const LANES = ["ann", "bob"] as const;
/** The chain counts as one of them here. */
const ALL = ["chain", "ann", "bob"] as const;
type Name = (typeof ALL)[number];

/** A number for the chain and for each lane. */
type Each = Readonly<Record<Name, number>>;

interface PipelineAnchor {
  readonly n: number;
  /** From where on it needs each. */
  readonly starts: Each;
}

type Pipeline = PersistPipeline<string, Uint8Array, Uint8Array, PipelineAnchor>;

export type PipelineEvent =
  | { readonly kind: "anchor-issued" | "anchor-told" | "anchor-read"; readonly anchor: PipelineAnchor }
  /** Entries below `nextIndex` were handed over; were told of; were found. */
  | { readonly kind: "issued" | "told" | "found"; readonly name: Name; readonly nextIndex: number }
  /** All of this is there or none of it: the anchor with number `n`, if not 0, and the entries below `next`. */
  | { readonly kind: "cycle"; readonly n: number; readonly next: Partial<Each> }
  /** Nothing below `firstIndex` may come back. */
  | { readonly kind: "dropped"; readonly name: Name; readonly firstIndex: number };

interface Held {
  readonly firstIndex: number;
  readonly nextIndex: number;
}

interface OpenPipeline {
  readonly pipeline: Pipeline;
  /** Whether its cycles are. */
  readonly atomic: boolean;
  close(): Promise<void>;
}

/** A recovered pipeline. */
export interface Recovered {
  readonly open: OpenPipeline;
  readonly anchor: PipelineAnchor | undefined;
  readonly held: Readonly<Record<Name, Held>>;
  readonly problems: readonly string[];
  /** What is in quarantine because of it. */
  readonly causes: readonly unknown[];
}

/** What happens in one cycle. */
export interface Cycle {
  readonly counts: Each;
  /** How many entries the anchor moves each one on, from what it needed before; past all that there is, too. `undefined`: no anchor. */
  readonly moves: Each | undefined;
  /** Does not wait for the cycle before it. */
  readonly overlaps: boolean;
  readonly reopens: boolean;
}

/** A place for pipelines. */
export interface PipelineKind {
  readonly name: string;
  /** How many values the slots of its anchor hold, of which one may be lost. 0: it has none. */
  readonly slots: number;
  open(vfs: SimVfs, onPersisted: (persisted: Persisted<string, PipelineAnchor>) => void): Promise<OpenPipeline>;
}

const bytes: Codec<Uint8Array> = { encode: (value) => value, decode: (value) => value };

const anchorCodec: Codec<PipelineAnchor> = {
  encode: (anchor) => new TextEncoder().encode(JSON.stringify(anchor)),
  decode: (stored) => JSON.parse(new TextDecoder().decode(stored)) as PipelineAnchor,
};

function needs({ starts }: PipelineAnchor): AnchorNeeds<string, Uint8Array> {
  return { chain: starts.chain, lanes: LANES.map((name) => [name, starts[name]] as const) };
}

/** What the pipelines of these suites are opened with, wherever they are. */
const pipelineOptions = { lanes: { codec: bytes }, chain: { codec: bytes }, anchor: { codec: anchorCodec, needs } };

/** In a directory. */
export function inDirectory(mode: AnchorMode): PipelineKind {
  return {
    name: `a directory, anchor ${mode}`,
    slots: mode === "alternate" ? 2 : 1,
    async open(vfs, onPersisted) {
      const anchor = { ...pipelineOptions.anchor, mode, slotBytes: SLOT_BYTES };
      const pipeline = await PersistPipeline.open(PATH, {
        ...pipelineOptions,
        anchor,
        onPersisted,
        layout: "log-per-lane",
        vfs,
        log: SMALL_LOG,
      });
      return { pipeline, atomic: false, close: () => pipeline.close() };
    },
  };
}

/** In a shared log. */
export function inSharedLog(atomic: boolean, durability: Durability = "sync"): PipelineKind {
  return {
    name: `a shared log, ${durability}, ${atomic ? "atomic" : "part by part"}`,
    slots: 0,
    async open(vfs, onPersisted) {
      const shared = await SharedLog.open(PATH, { ...SMALL_SHARED, vfs, durability });
      const pipeline = await PersistPipeline.open(shared, { ...pipelineOptions, atomic, onPersisted });
      return {
        pipeline,
        atomic,
        async close() {
          await pipeline.close();
          await shared.close();
        },
      };
    },
  };
}

/** The entry with this index; the same whenever it is written, so that only its index tells a dropped one that came back. */
function valueOf(name: Name, index: number): Uint8Array {
  const serial = ALL.indexOf(name) * 1000 + index;
  return makePayload(serial, [8, 600, 60, 1][serial % 4]!, "random");
}

async function openNoting(
  kind: PipelineKind,
  vfs: SimVfs,
  note: (event: PipelineEvent) => void,
): Promise<OpenPipeline> {
  return await kind.open(vfs, (persisted) => {
    if (persisted.kind === "anchor") note({ kind: "anchor-told", anchor: persisted.anchor });
    else {
      const name = persisted.kind === "chain" ? "chain" : (persisted.key as Name);
      note({ kind: "told", name, nextIndex: persisted.nextIndex });
    }
  });
}

/** What a workload knows of its pipeline. */
class Progress {
  next: Record<Name, number> = { chain: 0, ann: 0, bob: 0 };
  anchor: PipelineAnchor = { n: 0, starts: { chain: 0, ann: 0, bob: 0 } };

  /** Asks for a cycle, and notes what is asked. */
  persist(
    { pipeline, atomic }: OpenPipeline,
    { counts, moves }: Cycle,
    note: (event: PipelineEvent) => void,
  ): Promise<void> {
    if (moves !== undefined) {
      const starts = { ...this.anchor.starts };
      for (const name of ALL) {
        starts[name] += moves[name];
        this.next[name] = Math.max(this.next[name], starts[name]);
      }
      this.anchor = { n: this.anchor.n + 1, starts };
      note({ kind: "anchor-issued", anchor: this.anchor });
    }
    const lanes = [];
    const from = { ...this.next };
    for (const name of ALL) {
      this.next[name] += counts[name];
      note({ kind: "issued", name, nextIndex: this.next[name] });
    }
    for (const name of LANES)
      if (counts[name] > 0) lanes.push({ key: name, firstIndex: from[name], values: this.#values(name, from[name]) });
    const next = Object.fromEntries(ALL.filter((name) => counts[name] > 0).map((name) => [name, this.next[name]]));
    if (atomic) note({ kind: "cycle", n: moves === undefined ? 0 : this.anchor.n, next });
    return pipeline.persist({
      ...(moves === undefined ? {} : { anchor: this.anchor }),
      ...(counts.chain === 0 ? {} : { chain: { firstIndex: from.chain, values: this.#values("chain", from.chain) } }),
      lanes,
    });
  }

  #values(name: Name, from: number): Uint8Array[] {
    return Array.from({ length: this.next[name] - from }, (_, at) => valueOf(name, from + at));
  }
}

/** What is dropped now stays dropped. */
function noteDropped({ pipeline }: OpenPipeline, note: (event: PipelineEvent) => void): void {
  for (const name of ALL) {
    const firstIndex = name === "chain" ? pipeline.chain.firstIndex : pipeline.lanes.get(name)?.firstIndex;
    if (firstIndex !== undefined) note({ kind: "dropped", name, firstIndex });
  }
}

/** Opens it after a crash, and looks at all of it. */
export async function recoverPipeline(
  kind: PipelineKind,
  losesSlot: boolean,
  { vfs, note }: RecoverContext<PipelineEvent>,
): Promise<Recovered> {
  if (losesSlot) await loseNewestSlot(vfs, `${PATH}/anchor`, SLOT_BYTES);
  const open = await openNoting(kind, vfs, note);
  const { pipeline } = open;
  const problems = pipeline.failures.map(({ lane, error }) => `${lane}: ${String(error)}`);
  if (pipeline.lanes.foreign.length > 0) problems.push(`foreign: ${pipeline.lanes.foreign.join(", ")}`);
  const held: Record<string, Held> = {};
  for (const name of ALL) {
    const log = name === "chain" ? pipeline.chain.log : pipeline.lanes.get(name);
    held[name] = { firstIndex: log?.firstIndex ?? 0, nextIndex: log?.nextIndex ?? 0 };
    let index = log?.firstIndex ?? 0;
    for (const value of log === undefined ? [] : await log.readAll()) {
      if (!equalBytes(value, valueOf(name, index))) problems.push(`entry ${index} of ${name} is another one`);
      index += 1;
    }
  }
  const { anchor } = pipeline;
  if (anchor !== undefined) note({ kind: "anchor-read", anchor });
  for (const name of ALL) note({ kind: "found", name, nextIndex: held[name]!.nextIndex });
  noteDropped(open, note);
  return {
    open,
    anchor,
    held: held as Record<Name, Held>,
    problems,
    causes: pipeline.failures.map(({ error }) => error),
  };
}

/** Which of the entries below these indexes are there. */
function presence({ held }: Recovered, next: Partial<Each>): boolean[] {
  return ALL.flatMap((name) => (next[name] === undefined ? [] : [held[name].nextIndex >= next[name]]));
}

/** Why this can't be what a crash left; `undefined` where it can. */
function refuse(state: Recovered, events: readonly PipelineEvent[], anchorsLost: number): string | undefined {
  if (state.problems.length > 0) return state.problems.join("; ");
  const anchors = events.filter((event) => "anchor" in event);
  let known = 0;
  for (const { kind, anchor } of anchors) {
    if (kind === "anchor-told") known = Math.max(known, anchor.n);
    else if (kind === "anchor-read") known = anchor.n;
  }
  const issued = Math.max(0, ...anchors.map(({ anchor }) => anchor.n));
  const n = state.anchor?.n ?? 0;
  if (n < known - anchorsLost) return `the anchor is ${n}, though ${known} was told of`;
  if (n > issued) return `the anchor is ${n}, though only ${issued} were written`;
  // What an opening did not find of a cycle is lost, and later cycles may take its numbers.
  for (const event of events.slice(events.findLastIndex(({ kind }) => kind === "found") + 1)) {
    if (event.kind !== "cycle") continue;
    const has = presence(state, event.next);
    if (event.n > 0) has.push(n >= event.n);
    if (has.includes(true) && has.includes(false))
      return `a part of an atomic cycle is there: ${JSON.stringify(event)}`;
  }
  for (const name of ALL) {
    const { firstIndex, nextIndex } = state.held[name];
    const need = state.anchor?.starts[name] ?? 0;
    let told = 0;
    let handed = 0;
    let dropped = 0;
    for (const event of events) {
      if (!("name" in event) || event.name !== name) continue;
      if (event.kind === "dropped") dropped = Math.max(dropped, event.firstIndex);
      else if (event.kind === "issued") handed = Math.max(handed, event.nextIndex);
      else told = Math.max(told, event.nextIndex);
    }
    if (firstIndex > need) return `${name} starts at ${firstIndex}, though the anchor needs it from ${need} on`;
    if (nextIndex < need) return `${name} ends before ${nextIndex}, where the anchor needs ${need}`;
    if (nextIndex < told) return `${name} ends before ${nextIndex}, though ${told - 1} was told of`;
    if (nextIndex > Math.max(handed, need))
      return `${name} ends before ${nextIndex}, though nothing from ${handed} on was handed over`;
    if (firstIndex < dropped) return `${name} starts at ${firstIndex}, though all below ${dropped} was dropped`;
  }
  return undefined;
}

/** Runs the cycles on a new pipeline, and closes it, also where one fails. */
export async function runCycles(
  kind: PipelineKind,
  cycles: readonly Cycle[],
  vfs: SimVfs,
  note: (event: PipelineEvent) => void,
): Promise<void> {
  await makeParent(vfs);
  const progress = new Progress();
  let open = await openNoting(kind, vfs, note);
  let before: Promise<void> = Promise.resolve();
  try {
    for (const cycle of cycles) {
      if (!cycle.overlaps || cycle.reopens) {
        await before;
        noteDropped(open, note);
      }
      if (cycle.reopens) {
        await open.close();
        open = await openNoting(kind, vfs, note);
      }
      const own = progress.persist(open, cycle, note);
      before = Promise.all([before, own]).then(() => undefined);
    }
    await before;
    noteDropped(open, note);
  } catch (error) {
    await open.close().catch(() => undefined);
    throw error;
  }
  await open.close();
}

/** Why this can't be what a crash left; `undefined` where it can. */
export function refusePipeline(
  state: Recovered,
  events: readonly PipelineEvent[],
  anchorsLost = 0,
): string | undefined {
  return refuse(state, ownEvents(events), anchorsLost);
}

function pipelineCase(
  title: string,
  seed: number,
  kind: PipelineKind,
  cycles: readonly Cycle[],
  index: number,
): CrashCase {
  const { followUps, ...limits } = effortOf(title.split("/")[0]!, index);
  const losesSlot = kind.slots > 0 && index % 2 === 1;
  return crashCase<Recovered, PipelineEvent>(title, {
    name: title,
    seed,
    steps: cycles.length,
    disk: { stale: index % 2 === 0, garbage: index % 3 === 0 ? "written" : "sector" },
    // Recovering several logs takes long, so a few states of many moments tell more than many of a few.
    capPerPoint: 16,
    samplesPerPoint: 6,
    ...limits,
    workload: ({ vfs, note, steps }) => runCycles(kind, cycles.slice(0, steps), vfs, note),
    recover: (context) => recoverPipeline(kind, losesSlot, context),
    check(state, events) {
      const reason = refusePipeline(state, events, losesSlot ? kind.slots - 1 : 0);
      if (reason !== undefined) throw new Error(reason);
    },
    describe: ({ anchor, held }) => JSON.stringify([anchor, held]),
    close: ({ open }) => open.close(),
    ...(followUps === undefined
      ? {}
      : {
          idempotent: true as const,
          async resume({ open, anchor, held }: Recovered, { note }: RecoverContext<PipelineEvent>) {
            const progress = new Progress();
            if (anchor !== undefined) progress.anchor = anchor;
            for (const name of ALL) progress.next[name] = held[name].nextIndex;
            const counts = { chain: 1, ann: 1, bob: 0 };
            for (const moves of [{ chain: 0, ann: 1, bob: 60 }, undefined])
              await progress.persist(open, { counts, moves, overlaps: false, reopens: false }, note);
            noteDropped(open, note);
          },
        }),
  });
}

/** What was noted before the recovery that is checked showed what it found. */
function ownEvents(events: readonly PipelineEvent[]): readonly PipelineEvent[] {
  const last = events.findLastIndex(({ kind }) => kind !== "found" && kind !== "dropped" && kind !== "anchor-read");
  return events.slice(0, last + 1);
}

function randomCycle(random: SeededRandom): Cycle {
  const each = (act: () => number): Each => ({ chain: act(), ann: act(), bob: act() });
  return {
    counts: each(() => random.below(3)),
    moves: random.chance(0.6) ? each(() => pick(random, [0, 0, 1, 1, 2, 7])) : undefined,
    overlaps: random.chance(0.3),
    reopens: random.chance(0.2),
  };
}

function suiteOn(name: string, summary: string, weight: number, kinds: readonly PipelineKind[]): CrashSuite {
  return {
    name,
    summary,
    weight,
    makeCase(index, seed) {
      const random = new SeededRandom(seed).fork(`${name} ${index}`);
      const kind = kinds[(index >> 1) % kinds.length]!;
      const cycles = Array.from({ length: 2 + random.below(3) }, () => randomCycle(random));
      const text = cycles.map(
        ({ counts, moves }) =>
          `${Object.values(counts).join("+")}${moves === undefined ? "" : ` to ${Object.values(moves).join("+")}`}`,
      );
      return pipelineCase(`${name}/${index}: ${kind.name}: ${text.join(", ")}`, seed, kind, cycles, index);
    },
  };
}

/** See the head of this file. */
export const pipelineSuites: readonly CrashSuite[] = [
  suiteOn(
    "lanes-directory",
    "anchor, chain and lanes in a directory, with and without the loss of an anchor's slot",
    1,
    [inDirectory("alternate"), inDirectory("mirror")],
  ),
  suiteOn("lanes-shared", "the same in one shared log, part by part and atomic", 2, [
    inSharedLog(true),
    inSharedLog(false),
    inSharedLog(true, "os"),
    inSharedLog(false, "os"),
  ]),
];
