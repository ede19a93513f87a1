/** A Merkle store on LevelDB, whose process is killed. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";
import { MerkleHistory } from "./merkle-history.js";
import { SEED, seededDraw } from "./seed.js";

const KILLS = Math.ceil(Number(process.env["HOLDFAST_FAULT_KILLS"] ?? "200") / 12);

it(`a Merkle store killed ${KILLS} times is at the last acknowledged commit or the next, with the root of its rows`, async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-merkle-kill-"));
  const draw = seededDraw("merkle kill");
  const history = new MerkleHistory(path.join(folder, "store"), SEED, draw);
  try {
    for (let kill = 1; kill <= KILLS; kill++) {
      const child = history.start("write");
      try {
        // Some die while they recover what the one before left.
        if (draw(6) === 0) await delay(100 + draw(200));
        else {
          await child.when("open", () => child.opened !== undefined || child.refused !== undefined);
          history.opened(child);
          await child.when("acknowledged", () => child.acknowledgements > 0);
          await delay(draw(400));
        }
      } finally {
        await child.kill();
      }
      if (child.opened !== undefined) history.opened(child);
      history.take(child, true);
      expect(child.failed).toBeUndefined();
      expect(child.refused).toBeUndefined();
    }
    const last = history.start("close");
    await last.end();
    history.opened(last);
    history.tell(`${KILLS} kills`);
    expect(history.acknowledgements).toBeGreaterThan(KILLS);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
