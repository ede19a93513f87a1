/**
 * Every operation of a log and an anchor fails once, in every way: no promise made before is broken, none is made after. `npm test` does so in a share of
 * the ways for one kind of log, `HOLDFAST_EFFORT=full` (as in CI) for all.
 */
import { describe, expect, it } from "vitest";
import type { LogOptions } from "holdfast/log";
import { exploreFaults } from "holdfast/testing";
import { type EventsFaultsKind, eventsFaults } from "./events-faults.contract.js";
import { anchorFaults, logFaults } from "./log-faults.contract.js";

const seed = Number(process.env["HOLDFAST_SEED"] ?? 1);
const isFull = process.env["HOLDFAST_EFFORT"] === "full";
/** In `npm test` these operations fail in one way each; all ways are for CI. */
const ONE_EACH = { write: ["EIO"], open: ["EIO"], "sync-data": ["EIO"] } as const;
const small = { blockBytes: 512, segmentBytes: 2048 } as const;

const always: readonly [string, LogOptions][] = [["double-write", { ...small, torn: "double-write" }]];
const inFull: readonly [string, LogOptions][] = [
  ["os", { ...small, durability: "os" }],
  ["align", { ...small, torn: "align" }],
  ["align, inline", { ...small, torn: "align", flush: "inline" }],
  ["trust", { ...small, torn: "trust" }],
  ["interval", { ...small, durability: "interval", syncIntervalMs: 5 }],
];

describe("a log whose disk fails", () => {
  for (const [name, options] of isFull ? [...always, ...inFull] : always) {
    it(
      `keeps what it acknowledged and takes nothing more, and opens again (${name})`,
      { timeout: 600_000 },
      async () => {
        const report = await exploreFaults({
          ...logFaults(`log, ${name}`, options, seed),
          samples: 1,
          recoveryPoints: isFull ? 2 : 1,
          ...(isFull ? {} : { errnos: ONE_EACH, runsShare: 1 / 4 }),
        });
        expect(report.runs).toBeGreaterThan(isFull ? 200 : 80);
        expect(report.failedSyncStates).toBeGreaterThan(100);
      },
    );
  }
});

describe("an anchor whose disk fails", () => {
  for (const mode of ["mirror", "alternate"] as const) {
    it(`keeps its word (${mode})`, async () => {
      const report = await exploreFaults(anchorFaults(mode, seed));
      expect(report.runs).toBeGreaterThan(50);
    });
  }
});

describe("an event log whose disk fails", () => {
  const kinds: readonly EventsFaultsKind[] = isFull ? ["log", "log, os", "shared log"] : ["log"];
  for (const kind of kinds) {
    it(
      `keeps what it acknowledged, takes nothing more, and hydrates to it (${kind})`,
      { timeout: 600_000 },
      async () => {
        const report = await exploreFaults({
          ...eventsFaults(`events, ${kind}`, seed, isFull, kind),
          samples: 1,
          recoveryPoints: isFull ? 2 : 1,
          runsShare: isFull ? 1 : 1 / 2,
        });
        expect(report.runs).toBeGreaterThan(isFull ? 100 : 50);
        expect(report.failedSyncStates).toBeGreaterThan(100);
      },
    );
  }
});
