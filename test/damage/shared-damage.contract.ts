/** A small closed shared log for the damage sweep: three streams, moved entries, checkpoints, several segments. */
import { CorruptionError, FormatError } from "holdfast";
import { SharedLog, type SharedLogOptions } from "holdfast/streams";
import type { ExploreDamageOptions } from "holdfast/testing";
import { SHARED_PATH, type SharedCall, SharedCaller } from "../../src/cli/crash/shared-calls.js";
import { type SharedEvent, SharedModel } from "../../src/cli/crash/shared-model.js";
import { readShared } from "../../src/cli/crash/shared-suites.js";

const CALLS: readonly SharedCall[] = [
  { call: "append", stream: 0, bytes: 40 },
  { call: "append", stream: 0, bytes: 7 },
  {
    call: "commit",
    parts: [
      [0, [7]],
      [1, [100, 7]],
    ],
  },
  { call: "churn", stream: 1, count: 9 },
  { call: "cut", stream: 0, drop: 1 },
  { call: "append", stream: 2, bytes: 40 },
  { call: "append", stream: 0, bytes: 7 },
];

/** The damage exploration of a shared log. */
export function sharedDamage(
  name: string,
  options: Omit<SharedLogOptions, "vfs">,
  seed: number,
): ExploreDamageOptions<string, SharedEvent> {
  return {
    name,
    seed,
    async build({ vfs, note }) {
      await vfs.makeDirectory("/data");
      const caller = await SharedCaller.open({ ...options, vfs }, note);
      for (const call of CALLS) await caller.make(call);
      await caller.close();
    },
    async recover({ vfs }) {
      const shared = await SharedLog.open(SHARED_PATH, { ...options, vfs });
      try {
        return await readShared(shared);
      } finally {
        await shared.close();
      }
    },
    check(outcome, events, { label, kind, path }) {
      // The same contents, or an error that says where: nothing in between. What the pointer says is worth nothing, so its damage harms nothing.
      if (outcome.kind === "recovered") {
        const problem = new SharedModel(events).refuse(outcome.state, "power");
        if (problem !== undefined) throw new Error(`${label}: the shared log opened, but ${problem}`);
        return;
      }
      const { error } = outcome;
      if (!(error instanceof CorruptionError || error instanceof FormatError)) throw error;
      if (kind !== "swap" && path.endsWith("streams-checkpoint"))
        throw new Error(`${label}: a hint that is damaged was taken for damage`);
      if (typeof error.details["path"] !== "string" || error.details["path"] === "")
        throw new Error(`${label}: the error names no file: ${error.message}`);
    },
  };
}
