/** A commit store on LevelDB, under which the power goes. */
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { FlatKvHistory } from "./flatkv-history.js";
import { FlatKvProcess } from "./flatkv-process.js";
import type { FlatKvTask } from "./flatkv-task.js";
import { flatKvTask } from "./flatkv-tasks.js";
import { LoopMount } from "./loop-mount.js";
import type { FileSystemKind } from "./loop-mount.js";
import { need } from "./requirements.js";
import { SEED, seededDraw } from "./seed.js";

const CUTS = Math.ceil(Number(process.env["HOLDFAST_FAULT_CUTS"] ?? "50") / 8);
const IMAGE_BYTES = 128 * 1024 * 1024;

/** What a round of cuts is about: what the process does most, and when the power goes. */
type Subject = "commit" | "snapshot" | "rollback" | "import";

const PER_MILLE: Record<Subject, FlatKvTask["perMille"]> = {
  commit: { rollback: 5, snapshot: 10, verify: 5 },
  snapshot: { rollback: 0, snapshot: 300, verify: 5 },
  rollback: { rollback: 150, snapshot: 30, verify: 0 },
  import: { rollback: 5, snapshot: 10, verify: 0 },
};

/** One file system with one store, from cut to cut. */
class Site {
  readonly mount: LoopMount;
  readonly history = new FlatKvHistory(SEED);
  readonly draw: (below: number) => number;
  /** What was on its way when the power went. */
  readonly cutDuring = new Map<string, number>();

  constructor(mount: LoopMount, name: string) {
    this.mount = mount;
    this.draw = seededDraw(`flatkv cut ${mount.kind} ${name}`);
  }

  start(task: Partial<FlatKvTask> & Pick<FlatKvTask, "afterwards">): FlatKvProcess {
    const base = flatKvTask(path.join(this.mount.directory, "store"), this.draw);
    return new FlatKvProcess(this.history.next({ ...base, verifySnapshots: false, ...task }));
  }

  /** Only what was read before the cut was asked for is a promise: what comes later may race the cut. */
  async cut(child: FlatKvProcess): Promise<void> {
    if (child.opened !== undefined) this.history.opened(child);
    this.history.take(child);
    const moment = child.opened === undefined && child.doing === "nothing" ? "opening" : child.doing;
    this.cutDuring.set(moment, (this.cutDuring.get(moment) ?? 0) + 1);
    this.mount.cut();
    await child.kill();
    this.history.noteIssued(child);
    this.mount.unmount();
    this.mount.mount();
  }

  /** Opens, checks and closes it all. */
  async checkAll(): Promise<void> {
    const child = this.start({ afterwards: "close", verifySnapshots: true });
    try {
      await child.end();
    } finally {
      await child.kill();
    }
    this.history.opened(child);
  }

  tell(what: string): void {
    const { history } = this;
    console.log(
      `${this.mount.kind}, ${what}: cut during ${JSON.stringify(Object.fromEntries(this.cutDuring))}; ${history.acknowledgements} acknowledged calls, ` +
        `${history.redone} commits redone, rebuilt: ${history.rebuilt.join(", ") || "nothing"}; ${history.atPromise} openings at the promise, ${history.beyond} beyond`,
    );
  }
}

async function opened(child: FlatKvProcess): Promise<void> {
  await child.when("open", () => child.opened !== undefined || child.refused !== undefined);
}

/** Lets the process write until it has done something, then until it does what the round is about, and a little longer. */
async function until(site: Site, child: FlatKvProcess, subject: Subject): Promise<void> {
  await opened(child);
  site.history.opened(child);
  const least = site.draw(60);
  await child.when("acknowledged", () => child.acknowledgements > least || child.failed !== undefined);
  if (subject === "commit") await delay(site.draw(150));
  else {
    await child.when(subject, () => child.doing === subject || child.failed !== undefined);
    await delay(site.draw(40));
  }
}

/** How long an import takes until the store is open. */
async function importMs(site: Site, file: string): Promise<number> {
  const child = site.start({ afterwards: "close", importFrom: file });
  await child.when("import", () => child.doing === "import");
  const began = Date.now();
  await opened(child);
  const ms = Date.now() - began;
  await child.end();
  site.history.opened(child);
  return ms;
}

describe("a power cut under a commit store", () => {
  for (const kind of ["ext4", "xfs"] satisfies FileSystemKind[]) {
    for (const subject of ["commit", "snapshot", "rollback"] satisfies Subject[]) {
      it(`loses nothing acknowledged: ${CUTS} cuts on ${kind} (${subject})`, async (test) => {
        need(test, "linux", "root", "loop", kind, "perl");
        using mount = LoopMount.create(kind, IMAGE_BYTES);
        const site = new Site(mount, subject);
        for (let cut = 1; cut <= CUTS; cut++) {
          const child = site.start({
            afterwards: "write",
            perMille: PER_MILLE[subject],
            verifySnapshots: cut % 4 === 0,
          });
          try {
            // Now and then the power goes while the store recovers from the cut before.
            if (cut > 1 && site.draw(6) === 0) await delay(150 + site.draw(250));
            else await until(site, child, subject);
            await site.cut(child);
          } finally {
            await child.kill();
          }
        }
        await site.checkAll();
        site.tell(subject);
        expect(site.history.acknowledgements).toBeGreaterThan(CUTS);
        expect(site.history.rebuilt).toEqual([]);
      });
    }

    it(`leaves the old store or the whole new one when it comes during an import: ${CUTS} cuts on ${kind}`, async (test) => {
      need(test, "linux", "root", "loop", kind, "perl");
      using mount = LoopMount.create(kind, IMAGE_BYTES);
      const site = new Site(mount, "import");
      const file = path.join(mount.directory, "export");
      const writing = site.start({ afterwards: "write", commits: 200 });
      await writing.end();
      site.history.opened(writing);
      site.history.take(writing);
      const exporting = site.start({ afterwards: "export", exportTo: file });
      await exporting.end();
      site.history.opened(exporting);
      site.history.exported(exporting);
      const whole = await importMs(site, file);
      let imported = 0;
      for (let cut = 1; cut <= CUTS; cut++) {
        // So that the old store is another than the exported one.
        const more = site.start({ afterwards: "write", commits: 30 });
        await more.end();
        site.history.opened(more);
        site.history.take(more);
        const before = site.history.promised;

        const child = site.start({ afterwards: "hold", importFrom: file });
        try {
          await child.when("import", () => child.doing === "import");
          const isOpen = (): boolean => child.opened !== undefined || child.refused !== undefined;
          await Promise.race([delay(site.draw(whole)), child.when("open", isOpen)]);
          await site.cut(child);
        } finally {
          await child.kill();
        }
        await site.checkAll();
        if (site.history.promised !== before) imported++;
      }
      site.tell("import");
      console.log(`${kind}: the new store after ${imported} of ${CUTS} cuts, the old one after the others`);
      expect(site.history.rebuilt).toEqual([]);
    });
  }

  it("that follows a kill and a reopening keeps what the reopened store showed", async (test) => {
    need(test, "linux", "root", "loop", "ext4", "perl");
    using mount = LoopMount.create("ext4", IMAGE_BYTES);
    const site = new Site(mount, "kill then cut");
    for (let round = 1; round <= CUTS; round++) {
      const first = site.start({ afterwards: "write", perMille: PER_MILLE.commit });
      try {
        await until(site, first, "commit");
      } finally {
        await first.kill();
      }
      site.history.take(first);
      const second = site.start({ afterwards: "hold" });
      try {
        await opened(second);
        await site.cut(second);
      } finally {
        await second.kill();
      }
      await site.checkAll();
    }
    site.tell("kill, reopen, cut");
    expect(site.history.rebuilt).toEqual([]);
  });
});
