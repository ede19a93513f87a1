import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { History } from "./history.js";
import { need } from "./requirements.js";
import { SEED } from "./seed.js";
import { rootOf } from "./line-process.js";
import { WriterProcess } from "./writer-process.js";

/** A system call that fails in the kernel's place, by what a process would see. */
interface Injection {
  readonly call: string;
  readonly errno: string;
  readonly flush: "pool" | "inline";
  readonly durability: "sync" | "interval";
}

const injections: readonly Injection[] = [
  { call: "pwrite64", errno: "EIO", flush: "pool", durability: "sync" },
  { call: "pwrite64", errno: "EIO", flush: "inline", durability: "sync" },
  { call: "pwrite64", errno: "ENOSPC", flush: "pool", durability: "sync" },
  { call: "pwrite64", errno: "ENOSPC", flush: "inline", durability: "sync" },
  { call: "fdatasync", errno: "EIO", flush: "pool", durability: "sync" },
  { call: "fdatasync", errno: "EIO", flush: "pool", durability: "interval" },
  { call: "fsync", errno: "EIO", flush: "pool", durability: "sync" },
  { call: "rename", errno: "EIO", flush: "pool", durability: "sync" },
  { call: "unlink", errno: "EIO", flush: "pool", durability: "sync" },
];

/** Which of the calls fail: counted in the one thread that the pool has, or on the main thread for inline writes. */
const occasions = ["1", "2", "3", "5", "8", "13", "40+", "90"];

const options = { segmentBytes: 64 * 1024, spareSegmentsMax: 1, syncIntervalMs: 5 };

describe("an error that the kernel reports", () => {
  for (const { call, errno, flush, durability } of injections) {
    const name = `${errno} from ${call} (${flush}, ${durability}) stops the log, and what was acknowledged stays`;
    it(name, async (test) => {
      need(test, "linux", "strace");
      const outcomes = { refused: 0, failed: 0, untouched: 0 };
      const run = async (when: string): Promise<void> => {
        const folder = mkdtempSync(path.join(tmpdir(), "holdfast-inject-"));
        try {
          const history = new History(SEED);
          const task = {
            directory: path.join(folder, "log"),
            verifyFrom: 1,
            writers: 4,
            records: 1500,
            truncateAbove: 300,
          };
          const plain = new WriterProcess(history.next({ ...task, options, afterwards: "write", records: 200 }));
          await plain.end();
          history.opened(plain);
          history.take(plain);
          expect(plain.done).toBe(true);

          const trace = ["-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", `trace=${call}`];
          const inject = ["-e", `inject=${call}:error=${errno}:when=${when}`];
          const faulty = new WriterProcess(
            history.next({ ...task, options: { ...options, flush, durability }, afterwards: "write" }),
            ["strace", ...trace, ...inject],
            { UV_THREADPOOL_SIZE: "1" },
          );
          await faulty.end();
          const { refused, failed } = faulty;
          if (refused === undefined) history.opened(faulty);
          // In the interval mode an acknowledgement is not yet a promise.
          if (durability === "sync") history.take(faulty);
          else history.noteIssued(faulty);
          if (refused !== undefined) {
            outcomes.refused++;
            expect(rootOf(refused)).toMatchObject({ code: "HF_IO", errno });
          } else if (failed !== undefined) {
            outcomes.failed++;
            const errors = [failed.first, ...failed.others];
            expect(
              errors.map((error) => error.code).filter((code) => code !== "HF_IO" && code !== "HF_POISONED"),
            ).toEqual([]);
            for (const error of errors) expect(rootOf(error)).toMatchObject({ code: "HF_IO", errno });
            for (const error of Object.values(failed.later)) {
              expect(error.code).toBe("HF_POISONED");
              expect(rootOf(error)).toMatchObject({ code: "HF_IO", errno });
            }
          } else {
            outcomes.untouched++;
            expect(faulty.done).toBe(true);
          }

          const reopened = new WriterProcess(history.next({ ...task, options, afterwards: "write", records: 200 }));
          await reopened.end();
          history.opened(reopened);
          expect(reopened.done).toBe(true);
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      };
      const waiting = [...occasions];
      const worker = async (): Promise<void> => {
        for (let when = waiting.shift(); when !== undefined; when = waiting.shift()) await run(when);
      };
      await Promise.all([worker(), worker(), worker()]);
      console.log(`${errno} from ${call} (${flush}, ${durability}): ${JSON.stringify(outcomes)}`);
      // A log need not use every call; those that every log uses must have been hit.
      if (call === "pwrite64" || call === "fdatasync") expect(outcomes.refused + outcomes.failed).toBeGreaterThan(0);
    });
  }
});
