import { mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LevelDatabase } from "./level-database.js";
import type { Level } from "./level-reads.js";

/** What of LevelDB a sync meets: a batch whose write ends when it is told to, and a flush that exchanges the log, or does not. */
class FakeLevel {
  flushes = 0;
  flushFails = false;
  endWrite: () => void = () => undefined;
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  batch(): object {
    return { length: 1, put: () => undefined, write: () => new Promise<void>((resolve) => (this.endWrite = resolve)) };
  }

  async compactRange(): Promise<void> {
    this.flushes++;
    if (this.flushFails) return;
    const [log = ""] = await readdir(this.#directory);
    await rename(path.join(this.#directory, log), path.join(this.#directory, `${100 + this.flushes}.log`));
  }

  async close(): Promise<void> {}
}

describe("a sync of LevelDB", () => {
  let directory: string;
  let level: FakeLevel;
  let database: LevelDatabase;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "holdfast-level-"));
    await writeFile(path.join(directory, "100.log"), "");
    level = new FakeLevel(directory);
    database = new LevelDatabase(directory, level as unknown as Level);
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  function beginWrite(): Promise<void> {
    const batch = database.batch();
    batch.put(Uint8Array.of(1), Uint8Array.of(1));
    return batch.write();
  }

  it("does not count a batch whose write was under way: it was counted, and the next sync passed over it", async () => {
    const first = beginWrite();
    level.endWrite();
    await first;
    const second = beginWrite();
    await database.sync();
    level.endWrite();
    await second;
    await database.sync();
    expect(level.flushes).toBe(2);
    await database.sync();
    expect(level.flushes).toBe(2);
  });

  it("is a failure where the log is still there, though LevelDB reported none", async () => {
    const write = beginWrite();
    level.endWrite();
    await write;
    level.flushFails = true;
    await expect(database.sync()).rejects.toMatchObject({
      code: "HF_IO",
      details: { operation: "sync", path: directory },
    });
    await expect(database.get(Uint8Array.of(1))).rejects.toMatchObject({ code: "HF_POISONED" });
    await database.close();
  });
});
