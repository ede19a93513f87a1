/** Bugs that the crash suites found, each as the shortest story that shows it. */
import { memoryEngine } from "holdfast/engine";
import { FlatKv, type FlatKvOptions } from "holdfast/flatkv";
import { Log } from "holdfast/log";
import { SimVfs, keepNothing } from "holdfast/vfs";
import { describe, expect, it } from "vitest";

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
