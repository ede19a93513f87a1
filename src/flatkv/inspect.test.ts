import { describe, expect, it } from "vitest";
import { toHex } from "../base/index.js";
import { memoryEngine } from "../engine/index.js";
import { Log } from "../log/index.js";
import { SimVfs } from "../vfs/index.js";
import { FlatKv } from "./flat-kv.js";
import { inspectFlatKv } from "./inspect.js";
import { options, put } from "./small-store.contract.js";

async function commit(store: FlatKv, rows: Record<string, string | undefined>): Promise<void> {
  await store.applyChangeSets([put("a", rows)]);
  await store.commit();
}

async function overwrite(vfs: SimVfs, path: string): Promise<void> {
  const file = await vfs.open(path, { access: "read-write", create: "if-missing" });
  await file.write(new Uint8Array(8192).fill(7), 0);
  await file.close();
}

describe("inspectFlatKv", () => {
  it("finds no store where there is none: nothing, an empty directory, a log, an anchor that is none", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await vfs.makeDirectory("/empty");
    await (await Log.open("/log", { vfs })).close();
    await vfs.makeDirectory("/other");
    await overwrite(vfs, "/other/anchor");
    for (const path of ["/missing", "/empty", "/log", "/other"])
      expect(await inspectFlatKv(path, { vfs }), path).toBeUndefined();
  });

  it("is an error where there are databases and no books that can be read", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await (await FlatKv.open("/store", options(vfs))).close();
    await overwrite(vfs, "/store/anchor");
    await expect(inspectFlatKv("/store", { vfs })).rejects.toMatchObject({ code: "HF_FORMAT_UNKNOWN" });
  });

  it("shows what a writer that still has it open has committed, and writes nothing", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const store = await FlatKv.open("/store", options(vfs));
    await commit(store, { x: "1" });
    await store.snapshot();
    await commit(store, { x: "2" });
    await vfs.delay(10);
    const before = JSON.stringify(vfs.snapshotTree());
    const found = await inspectFlatKv("/store", { vfs });
    expect(JSON.stringify(vfs.snapshotTree())).toBe(before);
    expect(found).toMatchObject({
      engine: "memory",
      version: 2,
      syncedVersion: 1,
      snapshots: [{ version: 1, timeline: 1 }],
      databases: ["a", "b"].map((name) => ({ name, checksum: toHex(store.databaseHash(name).checksum()) })),
    });
    await store.close();
  });

  it("shows the version that was gone back to, also where a crash left the abandoned commits in the log", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const store = await FlatKv.open("/store", options(vfs));
    for (const x of ["1", "2", "3"]) await commit(store, { x });
    // The books are written, and the log is not cut.
    const cut = Log.prototype.truncateAfter;
    Log.prototype.truncateAfter = () => Promise.reject(new Error("killed here"));
    try {
      await expect(store.rollback(1)).rejects.toMatchObject({ code: "HF_POISONED" });
    } finally {
      Log.prototype.truncateAfter = cut;
    }
    const after = vfs.kill();
    const found = await inspectFlatKv("/store", { vfs: after });
    expect(found).toMatchObject({ version: 1, timeline: 2, log: { firstLsn: 1, lastLsn: 3 } });
    const again = await FlatKv.open("/store", options(after, { engine: memoryEngine({ vfs: after }) }));
    expect(again.recovery).toMatchObject({ version: 1, abandonedRecords: 2 });
    expect(found?.databases[0]?.checksum).toBe(toHex(again.databaseHash("a").checksum()));
    await again.close();
  });

  it("refuses options that it does not know", async () => {
    await expect(inspectFlatKv("/store", { engine: "memory" } as never)).rejects.toMatchObject({
      code: "HF_UNKNOWN_OPTION",
    });
    await expect(inspectFlatKv("")).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
  });
});
