import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { FaultPlan, SimVfs, nodeVfs } from "../../vfs/index.js";
import type { EngineDatabase } from "../index.js";
import { FORMAT_VERSION, encodeHeader } from "./format.js";
import { engineContract } from "../engine.contract.js";
import { memoryEngine } from "../index.js";

engineContract("memory on the simulated disk", async () => {
  const vfs = new SimVfs();
  await vfs.makeDirectory("/data");
  return {
    engine: memoryEngine({ vfs }),
    path: (name) => vfs.join("/data", name),
    syncParent: () => vfs.syncDirectory("/data"),
    dispose: async () => undefined,
  };
});

engineContract(
  "memory on the real file system",
  async () => {
    const root = await mkdtemp(path.join(tmpdir(), "holdfast-engine-"));
    return {
      engine: memoryEngine(),
      path: (name) => path.join(root, name),
      syncParent: () => nodeVfs.syncDirectory(root),
      dispose: () => rm(root, { recursive: true, force: true }),
    };
  },
  20,
);

describe("a memory database", () => {
  const DIRECTORY = "/rows";
  const KEY = Uint8Array.of(1);

  async function made(vfs: SimVfs, batches: number): Promise<EngineDatabase> {
    const database = await memoryEngine({ vfs }).create(DIRECTORY);
    for (let n = 1; n <= batches; n++) await put(database, n, true);
    return database;
  }

  async function put(database: EngineDatabase, n: number, sync = false): Promise<void> {
    const batch = database.batch();
    batch.put(KEY, Uint8Array.of(n));
    await batch.write({ sync });
  }

  /** Changes bytes of the rows file. */
  async function damage(vfs: SimVfs, offset: number, bytes: Uint8Array): Promise<void> {
    const file = await vfs.open(`${DIRECTORY}/rows`, { access: "read-write" });
    await file.write(bytes, offset);
    await file.close();
  }

  it("does one operation a batch, and a read of the size and one of the bytes to open", async () => {
    const vfs = new SimVfs();
    const seen: string[] = [];
    const database = await made(vfs, 0);
    vfs.trace = (operation) => void seen.push(operation);
    await put(database, 1);
    await put(database, 2, true);
    await database.sync();
    await database.close();
    expect(seen).toEqual(["write", "write", "sync-data"]);
    seen.length = 0;
    const again = await memoryEngine({ vfs }).open(DIRECTORY);
    expect(seen).toEqual(["open", "lock", "size", "read"]);
    await again?.close();
  });

  it("is locked for other processes, until its own ends", async () => {
    const vfs = new SimVfs();
    await made(vfs, 1);
    const other = vfs.otherProcess();
    await expect(memoryEngine({ vfs: other }).open(DIRECTORY)).rejects.toMatchObject({ code: "HF_LOCKED" });
    await expect(memoryEngine({ vfs: other }).remove(DIRECTORY)).rejects.toMatchObject({ code: "HF_LOCKED" });
    vfs.die();
    const database = await memoryEngine({ vfs: other }).open(DIRECTORY);
    expect(await database?.get(KEY)).toEqual(Uint8Array.of(1));
  });

  it("is refused where a batch that was durable is damaged, and where the header is", async () => {
    for (const [offset, text] of [
      [512 + 30, "a batch"],
      [0, "the magic"],
      [20, "the salt"],
    ] as const) {
      const vfs = new SimVfs();
      const database = await made(vfs, 3);
      await database.close();
      await damage(vfs, offset, Uint8Array.of(0xee));
      await expect(memoryEngine({ vfs }).open(DIRECTORY), text).rejects.toMatchObject({ code: "HF_CORRUPTION" });
    }
  });

  it("is refused, and not called damaged, where a newer version wrote it", async () => {
    const vfs = new SimVfs();
    await (await made(vfs, 1)).close();
    // The same checksum as a newer version would write.
    await damage(vfs, 0, encodeHeader({ salt: new Uint8Array(16), version: FORMAT_VERSION + 1 }));
    await expect(memoryEngine({ vfs }).open(DIRECTORY)).rejects.toMatchObject({ code: "HF_FORMAT_NEWER" });
  });

  for (const operation of ["write", "sync-data"] as const) {
    it(`takes and shows nothing more once a ${operation} failed, and can be closed and opened again`, async () => {
      const vfs = new SimVfs();
      const database = await made(vfs, 1);
      const view = database.view();
      vfs.faults = new FaultPlan([{ operation, errno: "EIO" }]);
      await expect(put(database, 2, true)).rejects.toMatchObject({ code: "HF_IO", details: { errno: "EIO" } });
      const poisoned = { code: "HF_POISONED", cause: { code: "HF_IO" } };
      await expect(database.get(KEY)).rejects.toMatchObject(poisoned);
      await expect(database.sync()).rejects.toMatchObject(poisoned);
      await expect(view.get(KEY)).rejects.toMatchObject(poisoned);
      await expect(database.checkpoint("/copy")).rejects.toMatchObject(poisoned);
      expect(() => database.batch()).toThrow(expect.objectContaining({ code: "HF_POISONED" }));
      await database.close();
      const again = await memoryEngine({ vfs }).open(DIRECTORY);
      expect([1, 2]).toContain((await again?.get(KEY))?.[0]);
    });
  }

  it("leaves files that are not its own, and their directory", async () => {
    const vfs = new SimVfs();
    await (await made(vfs, 1)).close();
    await (await vfs.open(`${DIRECTORY}/mine`, { access: "read-write", create: "exclusive" })).close();
    await expect(memoryEngine({ vfs }).remove(DIRECTORY)).rejects.toMatchObject({ details: { errno: "ENOTEMPTY" } });
    expect(await vfs.list(DIRECTORY)).toEqual(["mine"]);
  });

  it("refuses options that it does not know", () => {
    expect(() => memoryEngine({ disk: 1 } as object)).toThrow(expect.objectContaining({ code: "HF_UNKNOWN_OPTION" }));
  });
});
