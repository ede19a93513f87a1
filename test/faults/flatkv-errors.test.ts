/** A commit store on LevelDB whose disk is full, or fails. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { FlatKvHistory } from "./flatkv-history.js";
import { FlatKvProcess } from "./flatkv-process.js";
import type { FlatKvTask } from "./flatkv-task.js";
import { flatKvTask } from "./flatkv-tasks.js";
import { LoopMount } from "./loop-mount.js";
import { need } from "./requirements.js";
import { SEED, seededDraw } from "./seed.js";

const MIB = 1024 * 1024;

type Base = Omit<FlatKvTask, "seed" | "generation" | "afterwards">;

function baseTask(directory: string): Base {
  const perMille = { rollback: 0, snapshot: 5, verify: 0 };
  const task = flatKvTask(directory, seededDraw("flatkv errors"));
  return { ...task, perMille, segmentBytes: 64 * 1024, verifySnapshots: true, commits: 1500 };
}

/** After the first failure everything is refused for it. */
function expectPoisoned(child: FlatKvProcess): void {
  expect(child.failed?.first.code).toBe("HF_POISONED");
  expect(child.failed?.first.cause?.code).toBeOneOf(["HF_IO", "HF_POISONED"]);
  for (const error of Object.values(child.failed?.later ?? {})) expect(error.code).toBe("HF_POISONED");
}

/** Opens the store where nothing fails any more: everything promised is there, and commits go on. */
async function expectRecovered(history: FlatKvHistory, base: Base): Promise<void> {
  for (const [afterwards, commits] of [
    ["write", 50],
    ["close", 0],
  ] as const) {
    const child = new FlatKvProcess(history.next({ ...base, afterwards, commits }));
    await child.end();
    history.opened(child);
    history.take(child);
    expect(child.done).toBe(true);
  }
}

describe("a full disk", () => {
  it("under a commit store ends it, and freed, it is whole and goes on", async (test) => {
    need(test, "linux", "root", "loop", "ext4");
    using mount = LoopMount.create("ext4", 16 * MIB);
    const ballast = path.join(mount.directory, "ballast");
    writeFileSync(ballast, Buffer.alloc(5 * MIB, 1));
    const history = new FlatKvHistory(SEED);
    const base = { ...baseTask(path.join(mount.directory, "store")), links: false, snapshotEveryCommits: 0 };
    const filling = new FlatKvProcess(
      history.next({
        ...base,
        afterwards: "write",
        commits: 20_000,
        perMille: { rollback: 0, snapshot: 0, verify: 0 },
      }),
    );
    await filling.end();
    history.opened(filling);
    history.take(filling);
    expectPoisoned(filling);
    expect(filling.acknowledgements).toBeGreaterThan(50);

    const stillFull = new FlatKvProcess(history.next({ ...base, afterwards: "close" }));
    await stillFull.end();
    if (stillFull.opened !== undefined) history.opened(stillFull);
    else expect(stillFull.refused?.code).toBeOneOf(["HF_IO", "HF_POISONED"]);

    rmSync(ballast);
    await expectRecovered(history, base);
    console.log(
      `full disk: ${filling.acknowledgements} commits before ${JSON.stringify(filling.failed?.first.cause?.message)}; while full it ` +
        (stillFull.opened === undefined ? `was refused: ${stillFull.refused?.message ?? ""}` : "opened"),
    );
  });
});

describe("a failure of LevelDB's files", () => {
  for (const [call, errno, extension, when] of [
    ["write", "EIO", "log", "3+"],
    ["write", "ENOSPC", "log", "40+"],
    ["write", "ENOSPC", "ldb", "1+"],
    ["fdatasync", "EIO", "ldb", "2+"],
    ["openat", "EMFILE", "ldb", "3+"],
  ] as const) {
    it(`ends the store, and reopening recovers it: ${errno} from ${call} of .${extension}, the ${when}th`, async (test) => {
      need(test, "linux", "strace");
      const folder = mkdtempSync(path.join(tmpdir(), "holdfast-flatkv-errors-"));
      try {
        const directory = path.join(folder, "store");
        const history = new FlatKvHistory(SEED);
        const base = { ...baseTask(directory), syncEveryCommits: 20 };
        const plain = new FlatKvProcess(history.next({ ...base, afterwards: "write", commits: 30 }));
        await plain.end();
        history.opened(plain);
        history.take(plain);

        // Of the second database, whatever its files are called next.
        const paths = Array.from({ length: 60 }, (_, at) =>
          path.join(directory, "db-0000000000000002", `${String(at + 1).padStart(6, "0")}.${extension}`),
        );
        const faulty = new FlatKvProcess(
          history.next({ ...base, afterwards: "write" }),
          ["strace", "-f", "-qq", "-o", "/dev/null", ...paths.flatMap((file) => ["-P", file])].concat([
            "-e",
            `trace=${call}`,
            "-e",
            `inject=${call}:error=${errno}:when=${when}`,
          ]),
          { UV_THREADPOOL_SIZE: "1" },
        );
        await faulty.end();
        if (faulty.opened !== undefined) {
          history.opened(faulty);
          history.take(faulty);
          expectPoisoned(faulty);
        } else expect(faulty.refused?.code).toBe("HF_IO");
        await expectRecovered(history, base);
        console.log(
          `${errno} from ${call} of .${extension}: ${faulty.opened === undefined ? "refused" : `${faulty.acknowledgements} commits, then ${faulty.failed?.first.cause?.message ?? ""}`}`,
        );
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }
});
