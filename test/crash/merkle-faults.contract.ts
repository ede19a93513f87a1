/** Merkle stores on a disk whose operations fail. */
import type { ExploreFaultsOptions } from "holdfast/testing";
import { HoldfastError } from "holdfast";
import { type MerkleCall, MerkleCaller, type MerkleChange } from "../../src/cli/crash/merkle-calls.js";
import type { MerkleEvent } from "../../src/cli/crash/merkle-model.js";
import { CLUSTER, keyOf } from "../../src/cli/crash/merkle-place.js";
import { type MerkleCasePlan, type RecoveredMerkle, merkleExploration } from "../../src/cli/crash/merkle-suite.js";
import { failureOf } from "./failure-of.contract.js";
import { makeFailingCalls } from "./failing-calls.contract.js";

const cluster = (count: number, bytes: number): MerkleChange[] =>
  Array.from({ length: count }, (_, at) => [CLUSTER.from + at, bytes]);

/** Every way in which a Merkle store writes, in a few calls: commits, a page that comes and goes, checkpoints, the way back, reopening. */
const CALLS: readonly MerkleCall[] = [
  { call: "commit", changes: [[0, 9], [1, 1200], ...cluster(20, 1)] },
  { call: "checkpoint" },
  { call: "commit", changes: [[0, -1], [1, 3], ...cluster(2, -1)] },
  { call: "rollback", commits: 1 },
  { call: "commit", changes: [[2, 4]] },
  { call: "reopen" },
  { call: "commit", changes: [[2, -1]] },
];

/** Operations whose failure refuses the call alone. */
const READING: ReadonlySet<string> = new Set(["read", "open", "stat", "list"]);

/** The fault exploration of a Merkle store on this kind of journal. */
export function merkleFaults(
  name: string,
  plan: Pick<MerkleCasePlan, "journal"> & Partial<MerkleCasePlan>,
  seed: number,
  calls: readonly MerkleCall[] = CALLS,
): ExploreFaultsOptions<RecoveredMerkle, MerkleEvent> {
  const whole: MerkleCasePlan = {
    title: name,
    seed,
    log: { blockBytes: 512, segmentBytes: 65_536 },
    pages: { capacity: 8, cache: { bytes: 0 }, checkpoint: { dirtyPagesMax: 3 } },
    undoable: 2,
    roots: new Map(),
    effort: { depth: 1, kill: true, nestedShare: 0, nestedCap: 1 },
    ...plan,
    calls,
  };
  const { recover, check } = merkleExploration(whole);
  return {
    name,
    seed,
    recover,
    check,
    workload: ({ vfs, note }) => makeFailingCalls(vfs, () => MerkleCaller.open(vfs, whole, note), calls, probe),
  };
}

/** After a failure: either the store goes on, and only what can't be read is refused; or it takes nothing more at all. And it lets itself be closed. */
async function probe(caller: MerkleCaller, told: unknown): Promise<void> {
  const { store } = caller;
  const key = keyOf(0);
  // Closing failed, or reopening behind it: there is nothing left to ask.
  if ((await failureOf(store.get(key)))?.code === "HF_CLOSED") return;
  const isOver = store.failure !== undefined;
  if (told instanceof HoldfastError && isOver !== (told.code === "HF_POISONED") && !READING.has(operationOf(told)))
    throw new Error(`a Merkle store rejected with ${told.code}, and ${isOver ? "is over" : "goes on"}`);
  const changes: (() => Promise<unknown>)[] = isOver
    ? [() => caller.make({ call: "commits", count: 1 }), () => store.rollback(1), () => store.checkpoint()]
    : [];
  for (const call of [...changes, () => store.get(key), () => store.prove(key), () => store.verify()]) {
    const failure = await failureOf(call());
    if (isOver && failure?.code !== "HF_POISONED")
      throw new Error(`a Merkle store that had failed took a call, or said ${failure?.code}`);
    if (!isOver && failure !== undefined && !READING.has(operationOf(failure)))
      throw new Error(`a Merkle store goes on after ${failure.code}: ${failure.message}`);
  }
  await caller.abandon();
}

function operationOf(error: HoldfastError): string {
  return String(error.details["operation"]);
}
