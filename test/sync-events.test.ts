/** The node and the block queue of `examples/sync-events.ts`, on a simulated disk. */
import { EventLog, defineEvents, event, json } from "holdfast/events";
import { SimVfs, keepNothing } from "holdfast/vfs";
import { describe, expect, it } from "vitest";
import { PotsStore, SyncNode } from "../examples/sync-events.js";

const small = { blockBytes: 512, segmentBytes: 16_384 } as const;
const ann = { address: "0xann", balance: "10", nonce: 1 };
const bob = { address: "0xbob", balance: "20", nonce: 1 };

describe("the node of examples/sync-events.ts", () => {
  it("has all eight kinds of events back after a power cut, with or without a checkpoint", async () => {
    for (const checkpointed of [false, true]) {
      const vfs = new SimVfs({ seed: 1 });
      const node = await SyncNode.open("/node", { ...small, vfs });
      await node.record("headerSync", { headers: [{ number: 1, hash: "0x1" }] });
      await node.record("merkleSync", { from: 1, to: 1, root: "0xabc" });
      await node.record("priorSync", { peer: "p", height: 9 });
      await node.record("dataSync", Uint8Array.of(1, 2, 3));
      if (checkpointed) await node.settle();
      await node.record("accountSync", { accounts: [ann, bob] });
      await node.record("reconciliation", { oldBalance: "10", account: { ...ann, balance: "11", nonce: 2 } });
      await node.record("reconciliationBatch", { accounts: [{ ...bob, nonce: 2 }], seconds: 5 });
      await node.record("potsBlock", { number: 1, block: Uint8Array.of(4) });
      const expected = {
        headers: { 1: "0x1" },
        accounts: { "0xann": { ...ann, balance: "11", nonce: 2 }, "0xbob": { ...bob, nonce: 2 } },
        priorHeight: 9,
        merkleRoot: "0xabc",
        dataBytes: 3,
      };
      expect(node.state).toEqual(expected);
      const again = await SyncNode.open("/node", { ...small, vfs: vfs.powerCut(keepNothing) });
      expect(again.state).toEqual(expected);
      const kinds = [];
      for await (const { type } of again.log.replay()) kinds.push(type);
      expect(kinds).toEqual([
        "headerSync",
        "merkleSync",
        "priorSync",
        "dataSync",
        "accountSync",
        "reconciliation",
        "reconciliationBatch",
        "potsBlock",
      ]);
      await again.close();
    }
  });

  it("never takes one account's reconciliation for a batch, and reads batches of the first version", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const first = defineEvents({ batch: event({ id: 7, codec: json<{ accounts: readonly (typeof ann)[] }>() }) });
    const older = await EventLog.open("/node", { events: first, log: { ...small, vfs } });
    await older.append("batch", { accounts: [ann] });
    await older.close();
    const node = await SyncNode.open("/node", { ...small, vfs });
    await node.record("reconciliation", { oldBalance: "20", account: bob });
    const stored = [];
    for await (const { type, data } of node.log.replay({ types: ["reconciliation", "reconciliationBatch"] }))
      stored.push([type, data]);
    expect(stored).toEqual([
      ["reconciliationBatch", { accounts: [ann], seconds: 0 }],
      ["reconciliation", { oldBalance: "20", account: bob }],
    ]);
    await node.close();
  });

  it("keeps ten checkpoints, and of the log what they need", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const node = await SyncNode.open("/node", { ...small, vfs });
    const firsts: number[] = [];
    for (let height = 1; height <= 12; height++) {
      await node.record("priorSync", { peer: "p", height });
      await node.settle();
      firsts.push(node.log.firstLsn);
    }
    expect(node.log.checkpoints).toHaveLength(10);
    expect(firsts).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 5, 8]);
    await node.close();
    const again = await SyncNode.open("/node", { ...small, vfs });
    expect(again.state.priorHeight).toBe(12);
    await again.close();
  });
});

describe("the block queue of examples/sync-events.ts", () => {
  const block = (number: number): { number: number; block: Uint8Array } => ({
    number,
    block: Uint8Array.of(number, 7),
  });

  async function open(vfs: SimVfs): Promise<PotsStore> {
    return await PotsStore.open("/pots", { ...small, vfs });
  }

  async function look(store: PotsStore): Promise<void> {
    expect([store.count, store.latest, store.has(4), store.has(6)]).toEqual([4, 9, true, false]);
    const seen = [];
    for await (const { number, block } of store.readRange(4, Number.MAX_SAFE_INTEGER)) seen.push([number, ...block]);
    expect(seen).toEqual([
      [4, 4, 7],
      [5, 5, 7],
      [9, 9, 7],
    ]);
    expect(await store.read(6)).toBeUndefined();
  }

  it("finds blocks by number and by range, whatever the order in which they came, after reopening too", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const pots = await open(vfs);
    expect([pots.count, pots.latest]).toEqual([0, undefined]);
    expect(await pots.add(block(5), block(3))).toBe(2);
    await Promise.all([pots.add(block(9)), pots.add(block(9)), pots.add(block(4), block(9))]);
    expect(await pots.add(block(3))).toBe(0);
    await look(pots);
    await look(await open(vfs.kill()));
  });

  it("drops what was consumed, in the order in which it came, and remembers the latest number when it is empty", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const pots = await open(vfs);
    for (const number of [7, 2, 8]) await pots.add(block(number));
    const seen: number[] = [];
    const take = async ({ number }: { number: number }): Promise<void> => void seen.push(number);
    expect(await pots.consume(2, take)).toBe(2);
    expect([seen, pots.count, pots.has(7)]).toEqual([[7, 2], 1, false]);
    const again = await open(vfs.powerCut(keepNothing));
    expect([again.count, again.latest, again.has(8), await again.read(7)]).toEqual([1, 8, true, undefined]);
    expect(await again.consume(10, take)).toBe(1);
    const failing = again.add(block(9)).then(() =>
      again.consume(1, async () => {
        throw new Error("not now");
      }),
    );
    await expect(failing).rejects.toThrow("not now");
    expect(again.has(9)).toBe(true);
    await again.consume(1, take);
    await again.close();
    const empty = await open(vfs.powerCut(keepNothing));
    expect(empty.count).toBeLessThanOrEqual(1);
    expect(seen).toEqual([7, 2, 8, 9]);
    await empty.close();
  });
});
