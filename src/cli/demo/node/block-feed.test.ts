/** The node on the blocks of an era1 file: what a round of it is, and what comes back wherever the power is cut. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toHex } from "../../../base/index.js";
import { encodeAccount } from "../../../flatkv/index.js";
import { exploreCrashes } from "../../../testing/index.js";
import { SimVfs, type Vfs } from "../../../vfs/index.js";
import { type BlockPlan, addressOf, era1Bytes, mainnetBlock0 } from "../era1/era1.contract.js";
import { Era1File } from "../era1/era1-file.js";
import { genesisAccounts, genesisChangeSet } from "../state/genesis.js";
import type { ReplayGenesis } from "../state/replay.js";
import { type Audit, type AuditDemands, auditNode } from "./audit.js";
import { feedOfBlocks, scanBlocks } from "./block-feed.js";
import { smallSettings } from "./demo-node.contract.js";
import { Expectation } from "./expectation.js";
import type { Feed, Round } from "./feed.js";
import type { NodeSettings } from "./node-settings.js";
import { DemoNode } from "./node.js";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "holdfast-block-feed-test-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** A file of made-up blocks, whose genesis is one account. */
async function fileOf(plans: readonly BlockPlan[]): Promise<{ file: string; genesis: ReplayGenesis }> {
  const file = path.join(directory, `${plans.length}.era1`);
  await writeFile(file, era1Bytes(plans));
  const era1 = await Era1File.open(file);
  let hash = "";
  for await (const { header } of era1.blocks()) {
    hash = toHex(header.hash);
    break;
  }
  await era1.close();
  const value = encodeAccount({ balance: 5n, nonce: 0n });
  const first = { database: "account", changes: [{ key: addressOf(9), value }] } as const;
  return { file, genesis: { hash, changeSets: () => Promise.resolve([first]) } };
}

/** All of a file's blocks as a feed that is in memory, so that only the node's operations are of the simulated disk. */
async function readFeed(file: string, genesis: ReplayGenesis): Promise<Feed> {
  const { last } = await scanBlocks(file, { genesis });
  const feed = feedOfBlocks(file, last, genesis);
  const all: Round[] = [];
  for await (const round of feed.rounds(0)) all.push(round);
  return {
    restore: feed.restore,
    async *rounds(from, onCounts) {
      for (const round of all.slice(from)) {
        onCounts?.(round.counts);
        yield await Promise.resolve(round);
      }
    },
  };
}

const plans: readonly BlockPlan[] = [
  {},
  { coinbase: 2 },
  { coinbase: 9 },
  { uncles: [{ number: 2, coinbase: 7 }] },
  {},
];
const rounds = plans.length - 1;

describe("the node on the blocks of an era1 file", () => {
  const settingsOn = (vfs: Vfs, { changeSets }: ReplayGenesis): NodeSettings => ({
    ...smallSettings(vfs),
    genesis: changeSets,
  });

  async function commitAll(feed: Feed, settings: NodeSettings, tell: (rounds: number) => void): Promise<DemoNode> {
    const node = await DemoNode.open("/node", settings);
    for await (const round of feed.rounds(node.opening.rounds)) {
      await node.commit(round);
      tell(round.index + 1);
    }
    await node.close();
    return node;
  }

  async function audit(feed: Feed, settings: NodeSettings, demands: AuditDemands): Promise<Audit> {
    const expectation = new Expectation(feed, settings);
    try {
      return await auditNode("/node", settings, expectation, demands);
    } finally {
      await expectation.close();
    }
  }

  it("comes back with every acknowledged block, wherever the power is cut, and goes on to the same end", async () => {
    const { file, genesis } = await fileOf(plans);
    const feed = await readFeed(file, genesis);
    const report = await exploreCrashes<DemoNode["opening"], number>({
      name: "demo blocks",
      seed: 7,
      statesMax: 100,
      async workload({ vfs, note }) {
        await commitAll(feed, settingsOn(vfs, genesis), note);
      },
      async recover({ vfs }) {
        const settings = settingsOn(vfs, genesis);
        const { opening, state } = await commitAll(feed, settings, () => undefined);
        await audit(feed, settings, { acknowledged: rounds, recoveries: state.recoveries, rows: true });
        return opening;
      },
      check(opening, acknowledged) {
        expect(opening.rounds).toBeGreaterThanOrEqual(Math.max(0, ...acknowledged));
      },
    });
    expect(report.distinct).toBeGreaterThan(50);
  }, 120_000);

  it("counts blocks by their miners, and has the bytes of the file in the lane of each miner's first byte", async () => {
    const { file, genesis } = await fileOf(plans);
    const feed = await readFeed(file, genesis);
    const settings = settingsOn(new SimVfs({ seed: 1 }), genesis);
    const { state } = await commitAll(feed, settings, () => undefined);
    const minerOf = (name: number): string => `0x${toHex(addressOf(name))}`;
    expect(state.counts).toEqual(
      new Map([
        [minerOf(2), 1],
        [minerOf(9), 1],
        [minerOf(1), 2],
      ]),
    );
    const found = await audit(feed, settings, { acknowledged: rounds, recoveries: 0, rows: true });
    expect(found).toMatchObject({ rounds, records: rounds, databases: [{ name: "account", rows: 4 }, {}, {}, {}] });
    expect(found.recordsCompared).toBeGreaterThan(0);
  });

  it("is found wrong where a block of the file has another byte than the one in its lane", async () => {
    const { file, genesis } = await fileOf(plans);
    const feed = await readFeed(file, genesis);
    const settings = settingsOn(new SimVfs({ seed: 1 }), genesis);
    await commitAll(feed, settings, () => undefined);
    const other: Feed = {
      restore: feed.restore,
      async *rounds(from, onCounts) {
        for await (const round of feed.rounds(from, onCounts)) {
          const source = round.source.slice();
          source[source.length - 1]! ^= 1;
          yield { ...round, source };
        }
      },
    };
    const wrong = { code: "HF_DEMO_MISMATCH", details: { part: "lanes" } };
    await expect(audit(other, settings, { acknowledged: rounds, recoveries: 0 })).rejects.toMatchObject(wrong);
  });

  it("ends before a block with transactions, and says which", async () => {
    const transactions = [new Uint8Array([1]), new Uint8Array([2])];
    const { file, genesis } = await fileOf([{}, { coinbase: 2 }, { transactions }, {}]);
    const scanned = await scanBlocks(file, { genesis });
    expect(scanned).toMatchObject({ last: 1, fileBlocks: 4, stop: { details: { block: 2, transactions: 2 } } });
    const found: number[] = [];
    for await (const { firstRecord } of feedOfBlocks(file, scanned.last, genesis).rounds(0)) found.push(firstRecord);
    expect(found).toEqual([1]);
  });

  it("begins behind mainnet's genesis, and takes no other chain's", async () => {
    const file = path.join(directory, "mainnet.era1");
    await writeFile(file, era1Bytes([mainnetBlock0, { coinbase: 2 }]));
    expect(await scanBlocks(file)).toEqual({ last: 1, fileBlocks: 2 });
    expect((await genesisChangeSet()).changes).toHaveLength(genesisAccounts);
    const { file: made } = await fileOf(plans);
    await expect(scanBlocks(made)).rejects.toMatchObject({ code: "HF_FORMAT_UNKNOWN" });
  });
});
