/** A commit store on LevelDB, whose process is killed. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";
import { FlatKvHistory } from "./flatkv-history.js";
import { FlatKvProcess } from "./flatkv-process.js";
import { flatKvTask } from "./flatkv-tasks.js";
import { SEED, seededDraw } from "./seed.js";

const KILLS = Math.ceil(Number(process.env["HOLDFAST_FAULT_KILLS"] ?? "200") / 8);

it(`a commit store killed ${KILLS} times keeps every version it acknowledged, whole and with the right hashes`, async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-flatkv-kill-"));
  const draw = seededDraw("flatkv kill");
  const history = new FlatKvHistory(SEED);
  const killed = new Map<string, number>();
  try {
    for (let kill = 1; kill <= KILLS + 1; kill++) {
      const isLast = kill === KILLS + 1;
      const child = new FlatKvProcess(
        history.next({
          ...flatKvTask(path.join(folder, "store"), draw),
          verifySnapshots: isLast || kill % 8 === 0,
          afterwards: isLast ? "close" : "write",
        }),
      );
      try {
        // Some die while they recover what the one before left.
        if (isLast || draw(8) > 0)
          await child.when("open", () => child.opened !== undefined || child.refused !== undefined);
        else await delay(150 + draw(250));
        if (child.opened !== undefined || child.refused !== undefined || isLast) {
          history.opened(child);
          if (isLast) await child.end();
          else {
            await child.when("acknowledged", () => child.acknowledgements > 0);
            await delay(draw(400));
          }
        }
      } finally {
        await child.kill();
      }
      if (child.opened !== undefined) history.take(child);
      expect(child.failed).toBeUndefined();
      const moment = child.opened === undefined ? "opening" : child.doing;
      if (!isLast) killed.set(moment, (killed.get(moment) ?? 0) + 1);
      history.rollbacks += child.rollbacks;
      history.snapshots += child.snapshots;
    }
    console.log(
      `${KILLS} kills (during ${JSON.stringify(Object.fromEntries(killed))}): ${history.acknowledgements} acknowledged calls, version ${history.promised}, ` +
        `${history.rollbacks} rollbacks, ${history.snapshots} snapshots, ${history.redone} commits redone, rebuilt: ${history.rebuilt.join(", ") || "nothing"}; ` +
        `${history.beyond} openings found more than was acknowledged`,
    );
    expect(history.acknowledgements).toBeGreaterThan(KILLS);
    expect(history.rebuilt).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
