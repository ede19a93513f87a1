import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { History } from "./history.js";
import { LoopMount } from "./loop-mount.js";
import { need } from "./requirements.js";
import { SEED } from "./seed.js";
import { rootOf } from "./line-process.js";
import { WriterProcess } from "./writer-process.js";
import type { WriterTask } from "./writer-task.js";

const MIB = 1024 * 1024;
/** A write for which only a part found room says so by its count. */
const FULL = ["ENOSPC", "SHORT_WRITE"];

describe("a full disk", () => {
  for (const segmentKib of [64, 1024]) {
    it(`on 12 MiB of ext4 stops the log with segments of ${segmentKib} KiB; freed, it goes on`, async (test) => {
      need(test, "linux", "root", "loop", "ext4");
      using mount = LoopMount.create("ext4", 12 * MIB);
      const ballast = path.join(mount.directory, "ballast");
      writeFileSync(ballast, Buffer.alloc(4 * MIB, 1));
      const history = new History(SEED);
      const task = {
        directory: path.join(mount.directory, "log"),
        options: { segmentBytes: segmentKib * 1024 },
        verifyFrom: 1,
        afterwards: "write",
        writers: 8,
        records: Number.MAX_SAFE_INTEGER,
        truncateAbove: 0,
      } as const;

      const filling = new WriterProcess(history.next(task));
      await filling.end();
      history.opened(filling);
      history.take(filling);
      expect(rootOf(filling.failed?.first)?.code).toBe("HF_IO");
      expect(rootOf(filling.failed?.first)?.errno).toBeOneOf(FULL);
      for (const error of Object.values(filling.failed?.later ?? {})) expect(error.code).toBe("HF_POISONED");
      expect(filling.acknowledgements).toBeGreaterThan(100);

      // Opening a log on a disk that is still full may be refused, with the reason, and then harms nothing.
      const stillFull = new WriterProcess(history.next({ ...task, afterwards: "close" }));
      await stillFull.end();
      if (stillFull.refused === undefined) history.opened(stillFull);
      else {
        expect(stillFull.refused.code).toBe("HF_IO");
        expect(stillFull.refused.errno).toBeOneOf(FULL);
      }

      rmSync(ballast);
      const freed = new WriterProcess(history.next({ ...task, records: 2000 }));
      await freed.end();
      history.opened(freed);
      history.take(freed);
      expect(freed.done).toBe(true);

      const last = new WriterProcess(history.next({ ...task, afterwards: "close" }));
      await last.end();
      history.opened(last);
      console.log(
        `full disk, ${segmentKib} KiB: ${filling.acknowledgements} acknowledgements before ENOSPC, ` +
          `opened while full: ${stillFull.refused === undefined ? "yes" : "refused with ENOSPC"}`,
      );
    });
  }

  it("is not in the way of a log that drops its old records, however much goes through it", async (test) => {
    need(test, "linux", "root", "loop", "ext4");
    using mount = LoopMount.create("ext4", 12 * MIB);
    const history = new History(SEED);
    const task = {
      directory: path.join(mount.directory, "log"),
      options: { segmentBytes: 64 * 1024 },
      verifyFrom: 1,
      writers: 16,
      truncateAbove: 4000,
    };
    const writer = new WriterProcess(history.next({ ...task, afterwards: "write", records: 60_000 }));
    await writer.end();
    history.opened(writer);
    history.take(writer);
    expect(writer.failed).toBeUndefined();
    expect(writer.done).toBe(true);
    const reader = new WriterProcess(history.next({ ...task, afterwards: "close", records: 0 }));
    await reader.end();
    history.opened(reader);
    expect(reader.verified?.lastLsn).toBeGreaterThanOrEqual(60_000);
    expect(reader.opened?.firstLsn).toBeGreaterThan(50_000);
  });
});

describe("a limit on the size of files", () => {
  const task = { verifyFrom: 1, writers: 8, records: 4000, truncateAbove: 0 } satisfies Partial<WriterTask>;
  const options = { segmentBytes: 256 * 1024 };

  /** A write over the limit is cut short by the kernel; only the next one says why. */
  it("that cuts a group short is an error, and nothing of it is acknowledged", async (test) => {
    need(test, "linux", "prlimit");
    for (const flush of ["pool", "inline"] as const) {
      // None of these is a multiple of a block, so that a write ends in the middle of one.
      for (const limit of [40_001, 99_999, 131_073]) {
        const folder = mkdtempSync(path.join(tmpdir(), "holdfast-limit-"));
        try {
          const directory = path.join(folder, "log");
          const history = new History(SEED);
          const created = new WriterProcess(
            history.next({ ...task, directory, options, afterwards: "write", records: 10 }),
          );
          await created.end();
          history.opened(created);
          history.take(created);

          const limited = new WriterProcess(
            history.next({ ...task, directory, options: { ...options, flush }, afterwards: "write" }),
            ["prlimit", `--fsize=${limit}`],
          );
          await limited.end();
          if (limited.refused === undefined) {
            history.opened(limited);
            history.take(limited);
            expect(rootOf(limited.failed?.first)?.code).toBe("HF_IO");
            for (const error of Object.values(limited.failed?.later ?? {})) expect(error.code).toBe("HF_POISONED");
          } else {
            expect(limited.refused.code).toBe("HF_IO");
          }

          const free = new WriterProcess(
            history.next({ ...task, directory, options, afterwards: "write", records: 500 }),
          );
          await free.end();
          history.opened(free);
          expect(free.done).toBe(true);
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      }
    }
  });

  it("that a new log passes at once refuses the open, and the directory can be used later", async (test) => {
    need(test, "linux", "prlimit");
    for (const limit of [100, 5000, 40_001]) {
      const folder = mkdtempSync(path.join(tmpdir(), "holdfast-limit-"));
      try {
        const directory = path.join(folder, "log");
        const history = new History(SEED);
        const limited = new WriterProcess(history.next({ ...task, directory, options, afterwards: "write" }), [
          "prlimit",
          `--fsize=${limit}`,
        ]);
        await limited.end();
        if (limited.refused === undefined) {
          history.opened(limited);
          history.take(limited);
          expect(rootOf(limited.failed?.first)?.code).toBe("HF_IO");
        } else {
          expect(limited.refused.code).toBe("HF_IO");
        }

        const free = new WriterProcess(
          history.next({ ...task, directory, options, afterwards: "write", records: 500 }),
        );
        await free.end();
        history.opened(free);
        expect(free.done).toBe(true);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
  });
});
