/** Bugs that the crash suites found, each as the shortest story that shows it. */
import { memoryEngine } from "../engine/index.js";
import { FlatKv } from "./flat-kv.js";
import type { FlatKvOptions } from "./options.js";
import { Log } from "../log/index.js";
import { SimVfs, keepNothing } from "../vfs/index.js";
import { describe, expect, it } from "vitest";
import { interruptImports } from "./interrupted-import.contract.js";

const small = { databases: ["a"], log: { blockBytes: 512, segmentBytes: 16_384 } } as const;
const key = Uint8Array.of(1);

function open(vfs: SimVfs, options: Partial<FlatKvOptions> = {}): Promise<FlatKv> {
  return FlatKv.open("/store", { vfs, engine: memoryEngine({ vfs }), ...small, ...options });
}

async function commit(store: FlatKv, value: number): Promise<void> {
  await store.applyChangeSets([{ database: "a", changes: [{ key, value: Uint8Array.of(value) }] }]);
  await store.commit();
}

describe("opening a store", () => {
  it("works where a snapshot of the newest version has emptied the journal", async () => {
    // Found as flatkv-rollback/1, 1/5:cut:402:0: the record behind the last one that the timeline took over was looked for, and there was none.
    const vfs = new SimVfs({ seed: 1 });
    const options = { snapshots: { keep: 1 } } as const;
    const store = await open(vfs, options);
    await commit(store, 7);
    await store.snapshot();
    await store.close();
    const again = await open(vfs, options);
    expect(again.version).toBe(1);
    expect(await again.get(key, { database: "a" })).toEqual(Uint8Array.of(7));
    await again.close();
  });

  it("makes the name of a new store durable, though an earlier opening was killed after it had made the directory", async () => {
    // Found by reading: with a journal elsewhere nothing but the opening that makes the directory made its name durable.
    const first = new SimVfs({ seed: 1 });
    await first.makeDirectory("/store");
    const vfs = first.kill();
    const journal = await Log.open("/log", { vfs, ...small.log });
    const store = await FlatKv.open("/store", { vfs, engine: memoryEngine({ vfs }), databases: ["a"], journal });
    await commit(store, 7);
    const after = vfs.powerCut(keepNothing);
    expect(await after.list("/")).toContain("store");
  });
});

describe("an import that was interrupted", () => {
  it("goes on with every row, also those of databases that came before the one that was noted last", async () => {
    // Found by reading, while imports were being explored: a note was that of one database, and what was taken of those before it was lost.
    const small = { rows: 1, valueBytes: 1, pieceBytes: 500 };
    for (const noteEveryBytes of [1, 1500, 2300])
      expect(await interruptImports(new SimVfs({ seed: 1 }), { ...small, noteEveryBytes })).toBeGreaterThan(5);
    const large = { rows: 4, valueBytes: 40_000, pieceBytes: 30_000, noteEveryBytes: 60_000 };
    expect(await interruptImports(new SimVfs({ seed: 1 }), large)).toBeGreaterThan(4);
  });
});
