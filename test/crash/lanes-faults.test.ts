/**
 * Every operation of a pipeline fails once, in every way. `npm test` does so in a share of the ways for a short run in one place, `HOLDFAST_EFFORT=full` (as in CI) for a
 * longer one in all.
 */
import { describe, expect, it } from "vitest";
import { exploreFaults } from "holdfast/testing";
import {
  type Cycle,
  type PipelineEvent,
  type PipelineKind,
  type Recovered,
  inDirectory,
  inSharedLog,
  recoverPipeline,
  refusePipeline,
  runCycles,
} from "../../src/cli/crash/pipeline-suite.js";

const seed = Number(process.env["HOLDFAST_SEED"] ?? 1);
const isFull = process.env["HOLDFAST_EFFORT"] === "full";

/** Appends, an anchor that prunes, one that jumps; the last two at once. */
const CYCLES: readonly Cycle[] = [
  { counts: { chain: 1, ann: 2, bob: 0 }, moves: undefined, overlaps: false, reopens: false },
  { counts: { chain: 1, ann: 1, bob: 1 }, moves: { chain: 1, ann: 1, bob: 3 }, overlaps: false, reopens: false },
  { counts: { chain: 1, ann: 1, bob: 0 }, moves: { chain: 1, ann: 0, bob: 0 }, overlaps: true, reopens: false },
];

const kinds: readonly PipelineKind[] = [
  inSharedLog(true),
  ...(isFull ? [inSharedLog(false), inDirectory("alternate")] : []),
];

describe("a pipeline whose disk fails", () => {
  for (const kind of kinds) {
    it(`keeps what it told of, and opens again (${kind.name})`, { timeout: 600_000 }, async () => {
      const report = await exploreFaults<Recovered, PipelineEvent>({
        name: kind.name,
        seed,
        workload: ({ vfs, note }) => runCycles(kind, isFull ? CYCLES : CYCLES.slice(1), vfs, note),
        async recover(context) {
          const state = await recoverPipeline(kind, false, context);
          await state.open.close();
          // A lane that can't be opened on a failing disk is in quarantine. Here that counts as an opening that failed.
          if (state.causes.length > 0) throw state.causes[0];
          return state;
        },
        check(state, events) {
          const reason = refusePipeline(state, events);
          if (reason !== undefined) throw new Error(reason);
        },
        errnos: isFull ? {} : { write: ["EIO"], open: ["EIO"], "sync-data": ["EIO"] },
        samples: 1,
        recoveryPoints: isFull ? 1 : 0,
        runsShare: isFull ? 1 : 1 / 4,
      });
      expect(report.runs).toBeGreaterThan(isFull ? 100 : 20);
    });
  }
});
