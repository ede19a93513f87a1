import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { classicLevel } from "../../../engine/index.js";
import { nodeVfs } from "../../../vfs/index.js";
import { roundOf, smallSettings } from "./demo-node.contract.js";
import { countSyncs } from "./separate-logs.js";

it("counts the waits for the disk of a few rounds: four where each store has a log of its own, for one of the node", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "holdfast-separate-test-"));
  try {
    const small = smallSettings(nodeVfs);
    const log = { ...small.log, segmentBytes: 1 << 20, checkpointBytes: 1 << 20 };
    const state = { ...small.state, engine: classicLevel(), snapshots: { everyCommits: 0, keep: 1 } };
    const trie = { engine: classicLevel(), pages: { capacity: 64 } };
    const settings = { ...small, log, state, trie, roundsKept: 100, checkpointEvery: 100 };
    const rounds = Array.from({ length: 4 }, (_, index) => roundOf(index));
    const { rounds: counted, together, separate } = await countSyncs(directory, settings, rounds);
    expect(counted).toBe(3);
    // New lanes and closed segments wait too, in both.
    expect(together).toBeGreaterThanOrEqual(counted);
    expect(separate - together).toBe(3 * counted);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
