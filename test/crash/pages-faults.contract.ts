/** Page stores on a disk whose operations fail. */
import type { ExploreFaultsOptions } from "holdfast/testing";
import { type PagesCall, PagesCaller } from "../../src/cli/crash/pages-calls.js";
import type { PagesEvent } from "../../src/cli/crash/pages-model.js";
import { type PagesCasePlan, type RecoveredPages, pagesExploration } from "../../src/cli/crash/pages-suite.js";
import { failureOf } from "./failure-of.contract.js";
import { makeFailingCalls } from "./failing-calls.contract.js";

/** Every way in which a page store writes, in a few calls: commits, checkpoints, a table that grows, reopening. */
const CALLS: readonly PagesCall[] = [
  {
    call: "commit",
    pages: [
      [0, "nodes"],
      [1, "nodes"],
      [2, "nodes"],
    ],
  },
  { call: "checkpoint" },
  {
    call: "commit",
    pages: [
      [1, "clear"],
      [0, "halves"],
      [3, "nodes"],
      [4, "nodes"],
      [5, "nodes"],
      [6, "nodes"],
      [7, "nodes"],
    ],
  },
  {
    call: "commit",
    pages: [
      [2, "nodes"],
      [8, "nodes"],
    ],
  },
  { call: "reopen" },
  { call: "commit", pages: [[1, "nodes"]] },
];

/** The fault exploration of a page store on this kind of journal. */
export function pagesFaults(
  name: string,
  plan: Pick<PagesCasePlan, "journal"> & Partial<PagesCasePlan>,
  seed: number,
  calls: readonly PagesCall[] = CALLS,
): ExploreFaultsOptions<RecoveredPages, PagesEvent> {
  const whole: PagesCasePlan = {
    title: name,
    seed,
    ids: 9,
    keep: 1,
    log: { blockBytes: 512, segmentBytes: 65_536 },
    options: { capacity: 8, cache: { bytes: 0 }, checkpoint: { dirtyPagesMax: 2 }, writeBackPages: 2 },
    effort: { depth: 1, kill: true, nestedShare: 0, nestedCap: 1 },
    ...plan,
    calls,
  };
  const { recover, check } = pagesExploration(whole);
  return {
    name,
    seed,
    recover,
    check,
    workload: ({ vfs, note }) => makeFailingCalls(vfs, () => PagesCaller.open(vfs, whole, note), calls, probe),
  };
}

/** After a failure: either the store goes on as if nothing were, or it takes nothing more at all. And it lets itself be closed. */
async function probe(caller: PagesCaller): Promise<void> {
  const commit = (): Promise<unknown> => caller.make({ call: "commit", pages: [[0, "nodes"]] });
  const first = await failureOf(commit());
  if (first !== undefined) {
    const { store } = caller.open;
    for (const call of [commit, () => store.checkpoint(), () => store.load(""), () => store.verify()]) {
      const failure = await failureOf(call());
      if (failure === undefined) throw new Error("a page store that had failed took a call");
      if (failure.code !== first.code)
        throw new Error(`a failed page store rejected with ${first.code}, then with ${failure.code}`);
    }
  }
  await caller.abandon();
}
