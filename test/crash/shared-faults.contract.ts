/** Shared logs on a disk whose operations fail. */
import type { SharedLogOptions } from "holdfast/streams";
import type { ExploreFaultsOptions } from "holdfast/testing";
import type { SimOperation } from "holdfast/vfs";
import { type SharedCall, SharedCaller } from "../../src/cli/crash/shared-calls.js";
import { type RecoveredShared, sharedExploration } from "../../src/cli/crash/shared-suites.js";
import type { SharedEvent } from "../../src/cli/crash/shared-model.js";
import { failureOf } from "./failure-of.contract.js";
import { makeFailingCalls } from "./failing-calls.contract.js";

/** Every way in which a shared log writes, in a few calls: entries, batches, truncations, checkpoints, moves, prunes. */
const CALLS: readonly SharedCall[] = [
  { call: "append", stream: 0, bytes: 40 },
  {
    call: "commit",
    parts: [
      [0, [7]],
      [1, [200, 7]],
    ],
  },
  { call: "churn", stream: 1, count: 7 },
  { call: "cut", stream: 0, drop: 1 },
  {
    call: "together",
    calls: [
      { call: "append", stream: 0, bytes: 7 },
      { call: "prune", stream: 1, keep: 1 },
      { call: "append", stream: 1, bytes: 7 },
    ],
  },
  { call: "enqueue", stream: 0, sizes: [5, 6] },
  { call: "reopen" },
  { call: "churn", stream: 1, count: 4 },
];

/** The fault exploration of a shared log with these options. */
export function sharedFaults(
  name: string,
  options: Omit<SharedLogOptions, "vfs">,
  seed: number,
): ExploreFaultsOptions<RecoveredShared, SharedEvent> {
  const effort = { depth: 1, kill: true, nestedShare: 0, nestedCap: 1 };
  const { recover, check } = sharedExploration({ title: name, seed, options, calls: CALLS, effort });
  return {
    name,
    seed,
    recover,
    check,
    workload: ({ vfs, note }) =>
      makeFailingCalls(vfs, () => SharedCaller.open({ ...options, vfs }, note), CALLS, probe),
  };
}

const OPERATIONS: readonly SimOperation[] = [
  "open",
  "read",
  "write",
  "sync-data",
  "truncate",
  "preallocate",
  "size",
  "make-directory",
  "list",
  "stat",
  "rename",
  "remove",
  "sync-directory",
  "lock",
];

/** What a closed shared log may not lose, in few calls: a stuck stream beside a busy one, so that much is done in the background. */
const CLOSED_CALLS: readonly SharedCall[] = [
  ...Array.from({ length: 3 }, () => ({ call: "append", stream: 0, bytes: 40 }) as const),
  { call: "churn", stream: 1, count: 9 },
  ...Array.from({ length: 3 }, () => ({ call: "append", stream: 1, bytes: 40 }) as const),
];

/** The fault exploration of a shared log that is closed at the first failure, with no call between: what was acknowledged is durable, or close says no. */
export function sharedFaultsClosed(
  name: string,
  options: Omit<SharedLogOptions, "vfs">,
  seed: number,
): ExploreFaultsOptions<RecoveredShared, SharedEvent> {
  const effort = { depth: 1, kill: true, nestedShare: 0, nestedCap: 1 };
  const { recover, check } = sharedExploration({ title: name, seed, options, calls: CLOSED_CALLS, effort });
  return {
    name,
    seed,
    recover,
    check,
    // The ways in which a write fails are the explorer's; here the moment counts.
    errnos: Object.fromEntries(OPERATIONS.map((operation) => [operation, operation === "write" ? ["EIO"] : []])),
    async workload({ vfs, note }) {
      await vfs.makeDirectory("/data");
      await vfs.syncDirectory("/");
      let acked = 0;
      const caller = await SharedCaller.open({ ...options, vfs }, (event) => {
        if (event.kind === "acked") acked = event.id;
        note(event);
      });
      try {
        for (const call of CLOSED_CALLS) await caller.make(call);
      } finally {
        await caller.shared.close();
        note({ kind: "durable", id: acked });
      }
    },
  };
}

/** After a failure: either the shared log goes on as if nothing were, or it takes nothing more at all. And it lets itself be closed. */
async function probe(caller: SharedCaller): Promise<void> {
  const { shared } = caller;
  const append = (): Promise<unknown> => caller.make({ call: "append", stream: 0, bytes: 3 });
  const first = await failureOf(append());
  if (first !== undefined) {
    for (const failure of [await failureOf(append()), await failureOf(shared.sync())]) {
      if (failure === undefined) throw new Error("a shared log that had failed took an entry");
      if (failure.code !== first.code)
        throw new Error(`a failed shared log rejected with ${first.code}, then with ${failure.code}`);
    }
  }
  await failureOf(shared.close());
}
