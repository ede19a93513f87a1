/** Commit stores on a disk whose operations fail. */
import type { ExploreFaultsOptions } from "holdfast/testing";
import { type FlatCall, FlatCaller } from "../../src/cli/crash/flatkv-calls.js";
import type { FlatEvent } from "../../src/cli/crash/flatkv-model.js";
import { type FlatCasePlan, type RecoveredFlat, flatExploration } from "../../src/cli/crash/flatkv-suite.js";
import { failureOf } from "./failure-of.contract.js";
import { makeFailingCalls } from "./failing-calls.contract.js";

/** Where there is not time for all of them, an operation fails in one way. */
export const FLAT_ERRNOS = {
  open: ["EIO"],
  write: ["EIO"],
  "sync-data": ["EIO"],
  truncate: ["EIO"],
  preallocate: ["EIO"],
  "make-directory": ["EIO"],
  list: ["EIO"],
  stat: ["EIO"],
  rename: ["EIO"],
  remove: ["EIO"],
  "remove-directory": ["EIO"],
  "sync-directory": ["EIO"],
  lock: ["EIO"],
} as const;

/** Every way in which a commit store writes, in a few calls. */
const CALLS: readonly FlatCall[] = [
  { call: "commits", count: 2 },
  { call: "snapshot" },
  {
    call: "commit",
    sets: [
      [
        [0, 1, 9],
        [1, 1, 9],
        [0, 0, 0],
      ],
    ],
  },
  { call: "rollback", back: 1 },
  { call: "commits", count: 1 },
  { call: "reopen" },
  { call: "commits", count: 1 },
];

/** The fault exploration of a commit store on this kind of journal. */
export function flatFaults(
  name: string,
  plan: Pick<FlatCasePlan, "journal" | "databases"> & Partial<FlatCasePlan>,
  seed: number,
  calls: readonly FlatCall[] = CALLS,
): ExploreFaultsOptions<RecoveredFlat, FlatEvent> {
  const whole: FlatCasePlan = {
    title: name,
    seed,
    log: { blockBytes: 512, segmentBytes: 16_384 },
    options: { syncEveryCommits: 2, snapshots: { everyCommits: 0, keep: 1 } },
    effort: { depth: 1, kill: true, nestedShare: 0, nestedCap: 1 },
    ...plan,
    calls,
  };
  const { recover, check } = flatExploration(whole);
  return {
    name,
    seed,
    recover,
    check,
    workload: ({ vfs, note }) => makeFailingCalls(vfs, () => FlatCaller.open(vfs, whole, note), calls, probe),
  };
}

/** After a failure: either the store goes on as if nothing were, or it takes nothing more at all. And it lets itself be closed. */
async function probe(caller: FlatCaller): Promise<void> {
  const commit = (): Promise<unknown> => caller.make({ call: "commits", count: 1 });
  const first = await failureOf(commit());
  if (first !== undefined) {
    const { store } = caller;
    const calls = [
      commit,
      () => store.snapshot(),
      () => store.rollback(0),
      () => store.getMany([]),
      () => store.discard(),
    ];
    for (const call of calls) {
      const failure = await failureOf(call());
      if (failure === undefined) throw new Error("a commit store that had failed took a call");
      if (failure.code !== first.code)
        throw new Error(`a failed commit store rejected with ${first.code}, then with ${failure.code}`);
    }
  }
  await caller.abandon();
}
