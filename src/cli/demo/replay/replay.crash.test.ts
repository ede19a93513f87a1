/** A replay on the simulated disk: the power is cut at its operations, and what comes back is held against the run without crashes. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { effort } from "../../../base/effort.contract.js";
import { toHex } from "../../../base/index.js";
import { memoryEngine } from "../../../engine/index.js";
import { encodeAccount } from "../../../flatkv/index.js";
import { exploreCrashes } from "../../../testing/index.js";
import { SimVfs, type Vfs } from "../../../vfs/index.js";
import { type BlockPlan, addressOf, era1Bytes, mainnetBlock0 } from "../era1/era1.contract.js";
import { Era1File } from "../era1/era1-file.js";
import { genesisAccounts, genesisChangeSet, genesisHash } from "../state/genesis.js";
import { type ReplayGenesis, type ReplayStep, replaySteps } from "../state/replay.js";
import { auditReplay } from "./replay-audit.js";
import { type ReplayExpectation, expectReplay } from "./replay-expectation.js";
import type { ReplaySettings } from "./replay-settings.js";
import { openReplayStores, replayInto } from "./replay-store.js";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "holdfast-replay-crash-test-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const store = "/replay";
const { signal } = new AbortController();

function smallSettings(vfs: Vfs): ReplaySettings {
  const engine = memoryEngine({ vfs });
  return {
    log: { vfs, segmentBytes: 32 * 1024, blockBytes: 512, checkpointBytes: 16 * 1024 },
    state: { engine, snapshots: { everyCommits: 3, keep: 1 } },
    trie: { engine, pages: { capacity: 8, checkpoint: { logBytesMax: 4 * 1024 } } },
  };
}

/** The replay of a file of made-up blocks, with a genesis of one account, and what it must come to. The file is read before any store is opened. */
interface Chain {
  readonly steps: (version: number) => AsyncGenerator<ReplayStep, void, undefined>;
  readonly expectation: ReplayExpectation;
}

async function chainOf(name: string, plans: readonly BlockPlan[]): Promise<Chain> {
  const file = path.join(directory, name);
  await writeFile(file, era1Bytes(plans));
  const era1 = await Era1File.open(file);
  let hash = "";
  for await (const { header } of era1.blocks()) {
    hash = toHex(header.hash);
    break;
  }
  const value = encodeAccount({ balance: 5n, nonce: 0n });
  const first = { database: "account", changes: [{ key: addressOf(9), value }] } as const;
  const genesis: ReplayGenesis = { hash, changeSets: () => Promise.resolve([first]) };
  const all: ReplayStep[] = [];
  for await (const step of replaySteps(era1, 0, genesis)) all.push(step);
  await era1.close();
  const steps = async function* (version: number): AsyncGenerator<ReplayStep, void, undefined> {
    for (const step of all.slice(version)) yield await Promise.resolve(step);
  };
  return { steps, expectation: await expectReplay(file, { genesis }) };
}

const mismatch = { code: "HF_DEMO_MISMATCH", exitCode: 1 };

async function* first(steps: AsyncIterable<ReplayStep>, count: number): AsyncGenerator<ReplayStep, void, undefined> {
  let left = count;
  for await (const step of steps) {
    if (left-- === 0) return;
    yield step;
  }
}

const plans: readonly BlockPlan[] = [
  {},
  { coinbase: 2 },
  { coinbase: 9 },
  { uncles: [{ number: 2, coinbase: 7 }] },
  {},
];

describe("a replay into a store", () => {
  it("comes back with every acknowledged version, wherever the power is cut, and goes on to the same end", async () => {
    const { steps, expectation } = await chainOf("crash.era1", plans);
    const replay = async (vfs: Vfs, tell: (version: number) => void): Promise<number> => {
      const opened = await openReplayStores(store, smallSettings(vfs));
      const { version } = opened.flatkv;
      await replayInto(opened, steps(version), { signal, onCommitted: (block) => tell(block + 1) });
      await opened.close();
      return version;
    };
    const report = await exploreCrashes<number, number>({
      name: "demo replay",
      seed: 7,
      statesMax: effort(120, 40),
      workload: ({ vfs, note }) => replay(vfs, note),
      async recover({ vfs }) {
        const { version } = await auditReplay(store, smallSettings(vfs), expectation, { acknowledged: 0 });
        await replay(vfs, () => undefined);
        const last = { acknowledged: plans.length, rows: true };
        await auditReplay(store, smallSettings(vfs), expectation, last);
        return version;
      },
      check(version, versions) {
        expect(version).toBeGreaterThanOrEqual(Math.max(0, ...versions));
      },
    });
    expect(report.distinct).toBeGreaterThan(effort(50, 20));
  }, 120_000);

  it("does not go on with a store that is a version behind the other, which no crash leaves", async () => {
    const { steps, expectation } = await chainOf("behind.era1", plans);
    for (const ahead of ["flatkv", "trie"]) {
      const settings = smallSettings(new SimVfs({ seed: 1 }));
      const { flatkv, trie, ...stores } = await openReplayStores(store, settings);
      await replayInto({ flatkv, trie, ...stores }, first(steps(0), 3), { signal, onCommitted: () => undefined });
      await (ahead === "flatkv" ? flatkv.commit() : trie.begin().commit());
      await stores.close();
      await expect(openReplayStores(store, settings)).rejects.toMatchObject(mismatch);
      await expect(auditReplay(store, settings, expectation, { acknowledged: 3 })).rejects.toMatchObject(mismatch);
    }
  });

  it("ends before a block with transactions, and says which", async () => {
    const transactions = [new Uint8Array([1]), new Uint8Array([2])];
    const { steps, expectation } = await chainOf("stop.era1", [{}, { coinbase: 2 }, { transactions }, {}]);
    expect(expectation).toMatchObject({ fileBlocks: 4, uncles: 0, stop: { details: { block: 2, transactions: 2 } } });
    const settings = smallSettings(new SimVfs({ seed: 1 }));
    const opened = await openReplayStores(store, settings);
    const blocks: number[] = [];
    await replayInto(opened, steps(0), { signal, onCommitted: (block) => blocks.push(block) });
    await opened.close();
    expect(blocks).toEqual([0, 1]);
    const audit = await auditReplay(store, settings, expectation, { acknowledged: 2, rows: true });
    expect(audit).toMatchObject({ version: 2, databases: [{ name: "account", rows: 2 }, {}, {}, {}] });
  });

  it("is found wrong where a version is missing, or has another row", async () => {
    const { steps, expectation } = await chainOf("wrong.era1", plans);
    const settings = smallSettings(new SimVfs({ seed: 1 }));
    const opened = await openReplayStores(store, settings);
    await replayInto(opened, steps(0), { signal, onCommitted: () => undefined });
    await opened.flatkv.rollback(4);
    await opened.close();
    await expect(auditReplay(store, settings, expectation, { acknowledged: 5 })).rejects.toMatchObject(mismatch);
    const other = smallSettings(new SimVfs({ seed: 2 }));
    const again = await openReplayStores(store, other);
    await replayInto(again, first(steps(0), 4), { signal, onCommitted: () => undefined });
    await again.flatkv.applyChangeSets([
      { database: "code", changes: [{ key: addressOf(1), value: Uint8Array.of(1) }] },
    ]);
    await Promise.all([again.flatkv.commit(), again.trie.begin().commit()]);
    await again.close();
    await expect(auditReplay(store, other, expectation, { acknowledged: 5 })).rejects.toMatchObject(mismatch);
  });

  it("begins with mainnet's genesis", async () => {
    const file = path.join(directory, "mainnet.era1");
    await writeFile(file, era1Bytes([mainnetBlock0, { coinbase: 2 }]));
    const { state } = await expectReplay(file);
    expect([state.version, state.rows.count("account")]).toEqual([2, genesisAccounts + 1]);
    const { changes } = await genesisChangeSet();
    expect([changes.length, genesisHash.length]).toEqual([genesisAccounts, 64]);
  });
});
