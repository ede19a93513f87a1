/** Bugs that the crash suites found, each as the shortest story that shows it. */
import { memoryEngine } from "holdfast/engine";
import { FlatKv, type FlatKvOptions, importFlatKv } from "holdfast/flatkv";
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

describe("an import that was interrupted", () => {
  it("goes on with every row, also those of databases that came before the one that was noted last", async () => {
    // Found by reading, while imports were being explored: the note was that of one database, and what was taken of the others before it was lost.
    const vfs = new SimVfs({ seed: 1 });
    const options = { vfs, engine: memoryEngine({ vfs }), databases: ["a", "b"], log: small.log };
    const store = await FlatKv.open("/store", options);
    const changes = [{ key, value: Uint8Array.of(7) }];
    await store.applyChangeSets(["a", "b"].map((database) => ({ database, changes })));
    await store.commit();
    const hash = store.committedHash();
    const pieces: Uint8Array[] = [];
    for await (const chunk of store.export())
      for (let at = 0; at < chunk.length; at += 64) pieces.push(chunk.slice(at, at + 64));
    await store.close();
    const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
    for (const noteEveryBytes of [1, Math.floor(bytes / 3), Math.floor(bytes / 2)]) {
      for (let count = 1; count < pieces.length; count += 3) {
        const directory = `/copy-${noteEveryBytes}-${count}`;
        const stop = new Error("interrupted");
        const broken = function* (): Generator<Uint8Array> {
          yield* pieces.slice(0, count);
          throw stop;
        };
        await expect(importFlatKv(directory, broken(), { ...options, noteEveryBytes })).rejects.toBe(stop);
        await importFlatKv(directory, pieces, { ...options, noteEveryBytes });
        const copy = await FlatKv.open(directory, options);
        expect(await copy.get(key, { database: "a" })).toEqual(Uint8Array.of(7));
        expect(await copy.get(key, { database: "b" })).toEqual(Uint8Array.of(7));
        expect(copy.committedHash().equals(hash)).toBe(true);
        await copy.close();
      }
    }
  });
});
