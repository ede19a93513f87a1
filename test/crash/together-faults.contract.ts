/** Stores that commit together on a disk whose operations fail. */
import type { ExploreFaultsOptions } from "holdfast/testing";
import {
  type RecoveredTogether,
  type TogetherCall,
  TogetherCaller,
  type TogetherCasePlan,
  type TogetherEvent,
  togetherExploration,
} from "../../src/cli/crash/together-suite.js";
import { failureOf } from "./failure-of.contract.js";
import { makeFailingCalls } from "./failing-calls.contract.js";

/** Blocks with all that happens beside them: snapshots, pages that are written, checkpoints, moved entries, refusals, reopening. */
const CALLS: readonly TogetherCall[] = [
  "block",
  "checkpoint",
  "block",
  { refused: "too large" },
  "block",
  "churn",
  "reopen",
  "block",
];

/** The fault exploration of stores that commit together, as part of a pipeline's cycle or alone. */
export function togetherFaults(
  name: string,
  withPipeline: boolean,
  seed: number,
): ExploreFaultsOptions<RecoveredTogether, TogetherEvent> {
  const plan: TogetherCasePlan = {
    title: name,
    seed,
    log: { blockBytes: 512, segmentBytes: 512 * 32, checkpointBytes: 4096 },
    withPipeline,
    snapshotEvery: 2,
    dirtyPagesMax: 1,
    calls: CALLS,
    effort: { depth: 1, kill: true, nestedShare: 0, nestedCap: 1 },
  };
  const { recover, check } = togetherExploration(plan);
  return {
    name,
    seed,
    recover,
    check,
    workload: ({ vfs, note }) => makeFailingCalls(vfs, () => TogetherCaller.open(vfs, plan, note), CALLS, probe),
  };
}

/** After a failure: either the stores go on as if nothing were, or they take no block more. And they let themselves be closed. */
async function probe(caller: TogetherCaller): Promise<void> {
  const block = (): Promise<unknown> => caller.make("block");
  const first = await failureOf(block());
  if (first !== undefined) {
    const second = await failureOf(block());
    if (second === undefined) throw new Error("stores that had failed together took a block");
    if (second.code !== first.code)
      throw new Error(`stores that had failed rejected with ${first.code}, then with ${second.code}`);
  }
  await failureOf(caller.close());
}
