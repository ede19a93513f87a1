/** Reading a commit store from another process, while it is written. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";
import { FlatKvHistory } from "./flatkv-history.js";
import { FlatKvProcess } from "./flatkv-process.js";
import { flatKvTask } from "./flatkv-tasks.js";
import { SEED, seededDraw } from "./seed.js";

const RACE_MS = 5000;

for (const [what, perMille] of [
  ["commits, snapshots and prunes", { rollback: 0, snapshot: 40, verify: 5 }],
  ["goes back as well", { rollback: 15, snapshot: 30, verify: 0 }],
] as const)
  it(`a reader sees whole versions, each later than the one before unless the store goes back, while another process ${what}`, async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "holdfast-flatkv-reader-"));
    const history = new FlatKvHistory(SEED);
    const task = { ...flatKvTask(path.join(folder, "store"), seededDraw(`reader ${what}`)), verifySnapshots: true };
    const readers: FlatKvProcess[] = [];
    const writer = new FlatKvProcess(history.next({ ...task, afterwards: "write", perMille }));
    try {
      await writer.when("acknowledged", () => writer.acknowledgements > 20);
      history.opened(writer);
      const ends = Date.now() + RACE_MS;
      const seen: number[] = [];
      while (Date.now() < ends) {
        const reader = new FlatKvProcess(history.next({ ...task, afterwards: "read", commits: 40 }));
        readers.push(reader);
        const began = writer.acknowledgements;
        await Promise.race([reader.end(), delay(Math.max(0, ends - Date.now()))]);
        // Killed where the time is up: what it leaves is nothing to the writer.
        await reader.kill();
        expect(reader.refused).toBeUndefined();
        history.take(writer);
        const versions = reader.looks.map((look) => history.looked(look));
        if (perMille.rollback === 0) expect(versions).toEqual(versions.toSorted((a, b) => a - b));
        seen.push(...versions);
        await writer.when("acknowledged meanwhile", () => writer.acknowledgements > began);
      }
      expect(writer.failed).toBeUndefined();
      await writer.kill();
      history.take(writer);

      // With nobody beside it, a reader shows the newest version; and so does the store when it is opened.
      const closing = new FlatKvProcess(history.next({ ...task, afterwards: "close" }));
      await closing.end();
      history.opened(closing);
      const last = new FlatKvProcess(history.next({ ...task, afterwards: "read", commits: 1 }));
      await last.end();
      expect(last.looks.map((look) => history.looked(look))).toEqual([history.promised]);
      console.log(
        `${readers.length} readers made ${seen.length} looks at ${new Set(seen).size} versions up to ${Math.max(...seen)}, busy ${readers.reduce((sum, { busy }) => sum + busy, 0)} times, ` +
          `beside ${writer.acknowledgements} commits, ${writer.snapshots} snapshots and ${writer.rollbacks} rollbacks`,
      );
      expect(new Set(seen).size).toBeGreaterThan(2);
    } finally {
      await writer.kill();
      for (const reader of readers) await reader.kill();
      rmSync(folder, { recursive: true, force: true });
    }
  });
