/**
 * The suites about stores that commit together, as one batch of the shared log on whose streams they stand. After a crash all of them are at the same
 * block: the last one that was acknowledged, or the one after it. What was refused left nothing in any of them.
 */
import { SeededRandom } from "../../base/index.js";
import type { ExploreCrashesOptions, RecoverContext } from "../../testing/index.js";
import type { SimVfs } from "../../vfs/index.js";
import { type CrashSuite, crashCase } from "./crash-case.js";
import { type Effort, effortOf } from "./effort.js";
import { pick } from "./log-calls.js";
import { type Refusal, type TogetherPlan, TogetherStores } from "./together-place.js";

/** One step of a workload. */
export type TogetherCall = "block" | "reopen" | "checkpoint" | "churn" | { readonly refused: Refusal };

/** What a case is made of. */
export interface TogetherCasePlan extends TogetherPlan {
  readonly title: string;
  readonly seed: number;
  readonly calls: readonly TogetherCall[];
  readonly disk?: ExploreCrashesOptions<unknown, unknown>["disk"];
  readonly effort: Effort;
}

/** `opened`: a recovery showed so many blocks. */
interface TogetherEvent {
  readonly kind: "issued" | "acked" | "opened";
  readonly blocks: number;
}

/** Recovered stores. */
interface RecoveredTogether {
  readonly stores: TogetherStores;
  /** How many blocks each store has, by its name. */
  readonly blocks: Readonly<Record<string, number>>;
}

/** The exploration of a plan. */
export function togetherExploration(plan: TogetherCasePlan): ExploreCrashesOptions<RecoveredTogether, TogetherEvent> {
  const { followUps, ...limits } = plan.effort;
  const check = ({ blocks }: RecoveredTogether, events: readonly TogetherEvent[]): void => {
    const own = events.findLastIndex(({ kind }) => kind === "opened");
    const problem = refuse(blocks, events.slice(0, own));
    if (problem !== undefined) throw new Error(`the recovered stores: ${problem}`);
  };
  return {
    name: plan.title,
    seed: plan.seed,
    steps: plan.calls.length,
    // Recovering several stores takes long, so a few states of many moments tell more than many of a few.
    capPerPoint: 12,
    samplesPerPoint: 6,
    ...limits,
    ...(plan.disk === undefined ? {} : { disk: plan.disk }),
    async workload({ vfs, note, steps }) {
      await makeParent(vfs);
      await runCalls(vfs, plan, plan.calls.slice(0, steps), note);
    },
    async recover({ vfs, note }) {
      await makeParent(vfs);
      const stores = await TogetherStores.open(vfs, plan);
      const blocks = await stores.blocks();
      note({ kind: "opened", blocks: blocks["events"]! });
      return { stores, blocks };
    },
    check,
    describe: ({ blocks }) => JSON.stringify(blocks),
    close: ({ stores }) => stores.close(),
    ...(followUps === undefined
      ? {}
      : {
          idempotent: true as const,
          async resume({ stores, blocks }: RecoveredTogether, { note }: RecoverContext<TogetherEvent>) {
            let block = blocks["events"]!;
            for (const count of followUps) for (let n = 0; n < count; n++) await commitNext(stores, ++block, note);
          },
          checkResumed: check,
        }),
  };
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

async function runCalls(
  vfs: SimVfs,
  plan: TogetherPlan,
  calls: readonly TogetherCall[],
  note: (event: TogetherEvent) => void,
): Promise<void> {
  let stores = await TogetherStores.open(vfs, plan);
  let block = 0;
  // A checkpoint goes to the disk beside the blocks that follow.
  let checkpoint: Promise<void> = Promise.resolve();
  for (const call of calls) {
    if (call === "block") {
      await commitNext(stores, block + 1, note);
      block += 1;
    } else if (call === "churn") {
      await stores.churn();
    } else if (call === "checkpoint") {
      await checkpoint;
      checkpoint = stores.checkpoint(block);
    } else if (call === "reopen") {
      await checkpoint;
      await stores.close();
      stores = await TogetherStores.open(vfs, plan);
    } else {
      await checkpoint;
      await stores.commit(block + 1, call.refused);
    }
  }
  await checkpoint;
  await stores.close();
}

/** The caller's part: what a store is in has to be there. */
async function makeParent(vfs: SimVfs): Promise<void> {
  await vfs.makeDirectory("/data");
  await vfs.syncDirectory("/");
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
