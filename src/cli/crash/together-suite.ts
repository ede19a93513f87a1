/**
 * The suites about stores that commit together, as one batch of the shared log on whose streams they stand. After a crash all of them are at the same
 * block: the last one that was acknowledged, or the one after it. What was refused left nothing in any of them.
 */
import { SeededRandom } from "../../base/index.js";
import type { ExploreCrashesOptions } from "../../testing/index.js";
import type { SimVfs } from "../../vfs/index.js";
import { type CrashSuite, crashCase } from "./crash-case.js";
import { effortOf } from "./effort.js";
import { pick } from "./log-calls.js";
import { type StoreCase, storeExploration } from "./store-exploration.js";
import { type Refusal, type TogetherPlan, TogetherStores } from "./together-place.js";

/** One step of a workload. */
export type TogetherCall = "block" | "reopen" | "checkpoint" | "churn" | { readonly refused: Refusal };

/** What a case is made of. */
export interface TogetherCasePlan extends TogetherPlan, StoreCase<TogetherCall> {}

/** `opened`: a recovery showed so many blocks. */
interface TogetherEvent {
  readonly kind: "issued" | "acked" | "opened";
  readonly blocks: number;
}

/** Recovered stores. */
interface RecoveredTogether {
  readonly open: TogetherStores;
  /** How many blocks each store has, by its name. */
  readonly blocks: Readonly<Record<string, number>>;
  readonly view: string;
}

/** Recovering several stores takes long, so a few states of many moments tell more than many of a few. */
const LIMITS = { capPerPoint: 12, samplesPerPoint: 6 } as const;

/** The exploration of a plan. */
export function togetherExploration(plan: TogetherCasePlan): ExploreCrashesOptions<RecoveredTogether, TogetherEvent> {
  return storeExploration<RecoveredTogether, TogetherEvent, TogetherCall>(plan, {
    limits: LIMITS,
    open: (vfs, note) => TogetherCaller.open(vfs, plan, note),
    async recover({ vfs, note }) {
      const open = await TogetherStores.open(vfs, plan);
      const blocks = await open.blocks();
      note({ kind: "opened", blocks: blocks["events"]! });
      return { open, blocks, view: JSON.stringify(blocks) };
    },
    refuse: ({ blocks }, before) => refuse(blocks, before),
    async goOn({ open, blocks }, { note }, counts) {
      let block = blocks["events"]!;
      for (const count of counts) for (let n = 0; n < count; n++) await commitNext(open, ++block, note);
    },
  });
}

/** Why this can't be what a crash left; `undefined` where it can. */
function refuse(blocks: Readonly<Record<string, number>>, events: readonly TogetherEvent[]): string | undefined {
  const counts = Object.values(blocks);
  const [count] = counts as [number];
  if (counts.some((other) => other !== count)) return `they are at different blocks: ${JSON.stringify(blocks)}`;
  let [least, most] = [0, 0];
  for (const { kind, blocks: at } of events) {
    if (kind !== "issued") least = at;
    if (kind !== "acked") most = at;
  }
  if (count < least) return `they are at block ${count}, though ${least} was acknowledged`;
  if (count > most) return `they are at block ${count}, though only ${most} were asked for`;
  return undefined;
}

async function commitNext(stores: TogetherStores, block: number, note: (event: TogetherEvent) => void): Promise<void> {
  note({ kind: "issued", blocks: block });
  await stores.commit(block);
  note({ kind: "acked", blocks: block });
}

/** Makes the calls of a case. */
class TogetherCaller {
  readonly #vfs: SimVfs;
  readonly #plan: TogetherPlan;
  readonly #note: (event: TogetherEvent) => void;
  #stores: TogetherStores;
  #block = 0;
  /** A checkpoint goes to the disk beside the blocks that follow. */
  #checkpoint: Promise<void> = Promise.resolve();

  private constructor(vfs: SimVfs, plan: TogetherPlan, note: (event: TogetherEvent) => void, stores: TogetherStores) {
    this.#vfs = vfs;
    this.#plan = plan;
    this.#note = note;
    this.#stores = stores;
  }

  static async open(vfs: SimVfs, plan: TogetherPlan, note: (event: TogetherEvent) => void): Promise<TogetherCaller> {
    return new TogetherCaller(vfs, plan, note, await TogetherStores.open(vfs, plan));
  }

  async make(call: TogetherCall): Promise<void> {
    if (call === "block") {
      await commitNext(this.#stores, this.#block + 1, this.#note);
      this.#block += 1;
    } else if (call === "churn") {
      await this.#stores.churn();
    } else if (call === "checkpoint") {
      await this.#checkpoint;
      this.#checkpoint = this.#stores.checkpoint(this.#block);
    } else if (call === "reopen") {
      await this.close();
      this.#stores = await TogetherStores.open(this.#vfs, this.#plan);
    } else {
      await this.#checkpoint;
      await this.#stores.commit(this.#block + 1, call.refused);
    }
  }

  async close(): Promise<void> {
    await this.#checkpoint;
    await this.#stores.close();
  }
}

function randomCall(random: SeededRandom): TogetherCall {
  if (random.chance(0.2)) return { refused: pick(random, ["throws", "lacks a part", "too large"] as const) };
  return pick(random, ["block", "block", "block", "block", "reopen", "checkpoint", "churn"] as const);
}

function suiteOn(name: string, summary: string, weight: number, withPipeline: boolean): CrashSuite {
  return {
    name,
    summary,
    weight,
    makeCase(index, seed) {
      const random = new SeededRandom(seed).fork(`${name} ${index}`);
      const calls: TogetherCall[] = ["block", ...Array.from({ length: 1 + random.below(5) }, () => randomCall(random))];
      const plan: TogetherCasePlan = {
        title: `${name}/${index}: ${calls.map((call) => (typeof call === "string" ? call : call.refused)).join(", ")}`,
        seed,
        log: {
          blockBytes: 512,
          segmentBytes: 512 * pick(random, [32, 48]),
          checkpointBytes: pick(random, [4096, 16_384]),
          spareSegmentsMax: random.below(2),
          ...(random.chance(0.25) ? { durability: "os" } : {}),
          ...(random.chance(0.3) ? { flush: "inline" } : {}),
        },
        withPipeline,
        snapshotEvery: pick(random, [0, 2, 3]),
        dirtyPagesMax: pick(random, [1, 1000]),
        calls,
        disk: { stale: random.chance(0.4), garbage: pick(random, ["written", "sector", "none"] as const) },
        effort: effortOf(name, index),
      };
      return crashCase(plan.title, togetherExploration(plan));
    },
  };
}

/** See the head of this file. */
export const togetherSuites: readonly CrashSuite[] = [
  suiteOn("together", "events, commit store and Merkle store, each block one batch of their shared log", 1, false),
  suiteOn("together-cycles", "the same as part of a cycle of anchor, chain and lanes", 1, true),
];
