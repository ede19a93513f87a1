/** What the demo's audit must find: each test makes one thing wrong that the stores themselves hold for right. */
import { describe, expect, it } from "vitest";
import { memoryEngine } from "../../../engine/index.js";
import { SimVfs } from "../../../vfs/index.js";
import type { IndexedLog } from "../../../lanes/index.js";
import type { LogRecord } from "../../../log/index.js";
import { type AuditDemands, auditNode } from "./audit.js";
import { Block } from "./block.js";
import { Certificate } from "./certificate.js";
import { auditRounds, expectationOf, roundOf, smallSettings, withTrieBehind } from "./demo-node.contract.js";
import { FlightNode } from "./node.js";
import { type FlightStores, openFlightStores } from "./node-stores.js";
import { hydrateState } from "./node-recovery.js";
import type { NodeSettings } from "./node-settings.js";
import { makeRound } from "./round.js";
import { flightsOf } from "../flights.contract.js";

const directory = "/node";
const rounds = 7;
const demands = { acknowledged: rounds, recoveries: 0 };

/** The error for what is wrong with a part of the node. */
function wrong(part: string): unknown {
  return expect.objectContaining({ code: "HF_DEMO_MISMATCH", exitCode: 1, details: { part } });
}

/** A node with seven rounds, and whatever `change` does to its stores. */
async function nodeWith(
  change: (stores: FlightStores) => Promise<unknown> = async () => undefined,
  changed: Partial<NodeSettings> = {},
): Promise<SimVfs> {
  const vfs = new SimVfs({ seed: 1 });
  const node = await FlightNode.open(directory, { ...smallSettings(vfs), ...changed });
  for (let index = 0; index < rounds; index++) await node.commit(roundOf(index));
  await node.close();
  const stores = await openFlightStores(directory, smallSettings(vfs));
  await change(stores);
  await stores.close();
  return vfs;
}

async function audit(vfs: SimVfs, changed: Partial<AuditDemands> = {}): ReturnType<typeof auditRounds> {
  return await auditRounds(directory, smallSettings(vfs), rounds, { ...demands, ...changed });
}

/** Puts another block in the place of the newest one of a lane. */
async function replaceNewest(
  { pipeline }: FlightStores,
  airport: string,
  make: (newest: Block) => Block | undefined,
): Promise<void> {
  const lane = await pipeline.lanes.lane(airport);
  const newest = (await lane.get(lane.nextIndex - 1))!;
  await lane.truncateAfter(lane.nextIndex - 2);
  const other = make(newest);
  if (other !== undefined) await lane.append(other);
}

/** Writes the newest `count` records of a stream again, as `change` makes them. */
async function rewrite(
  { shared }: FlightStores,
  name: string,
  count: number,
  change: (records: LogRecord[]) => LogRecord[],
): Promise<void> {
  const stream = await shared.stream(name);
  const records: LogRecord[] = [];
  for await (const record of stream.read({ from: stream.lastLsn - count + 1 })) records.push(record);
  await stream.truncateAfter(stream.lastLsn - count);
  await stream.appendAll(change(records));
}

/** What a lane or a chain holds from `from` on is written again, as `change` makes it. */
async function rewriteEntries<T>(
  log: IndexedLog<T>,
  from: number,
  change: (values: T[]) => readonly T[],
): Promise<void> {
  const values: T[] = [];
  for await (const { value } of log.read({ from })) values.push(value);
  await log.truncateAfter(from - 1);
  for (const value of change(values)) await log.append(value);
}

describe("the audit", () => {
  it("finds everything right where everything is right", async () => {
    const found = await audit(await nodeWith());
    expect(found).toMatchObject({ rounds, flights: 84, certificatesRead: 2, flightsCompared: 24 });
    expect(found.state).toMatchObject({ rounds, flights: 84, lanes: 5 });
    expect(found.flatkv.version).toBe(rounds + 1);
    expect(found.databases).toEqual([]);
    expect(found.blocksRead).toBeGreaterThan(8);
    expect(found.eventsRead).toBeGreaterThan(0);
    expect([found.trie.sequence, found.trieContent]).toEqual([rounds + 1, undefined]);
    const { databases, trieContent } = await audit(await nodeWith(), { rows: true });
    expect(trieContent).toMatchObject({ keys: 25, proofs: { present: 8, absent: 2, bytes: { length: 10 } } });
    expect(databases.map(({ name, rows }) => [name, rows])).toEqual([
      ["account", 5],
      ["code", 5],
      ["storage", 10],
      ["legacy", 5],
    ]);
  });

  it("finds a state that is behind the chain, if only by the newest round, which nobody was told of", async () => {
    for (const version of [rounds - 1, rounds])
      await expect(
        audit(await nodeWith(({ flatkv }) => flatkv.rollback(version)), { acknowledged: rounds - 2 }),
      ).rejects.toEqual(wrong("flatkv"));
  });

  it("finds a state that is ahead of the chain, and one with another row", async () => {
    const other = [{ database: "legacy", changes: [{ key: Uint8Array.of(1), value: Uint8Array.of(2) }] }];
    const commitOther = async ({ flatkv }: FlightStores): Promise<void> => {
      await flatkv.applyChangeSets(other);
      await flatkv.commit();
    };
    await expect(audit(await nodeWith(commitOther))).rejects.toEqual(wrong("flatkv"));
    const changed = await nodeWith(async (stores) => {
      await stores.flatkv.rollback(rounds);
      await commitOther(stores);
    });
    await expect(audit(changed)).rejects.toEqual(wrong("flatkv"));
  });

  it("finds a Merkle store that is behind the chain, if only by the newest round, which nobody was told of", async () => {
    for (const behind of [2, 1]) {
      const vfs = await withTrieBehind(new SimVfs({ seed: 1 }), rounds, behind);
      await expect(audit(vfs, { acknowledged: rounds - 2 })).rejects.toEqual(wrong("trie"));
    }
  });

  it("finds a Merkle store that is ahead of the chain, and one with another row", async () => {
    const commitOther = async ({ trie }: FlightStores): Promise<void> => {
      const session = trie.begin();
      session.put(new Uint8Array(32), Uint8Array.of(1));
      await session.commit();
    };
    await expect(audit(await nodeWith(commitOther))).rejects.toEqual(wrong("trie"));
    const behind = await withTrieBehind(new SimVfs({ seed: 1 }), rounds, 1);
    const stores = await openFlightStores(directory, smallSettings(behind));
    await commitOther(stores);
    await stores.close();
    await expect(audit(behind)).rejects.toEqual(wrong("trie"));
  });

  it("finds a value that was changed under a Merkle root that is right, where it reads the rows", async () => {
    const vfs = await nodeWith();
    const values = (await memoryEngine({ vfs }).open("/node/trie/values"))!;
    const batch = values.batch();
    for await (const rows of values.iterate({ gte: Uint8Array.of(1), lt: Uint8Array.of(2) }))
      for (const [key, row] of rows) batch.put(key, row.with(row.length - 1, row.at(-1)! ^ 1));
    await batch.write({ sync: true });
    await values.close();
    expect((await audit(vfs)).trie.sequence).toBe(rounds + 1);
    await expect(audit(vfs, { rows: true })).rejects.toEqual(wrong("trie"));
  });

  it("misses a round that was acknowledged", async () => {
    await expect(audit(await nodeWith(), { acknowledged: rounds + 1 })).rejects.toEqual(wrong("chain"));
  });

  it("finds more rounds than the flights make", async () => {
    const vfs = await nodeWith();
    const node = await FlightNode.open(directory, smallSettings(vfs));
    await node.commit(roundOf(rounds));
    await node.close();
    await expect(audit(vfs)).rejects.toEqual(wrong("state"));
  });

  it("misses a recovery", async () => {
    await expect(audit(await nodeWith(), { recoveries: 1 })).rejects.toEqual(wrong("state"));
  });

  it("finds a round of other flights, however well it is linked", async () => {
    const vfs = await nodeWith();
    const node = await FlightNode.open(directory, smallSettings(vfs));
    const first = rounds * 12 + 1;
    const { bytes } = flightsOf(first, first + 11);
    bytes[16]! ^= 1;
    await node.commit(makeRound(rounds, first, bytes));
    await node.close();
    const seen = auditRounds(directory, smallSettings(vfs), rounds + 1, { ...demands, acknowledged: rounds + 1 });
    await expect(seen).rejects.toEqual(wrong("state"));
  });

  it.each([
    ["is missing", () => undefined],
    [
      "was changed",
      ({ bytes }: Block) => {
        const other = bytes.slice();
        other[bytes.length - 1]! ^= 1;
        return new Block(other);
      },
    ],
    [
      "is linked to another",
      ({ number, round, airport, flightBytes }: Block) =>
        Block.of({ number, round, airport, previous: new Uint8Array(32), flights: flightBytes }),
    ],
    [
      "belongs to another lane",
      ({ number, round, previous, flightBytes }: Block) =>
        Block.of({ number, round, airport: "ORD", previous, flights: flightBytes }),
    ],
  ])("finds that a block %s", async (_what, make) => {
    await expect(audit(await nodeWith((stores) => replaceNewest(stores, "ATL", make)))).rejects.toEqual(wrong("lanes"));
  });

  it("finds a block that no round names", async () => {
    const vfs = await nodeWith(async ({ pipeline }) => {
      const lane = await pipeline.lanes.lane("ATL");
      const { hash, flightBytes } = (await lane.get(lane.nextIndex - 1))!;
      const block = { number: lane.nextIndex, round: rounds, airport: "ATL", previous: hash, flights: flightBytes };
      await lane.append(Block.of(block));
    });
    await expect(audit(vfs)).rejects.toEqual(wrong("lanes"));
  });

  it("finds a changed byte in a block that is not the newest", async () => {
    const vfs = await nodeWith(async ({ pipeline }) => {
      const lane = await pipeline.lanes.lane("ATL");
      await rewriteEntries(lane, lane.nextIndex - 2, ([first, ...rest]) => {
        const other = first!.bytes.slice();
        other[other.length - 20]! ^= 0x80;
        return [new Block(other), ...rest];
      });
    });
    await expect(audit(vfs)).rejects.toEqual(wrong("lanes"));
  });

  it("finds a block that is there twice, and one that is missing between others", async () => {
    const twice = await nodeWith(async ({ pipeline }) => {
      const lane = await pipeline.lanes.lane("ATL");
      await rewriteEntries(lane, lane.nextIndex - 2, ([first, ...rest]) => [first!, first!, ...rest]);
    });
    await expect(audit(twice)).rejects.toEqual(wrong("lanes"));
    const missing = await nodeWith(async ({ pipeline }) => {
      const lane = await pipeline.lanes.lane("ATL");
      await rewriteEntries(lane, lane.nextIndex - 2, ([, ...rest]) => rest);
    });
    await expect(audit(missing)).rejects.toEqual(wrong("lanes"));
  });

  it("finds kept flights that are not those of the file, though every hash is right", async () => {
    const vfs = await nodeWith();
    const settings = smallSettings(vfs);
    const expectation = expectationOf(settings, rounds);
    const other = expectation.flightsOf.bind(expectation);
    expectation.flightsOf = (round) => other(round)?.toReversed();
    await expect(auditNode(directory, settings, expectation, demands)).rejects.toEqual(wrong("lanes"));
    await expectation.close();
  });

  it("finds that old rounds were not dropped", async () => {
    const vfs = await nodeWith(undefined, { roundsKept: 100 });
    await expect(audit(vfs)).rejects.toEqual(wrong("chain"));
  });

  it("finds a certificate that was changed, and one that is missing", async () => {
    const changed = await nodeWith(async ({ pipeline: { chain } }) => {
      const newest = (await chain.log.get(rounds - 1))!;
      await chain.log.truncateAfter(rounds - 2);
      const other = newest.bytes.slice();
      other[20 + 4 + 32 + 8]! ^= 1;
      await chain.append(rounds - 1, new Certificate(other));
    });
    await expect(audit(changed)).rejects.toEqual(wrong("chain"));
    const missing = await nodeWith(({ pipeline: { chain } }) => chain.log.truncateAfter(rounds - 2));
    await expect(audit(missing, { acknowledged: rounds - 1 })).rejects.toEqual(wrong("events"));
  });

  it("finds an anchor that is behind or that keeps too much", async () => {
    const behind = await nodeWith(async ({ pipeline }) => {
      await pipeline.persist({ anchor: { ...pipeline.anchor!, round: rounds - 2 } });
    });
    await expect(audit(behind)).rejects.toEqual(wrong("anchor"));
    const ahead = await nodeWith(async ({ pipeline }) => {
      await pipeline.persist({ anchor: { ...pipeline.anchor!, round: rounds } });
    });
    await expect(audit(ahead)).rejects.toEqual(wrong("anchor"));
    const greedy = await nodeWith(async ({ pipeline }) => {
      await pipeline.persist({ anchor: { ...pipeline.anchor!, firstRound: rounds - 1 } });
    });
    await expect(audit(greedy)).rejects.toEqual(wrong("anchor"));
  });

  it("finds events that are missing, and events that tell of what is not there", async () => {
    const missing = await nodeWith(async ({ shared }) => {
      const events = await shared.stream("events");
      await events.truncateAfter(events.lastLsn - 1);
    });
    await expect(audit(missing)).rejects.toEqual(wrong("events"));
    const invented = await nodeWith(async ({ events }) => {
      const last = await events.get(events.lastLsn);
      if (last?.type !== "roundCommitted") throw new Error("the last event is of another type");
      const { round, firstFlight, flights } = last.data;
      await events.append("roundCommitted", { ...last.data, round: round + 1, firstFlight: firstFlight + flights });
    });
    await expect(audit(invented)).rejects.toEqual(wrong("events"));
  });

  it.each([
    ["is missing", (records: LogRecord[]) => records.toSpliced(1, 1)],
    ["is there twice", (records: LogRecord[]) => records.toSpliced(1, 0, records[1]!)],
    ["comes early", ([first, second, ...rest]: LogRecord[]) => [second!, first!, ...rest]],
  ])("finds that an event in the middle %s", async (_what, change) => {
    const vfs = await nodeWith((stores) => rewrite(stores, "events", 4, change), { checkpointEvery: 100 });
    await expect(audit(vfs)).rejects.toEqual(wrong("events"));
  });

  it("finds an event that was changed, though the state of a later checkpoint is right", async () => {
    const vfs = await nodeWith(async (stores) => {
      const { events } = stores;
      const state = (await hydrateState(events)).state;
      await rewrite(stores, "events", 1, ([last]) => {
        const text = new TextDecoder().decode(last!.payload);
        const other = text.replace(/"airports":\[\["(...?)",(\d+)/, '"airports":[["$1",9');
        expect(other).not.toBe(text);
        return [{ ...last!, payload: new TextEncoder().encode(other) }];
      });
      await stores.shared.stream("events");
      await events.checkpoint({ state });
    });
    await expect(audit(vfs)).rejects.toEqual(wrong("events"));
  });

  it("finds a state whose counts are not those of the flights", async () => {
    const vfs = await nodeWith(async ({ events }) => {
      const { state } = await events.hydrate<never>({ initial: undefined as never, apply: (kept) => kept });
      await events.checkpoint({ state: Object.assign(state, { airports: new Map([["ATL", 1]]), rounds }) });
    });
    await expect(audit(vfs)).rejects.toEqual(wrong("state"));
  });
});
