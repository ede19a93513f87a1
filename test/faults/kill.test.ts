import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";
import { History } from "./history.js";
import { SEED, seededDraw } from "./seed.js";
import { WriterProcess } from "./writer-process.js";

const KILLS = Number(process.env["HOLDFAST_FAULT_KILLS"] ?? "200");

interface KillRun {
  readonly acknowledgements: number;
  /** In how many processes old records were dropped. */
  readonly truncations: number;
}

async function killAgainAndAgain(kills: number, torn: "align" | "double-write"): Promise<KillRun> {
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-kill-"));
  const draw = seededDraw(`kill ${torn}`);
  const history = new History(SEED);
  const directory = path.join(folder, "log");
  const options = { segmentBytes: 256 * 1024, spareSegmentsMax: 2, torn };
  let verifiedLsn = 0;
  let bytesCut = 0;
  let truncations = 0;
  try {
    for (let kill = 1; kill <= kills + 1; kill++) {
      const isLast = kill === kills + 1;
      const task = history.next({
        directory,
        options: { ...options, flush: kill % 4 === 0 ? "inline" : "pool" },
        // Each process reads what the one before it wrote; every twentieth and the last one read everything.
        verifyFrom: isLast || kill % 20 === 0 ? 1 : verifiedLsn + 1,
        afterwards: isLast ? "close" : "write",
        writers: 1 + draw(32),
        records: Number.MAX_SAFE_INTEGER,
        truncateAbove: 1000 + draw(3000),
      });
      const writer = new WriterProcess(task);
      try {
        await writer.when("verified", () => writer.verified !== undefined || writer.refused !== undefined);
        history.opened(writer);
        verifiedLsn = history.floorLsn;
        bytesCut += Number(writer.opened?.recovery["cutBytes"] ?? 0);
        if (isLast) {
          await writer.end();
        } else {
          await writer.when("acknowledged", () => writer.acknowledgements > 0);
          await delay(draw(60));
        }
      } finally {
        await writer.kill();
      }
      history.take(writer);
      if (writer.truncationDone > 0) truncations++;
      expect(writer.failed).toBeUndefined();
    }
    const files = readdirSync(directory);
    console.log(
      `torn "${torn}", ${kills} kills: ${history.acknowledgements} acknowledgements, last LSN ${history.floorLsn}, ` +
        `${bytesCut} bytes cut, ${truncations} times old records were dropped, ${files.length} files at the end`,
    );
    return { acknowledgements: history.acknowledgements, truncations };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

it(`a writer killed ${KILLS} times keeps every record it acknowledged, once, in order, byte for byte`, async () => {
  const { acknowledgements, truncations } = await killAgainAndAgain(KILLS, "align");
  expect(acknowledgements).toBeGreaterThan(KILLS);
  if (KILLS >= 100) expect(truncations).toBeGreaterThan(5);
});

it("so does one that packs its groups and protects them by double writes", async () => {
  const kills = Math.ceil(KILLS / 4);
  expect((await killAgainAndAgain(kills, "double-write")).acknowledgements).toBeGreaterThan(kills);
});
