import { describe, expect, it } from "vitest";
import { SimVfs } from "../../../vfs/index.js";
import { auditRounds, lazySettings, roundOf, smallSettings, withTrieBehind } from "./demo-node.contract.js";
import { flightsOf } from "../flights.contract.js";
import { FlightNode } from "./node.js";
import { type FlightStores, openFlightStores } from "./node-stores.js";

const directory = "/node";

async function commit(vfs: SimVfs, first: number, last: number): Promise<FlightNode> {
  const node = await FlightNode.open(directory, smallSettings(vfs));
  for (let index = first; index <= last; index++) await node.commit(roundOf(index));
  return node;
}

describe("the demo's node", () => {
  it("has the state that the flights add up to", async () => {
    const node = await commit(new SimVfs({ seed: 1 }), 0, 9);
    expect(node.state).toMatchObject({ rounds: 10, flights: 120, lanes: 5, recoveries: 0 });
    expect(node.state.airports).toEqual(flightsOf(1, 120).airports);
    await node.close();
  });

  it("does nothing durable more than once a round where nothing is pruned and no lane is new", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const small = lazySettings(vfs);
    const state = { ...small.state, snapshots: { everyCommits: 0 } };
    const log = { ...small.log, checkpointBytes: 1024 * 1024, segmentBytes: 1024 * 1024 };
    const settings = { ...small, log, state, roundsKept: 100, checkpointEvery: 100 };
    const node = await FlightNode.open(directory, settings);
    for (let index = 0; index < 5; index++) await node.commit(roundOf(index));
    const before = node.counters;
    for (let index = 5; index < 15; index++) await node.commit(roundOf(index));
    const { syncs, groups } = node.counters;
    expect({ syncs: syncs - before.syncs, groups: groups - before.groups }).toEqual({ syncs: 10, groups: 10 });
    await node.close();
  });

  it("goes on after it was closed, from a checkpoint and without a recovery", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await (await commit(vfs, 0, 6)).close();
    const node = await commit(vfs, 7, 8);
    expect(node.opening).toMatchObject({ rounds: 7, flights: 84, clean: true, hasCheckpoint: true });
    // Round 6 stands behind the checkpoint of six rounds.
    expect(node.opening.replayedEvents).toBe(1);
    expect(node.state).toMatchObject({ rounds: 9, recoveries: 0 });
    await node.close();
    await auditRounds(directory, smallSettings(vfs), 9, { acknowledged: 9, recoveries: 0 });
  });

  it("keeps of its past what the window says, and the newest block of a lane that is seldom used", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await (await commit(vfs, 0, 11)).close();
    const { pipeline, close } = await openFlightStores(directory, smallSettings(vfs));
    expect([pipeline.chain.firstIndex, pipeline.chain.nextIndex]).toEqual([10, 12]);
    expect(pipeline.anchor).toMatchObject({ round: 11, firstRound: 10 });
    const lane = async (airport: string): Promise<number[]> => {
      const { firstIndex, nextIndex } = await pipeline.lanes.lane(airport);
      return [firstIndex, nextIndex];
    };
    // Flights 50 and 100 leave from ANC, in rounds 4 and 8.
    expect([await lane("ATL"), await lane("ANC")]).toEqual([
      [10, 12],
      [1, 2],
    ]);
    await close();
  });

  it("has another Merkle root after every round, the same as a node that went on after crashes", async () => {
    const roots: string[][] = [[], []];
    let crashing = new SimVfs({ seed: 1 });
    const whole = await commit(new SimVfs({ seed: 2 }), 0, -1);
    for (let index = 0; index < 6; index++) {
      await whole.commit(roundOf(index));
      roots[0]!.push(whole.newestVersion.root);
      const crashed = await commit(crashing, index, index);
      roots[1]!.push(crashed.newestVersion.root);
      crashing = index % 2 === 0 ? crashing.kill() : crashing.powerCut();
    }
    expect(new Set(roots[0]).size).toBe(6);
    expect(roots[1]).toEqual(roots[0]);
    await whole.close();
  });

  it("does not open where one of its stores is not at the round of the others", async () => {
    const mismatch = { code: "HF_DEMO_MISMATCH" };
    const others: readonly ((stores: FlightStores) => Promise<unknown>)[] = [
      ({ flatkv }) => flatkv.rollback(5),
      ({ trie }) => trie.begin().commit(),
      async ({ shared }) => {
        const events = await shared.stream("events");
        await events.truncateAfter(events.lastLsn - 2);
      },
      ({ pipeline }) => pipeline.persist({ anchor: { ...pipeline.anchor!, round: 3 } }),
    ];
    for (const change of others) {
      const vfs = new SimVfs({ seed: 1 });
      await (await commit(vfs, 0, 4)).close();
      const stores = await openFlightStores(directory, smallSettings(vfs));
      await change(stores);
      await stores.close();
      await expect(FlightNode.open(directory, smallSettings(vfs))).rejects.toMatchObject(mismatch);
    }
    const behind = await withTrieBehind(new SimVfs({ seed: 1 }), 5, 1);
    await expect(FlightNode.open(directory, smallSettings(behind))).rejects.toMatchObject(mismatch);
  });

  it("leaves all of its stores at one round, wherever it is killed", async () => {
    for (const end of ["kill", "powerCut"] as const) {
      const vfs = new SimVfs({ seed: 1 });
      const node = await commit(vfs, 0, 2);
      const on = node.commit(roundOf(3));
      on.catch(() => undefined);
      await new Promise((resolve) => setImmediate(resolve));
      const next = vfs[end]();
      const { pipeline, flatkv, trie, close } = await openFlightStores(directory, smallSettings(next));
      const rounds = pipeline.chain.nextIndex;
      expect(rounds).toBeGreaterThanOrEqual(3);
      expect([flatkv.version, trie.sequence, pipeline.anchor!.round]).toEqual([rounds + 1, rounds + 1, rounds - 1]);
      await close();
    }
  });

  it("says so in its event log where it comes back from a crash", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await commit(vfs, 0, 2);
    const next = vfs.kill();
    const node = await FlightNode.open(directory, smallSettings(next));
    expect(node.opening).toMatchObject({ rounds: 3, clean: false });
    expect(node.state.recoveries).toBe(1);
    await node.close();
    await auditRounds(directory, smallSettings(next), 3, { acknowledged: 3, recoveries: 1 });
  });

  it("refuses a round that is not the next one, before anything is written", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const node = await commit(vfs, 0, 1);
    const mismatch = expect.objectContaining({ code: "HF_DEMO_MISMATCH" });
    await expect(node.commit(roundOf(1))).rejects.toEqual(mismatch);
    await expect(node.commit(roundOf(3))).rejects.toEqual(mismatch);
    await node.commit(roundOf(2));
    await node.close();
    await auditRounds(directory, smallSettings(vfs), 3, { acknowledged: 3, recoveries: 0 });
  });
});
