import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { History, LostRecordsError } from "./history.js";
import { LoopMount } from "./loop-mount.js";
import type { FileSystemKind } from "./loop-mount.js";
import { need } from "./requirements.js";
import { SEED, seededDraw } from "./seed.js";
import { WriterProcess } from "./writer-process.js";
import type { WriterTask } from "./writer-task.js";

const CUTS = Number(process.env["HOLDFAST_FAULT_CUTS"] ?? "50");
const MIB = 1024 * 1024;

interface CutRun {
  readonly history: History;
  readonly lostRuns: number;
  readonly beyond: number;
}

/**
 * Cuts the power under a live writer again and again, on the same file system. Only what was read from the writer before the cut
 * was asked for counts as acknowledged: an acknowledgement that comes later may race the cut.
 */
async function cutAgainAndAgain(
  mount: LoopMount,
  cuts: number,
  options: WriterTask["options"],
  mayLose: boolean,
): Promise<CutRun> {
  const draw = seededDraw(`power cut ${mount.kind}`);
  const history = new History(SEED);
  const directory = path.join(mount.directory, "log");
  let lostRuns = 0;
  let beyond = 0;
  for (let cut = 1; cut <= cuts + 1; cut++) {
    const isLast = cut === cuts + 1;
    const before = history.floorLsn;
    const writer = new WriterProcess(
      history.next({
        directory,
        options,
        verifyFrom: isLast || cut % 5 === 0 ? 1 : Math.max(1, before - 5000),
        afterwards: isLast ? "close" : "write",
        writers: 1 + draw(24),
        records: Number.MAX_SAFE_INTEGER,
        truncateAbove: mayLose ? 0 : 1000 + draw(1000),
      }),
    );
    try {
      await writer.when("verified", () => writer.verified !== undefined || writer.refused !== undefined);
      try {
        history.opened(writer);
      } catch (error) {
        if (!mayLose || !(error instanceof LostRecordsError)) throw error;
        lostRuns++;
        history.floorLsn = 0;
        history.opened(writer);
      }
      beyond += history.floorLsn - before;
      if (isLast) {
        await writer.end();
      } else {
        await writer.when("acknowledged", () => writer.acknowledgements > 0);
        await delay(draw(60));
        history.take(writer);
        mount.cut();
      }
    } finally {
      await writer.kill();
    }
    history.noteIssued(writer);
    mount.unmount();
    mount.mount();
  }
  return { history, lostRuns, beyond };
}

describe("a power cut", () => {
  for (const kind of ["ext4", "xfs"] satisfies FileSystemKind[]) {
    for (const [torn, cuts] of [
      ["align", CUTS],
      ["double-write", Math.ceil(CUTS / 2)],
    ] as const) {
      it(`${cuts} power cuts under a live writer on ${kind} lose nothing acknowledged (torn: "${torn}")`, async (test) => {
        need(test, "linux", "root", "loop", kind, "perl");
        using mount = LoopMount.create(kind, 64 * MIB);
        const { history } = await cutAgainAndAgain(mount, cuts, { segmentBytes: 256 * 1024, torn }, false);
        console.log(`${kind}, torn "${torn}": ${cuts} cuts, ${history.acknowledgements} acknowledgements before them`);
        expect(history.acknowledgements).toBeGreaterThan(cuts);
      });
    }

    it(`the same power cuts on ${kind} lose records of a log that promises none: the cut is real`, async (test) => {
      need(test, "linux", "root", "loop", kind, "perl");
      using mount = LoopMount.create(kind, 64 * MIB);
      const options = { segmentBytes: 256 * 1024, durability: "os" } as const;
      const { lostRuns } = await cutAgainAndAgain(mount, 5, options, true);
      console.log(`${kind}: ${lostRuns} of 5 cuts lost acknowledged records of durability "os"`);
      expect(lostRuns).toBeGreaterThan(0);
    });
  }
});

describe("a kill, a reopening, and then a power cut", () => {
  it("10 times on ext4 keep what the reopened log showed", async (test) => {
    need(test, "linux", "root", "loop", "ext4", "perl");
    using mount = LoopMount.create("ext4", 64 * MIB);
    const draw = seededDraw("kill then cut");
    const history = new History(SEED);
    const directory = path.join(mount.directory, "log");
    const task = {
      directory,
      options: { segmentBytes: 256 * 1024 },
      verifyFrom: 1,
      writers: 8,
      records: Number.MAX_SAFE_INTEGER,
      truncateAbove: 0,
    };
    let shown = 0;
    for (let round = 1; round <= 10; round++) {
      // The first process promises nothing: what it leaves in the page cache is on no disk when it dies.
      const unsafe = { ...task.options, durability: "os" } as const;
      const first = new WriterProcess(history.next({ ...task, options: unsafe, afterwards: "write" }));
      try {
        await first.when("acknowledged", () => first.acknowledgements > 0 || first.refused !== undefined);
        history.opened(first);
        await delay(draw(40));
      } finally {
        await first.kill();
      }

      const second = new WriterProcess(history.next({ ...task, afterwards: "hold" }));
      try {
        await second.when("verified", () => second.verified !== undefined || second.refused !== undefined);
        const before = history.floorLsn;
        history.opened(second);
        shown += history.floorLsn - before;
        mount.cut();
      } finally {
        await second.kill();
      }
      mount.unmount();
      mount.mount();

      const third = new WriterProcess(history.next({ ...task, afterwards: "close" }));
      try {
        await third.end();
        history.opened(third);
      } finally {
        await third.kill();
      }
    }
    console.log(`10 rounds: ${shown} records were shown by a reopened log and survived the cut`);
    expect(shown).toBeGreaterThan(10);
  });
});
