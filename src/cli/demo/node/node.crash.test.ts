/** The demo's node on the simulated disk: the power is cut at its operations, and what comes back is audited as the demo does it. `npm test` tries fewer states than CI. */
import { describe, expect, it } from "vitest";
import { effort } from "../../../base/effort.contract.js";
import { exploreCrashes } from "../../../testing/index.js";
import type { Vfs } from "../../../vfs/index.js";
import { auditRounds, roundOf, smallSettings } from "./demo-node.contract.js";
import { DemoNode } from "./node.js";

const directory = "/node";
const rounds = 6;

/** Opens the node and commits rounds until it has `until` of them, telling of each. Returns what it found. */
async function commitUntil(until: number, vfs: Vfs, tell: (rounds: number) => void): Promise<DemoNode["opening"]> {
  const node = await DemoNode.open(directory, smallSettings(vfs));
  for (let index = node.opening.rounds; index < until; index++) {
    await node.commit(roundOf(index));
    tell(index + 1);
  }
  await node.close();
  return node.opening;
}

describe("the demo's node, wherever the power is cut", () => {
  it("comes back with every acknowledged round, in a state that the audit finds right, and goes on", async () => {
    const report = await exploreCrashes<DemoNode["opening"], number>({
      name: "demo node",
      seed: 7,
      statesMax: effort(150, 40),
      workload: ({ vfs, note }) => commitUntil(rounds, vfs, note),
      async recover({ vfs, note }) {
        // One round more than before, then as the demo looks at it.
        const peek = await DemoNode.open(directory, smallSettings(vfs));
        const { opening, state } = peek;
        await peek.commit(roundOf(opening.rounds));
        note(opening.rounds + 1);
        await peek.close();
        const demands = { acknowledged: opening.rounds + 1, recoveries: state.recoveries, rows: true };
        await auditRounds(directory, smallSettings(vfs), rounds + 4, demands);
        return opening;
      },
      check(opening, events) {
        // The last one is what this recovery told itself.
        expect(opening.rounds).toBeGreaterThanOrEqual(Math.max(0, ...events.slice(0, -1)));
      },
    });
    expect(report.distinct).toBeGreaterThan(effort(60, 20));
  }, 120_000);
});
