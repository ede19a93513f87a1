import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { History } from "./history.js";
import { need } from "./requirements.js";
import { SEED } from "./seed.js";
import { WriterProcess } from "./writer-process.js";

it("a log that another process has open is refused with its pid, until that process is gone, stopped or not", async (test) => {
  need(test, "linux");
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-two-"));
  try {
    const history = new History(SEED);
    const task = {
      directory: path.join(folder, "log"),
      options: { segmentBytes: 256 * 1024 },
      verifyFrom: 1,
      afterwards: "write",
      writers: 4,
      records: Number.MAX_SAFE_INTEGER,
      truncateAbove: 0,
    } as const;
    const owner = new WriterProcess(history.next(task));
    try {
      await owner.when("acknowledged", () => owner.acknowledgements > 20);
      history.opened(owner);

      const refusalNow = async (): Promise<void> => {
        const second = new WriterProcess({ ...task, seed: SEED, generation: 99, starts: [] });
        await second.end();
        expect(second.opened).toBeUndefined();
        expect(second.refused).toMatchObject({ name: "LockedError", code: "HF_LOCKED", pid: owner.pid });
      };
      await refusalNow();
      owner.signal("SIGSTOP");
      await refusalNow();
      owner.signal("SIGCONT");
      const { acknowledgements } = owner;
      await owner.when("acknowledged after being stopped", () => owner.acknowledgements > acknowledgements + 20);
      owner.signal("SIGSTOP");
    } finally {
      await owner.kill();
    }
    history.take(owner);

    const heir = new WriterProcess(history.next({ ...task, records: 100 }));
    await heir.end();
    history.opened(heir);
    expect(heir.done).toBe(true);
    expect(history.floorLsn).toBeGreaterThan(40);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it("of several processes that open a log at once, exactly one has it", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-race-"));
  try {
    const directory = path.join(folder, "log");
    for (let round = 1; round <= 5; round++) {
      const task = {
        directory,
        options: { segmentBytes: 256 * 1024 },
        seed: SEED,
        generation: 1,
        starts: [],
        verifyFrom: undefined,
        afterwards: "hold",
        writers: 1,
        records: 0,
        truncateAbove: 0,
      } as const;
      const openers = Array.from({ length: 4 }, () => new WriterProcess(task));
      try {
        for (const opener of openers) {
          await opener.when("an outcome", () => opener.opened !== undefined || opener.refused !== undefined);
        }
        expect(openers.filter((opener) => opener.opened !== undefined)).toHaveLength(1);
        const refusals = openers.flatMap((opener) => (opener.refused === undefined ? [] : [opener.refused.code]));
        expect(refusals).toEqual(["HF_LOCKED", "HF_LOCKED", "HF_LOCKED"]);
      } finally {
        for (const opener of openers) await opener.kill();
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
