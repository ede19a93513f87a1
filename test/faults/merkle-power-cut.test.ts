/** A Merkle store on LevelDB, under which the power goes. */
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { ReportedError } from "./line-process.js";
import { LoopMount } from "./loop-mount.js";
import { MerkleHistory } from "./merkle-history.js";
import type { MerkleProcess } from "./merkle-process.js";
import { need } from "./requirements.js";
import { SEED, seededDraw } from "./seed.js";

const CUTS = Math.ceil(Number(process.env["HOLDFAST_FAULT_CUTS"] ?? "50") / 8);
const IMAGE_BYTES = 128 * 1024 * 1024;

/** What reads from the disk. The rest writes. */
const READS = new Set(["open", "read", "get", "iterate", "stat", "list"]);

function isOfReading(error: ReportedError): boolean {
  return error.code === "HF_IO" && READS.has(error.operation ?? "");
}

/**
 * A failed write refuses everything that comes after it. A failed read does not: the first cut under ext4 that a commit met while it read a page left
 * a store that went on to serve what it had in memory, as it should, and the test had taken that for a store that nothing could poison.
 */
function checkFailure({ first, later }: NonNullable<MerkleProcess["failed"]>): void {
  const told = JSON.stringify({ first, later });
  let poisoned = !isOfReading(first);
  for (const error of Object.values(later)) {
    expect(error.code === "HF_POISONED" || (!poisoned && ["resolved", "HF_IO"].includes(error.code)), told).toBe(true);
    poisoned ||= error.code !== "resolved" && !isOfReading(error);
  }
}

describe("a power cut under a Merkle store", () => {
  for (const kind of ["ext4", "xfs"] as const) {
    it(`leaves the last acknowledged commit or the next, with the root of its rows: ${CUTS} cuts on ${kind}`, async (test) => {
      need(test, "linux", "root", "loop", kind, "perl");
      using mount = LoopMount.create(kind, IMAGE_BYTES);
      const draw = seededDraw(`merkle cut ${kind}`);
      const history = new MerkleHistory(path.join(mount.directory, "store"), SEED, draw);
      for (let cut = 1; cut <= CUTS; cut++) {
        const child = history.start("write");
        try {
          // Now and then the power goes while the store recovers from the cut before.
          if (cut > 1 && draw(6) === 0) await delay(150 + draw(250));
          else {
            await child.when("open", () => child.opened !== undefined || child.refused !== undefined);
            history.opened(child);
            const least = draw(60);
            await child.when("acknowledged", () => child.acknowledgements > least || child.failed !== undefined);
            await delay(draw(150));
          }
          // Only what was read before the cut was asked for is a promise: what comes later may race the cut.
          if (child.opened !== undefined) history.opened(child);
          history.take(child, true);
          mount.cut();
        } finally {
          await child.kill();
        }
        if (child.failed !== undefined) checkFailure(child.failed);
        history.take(child, false);
        mount.unmount();
        mount.mount();
      }
      const last = history.start("close");
      await last.end();
      history.opened(last);
      history.tell(`${kind}, ${CUTS} cuts`);
      expect(history.acknowledgements).toBeGreaterThan(CUTS);
    });
  }
});
