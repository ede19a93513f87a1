import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toHex } from "../../../base/index.js";
import { keccak256 } from "../../../hash/index.js";
import { type BlockPlan, addressOf, era1Bytes } from "../era1/era1.contract.js";
import { Era1File } from "../era1/era1-file.js";
import { decodeAccount, encodeAccount } from "../../../flatkv/index.js";
import { type ReplayGenesis, type ReplayStep, replaySteps } from "./replay.js";
import { StateRows } from "./state-rows.js";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "holdfast-replay-test-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function withFile<T>(plans: readonly BlockPlan[], firstNumber: number, use: (file: Era1File) => Promise<T>) {
  const name = path.join(directory, "blocks.era1");
  await writeFile(name, era1Bytes(plans, firstNumber));
  const file = await Era1File.open(name);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/** A genesis of one account for the chain of a file. */
async function genesisOf(file: Era1File): Promise<ReplayGenesis> {
  const value = encodeAccount({ balance: 5n, nonce: 0n });
  const changeSets = () => Promise.resolve([{ database: "account", changes: [{ key: addressOf(9), value }] } as const]);
  for await (const { header } of file.blocks()) return { hash: toHex(header.hash), changeSets };
  throw new Error("the file has no block");
}

async function collect(steps: AsyncIterable<ReplayStep>, rows: StateRows): Promise<number[]> {
  const versions: number[] = [];
  for await (const step of steps) {
    rows.apply(await step.changeSets(rows));
    versions.push(step.version);
  }
  return versions;
}

const plans: readonly BlockPlan[] = [{}, { coinbase: 2 }, { coinbase: 9 }, { coinbase: 2 }];

describe("a replay", () => {
  it("makes the genesis version 1 and each block the next, and goes on from any version to the same state", async () => {
    await withFile(plans, 0, async (file) => {
      const genesis = await genesisOf(file);
      const whole = new StateRows();
      expect(await collect(replaySteps(file, 0, genesis), whole)).toEqual([1, 2, 3, 4]);
      const balance = (name: number) => decodeAccount(whole.get(addressOf(name), { database: "account" })!).balance;
      expect([balance(2), balance(9)]).toEqual([10n ** 19n, 5n * 10n ** 18n + 5n]);
      expect(whole.count("account")).toBe(2);

      for (let stop = 0; stop <= 4; stop++) {
        const rows = new StateRows();
        for await (const step of replaySteps(file, 0, genesis)) {
          if (step.version > stop) break;
          rows.apply(await step.changeSets(rows));
        }
        expect(await collect(replaySteps(file, stop, genesis), rows)).toEqual([1, 2, 3, 4].slice(stop));
        expect(rows).toEqual(whole);
      }
    });
  });

  it("ends before a block with transactions, with all before it applied", async () => {
    const transactions = [keccak256.hash(new Uint8Array(1))];
    await withFile([{}, { coinbase: 2 }, { transactions }, {}], 0, async (file) => {
      const rows = new StateRows();
      const replayed = collect(replaySteps(file, 0, await genesisOf(file)), rows);
      await expect(replayed).rejects.toMatchObject({ code: "HF_DEMO_TRANSACTIONS", details: { block: 2 } });
      expect(rows.count("account")).toBe(2);
    });
  });

  it("takes no file that begins later, and none of another chain", async () => {
    const unknown = { code: "HF_FORMAT_UNKNOWN" };
    const blocks = [{ totalDifficulty: 100n }, { totalDifficulty: 117n }];
    await withFile(blocks, 8192, (file) =>
      expect(collect(replaySteps(file, 0), new StateRows())).rejects.toMatchObject(unknown),
    );
    await withFile(plans, 0, (file) =>
      expect(collect(replaySteps(file, 0), new StateRows())).rejects.toMatchObject(unknown),
    );
  });
});
