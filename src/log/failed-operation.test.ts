import { describe, expect, it } from "vitest";
import { HoldfastError } from "../base/index.js";
import { FaultPlan, SimVfs } from "../vfs/index.js";
import { inspectLog } from "./inspect.js";
import { LogReader } from "./log-reader.js";
import { Log } from "./log.js";
import { repairLog } from "./repair.js";
import {
  DIRECTORY,
  appendCount,
  bytesOf,
  closedLog,
  flipByte,
  openSmall,
  readTexts,
  recordTexts,
  segmentPath,
} from "./small-log.contract.js";
import type { TornMode } from "./format.js";
import { verifyLog } from "./verify.js";

/** What a scenario was promised before it failed. */
interface Promised {
  /** Records from `first` to `last` were acknowledged and not dropped. */
  first: number;
  last: number;
  /** A call that drops records was made and did not resolve: both outcomes are right. */
  firstPending?: number;
  lastPending?: number;
}

type Scenario = (vfs: SimVfs, promised: Promised) => Promise<void>;

/** Works on an open log, closes it whatever happens, and passes the first error on. */
async function withLog(vfs: SimVfs, torn: TornMode, act: (log: Log) => Promise<void>): Promise<void> {
  const log = await openSmall(vfs, { torn });
  try {
    await act(log);
  } finally {
    await log.close().catch((error: unknown) => expect(error).toBeInstanceOf(HoldfastError));
  }
}

async function appendAndCount(log: Log, count: number, promised: Promised): Promise<void> {
  for (let index = 0; index < count; index++) promised.last = await log.append(bytesOf(`record ${log.lastLsn + 1}`));
}

const SCENARIOS = (torn: TornMode): readonly (readonly [string, number, Scenario])[] => [
  [
    "making a log and appending across segments",
    0,
    (vfs, promised) => withLog(vfs, torn, (log) => appendAndCount(log, 8, promised)),
  ],
  [
    "opening, pruning, using a file again",
    14,
    (vfs, promised) =>
      withLog(vfs, torn, async (log) => {
        promised.firstPending = 12;
        await log.truncateBefore(12);
        promised.first = 12;
        await appendAndCount(log, 6, promised);
      }),
  ],
  [
    "opening, cutting, appending",
    14,
    (vfs, promised) =>
      withLog(vfs, torn, async (log) => {
        promised.lastPending = 5;
        await log.truncateAfter(5);
        promised.last = 5;
        delete promised.lastPending;
        await appendAndCount(log, 3, promised);
      }),
  ],
  [
    "reading everything both ways",
    14,
    (vfs) =>
      withLog(
        vfs,
        torn,
        async (log) => void [await readTexts(log), await readTexts(log, { reverse: true }), await log.get(3)],
      ),
  ],
  [
    "reading from another process",
    14,
    async (vfs) => {
      const reader = await LogReader.open(DIRECTORY, { vfs });
      try {
        await readTexts(reader);
        await reader.get(9);
      } finally {
        await reader.close();
      }
    },
  ],
  ["verifying", 14, async (vfs) => void (await verifyLog(DIRECTORY, { vfs }))],
  ["inspecting", 14, async (vfs) => void (await inspectLog(DIRECTORY, { vfs }))],
  ["repairing what needs no repair", 14, async (vfs) => void (await repairLog(DIRECTORY, { vfs }))],
];

describe.each<TornMode>(["align", "double-write"])("any failing operation, torn: %s,", (torn) => {
  it.each(SCENARIOS(torn))(
    "while %s: a typed error, no file left open, nothing acknowledged lost",
    async (_name, count, scenario) => {
      // Once, and from then on.
      for (const rule of [{ errno: "EIO" }, { errno: "ENOSPC", sticky: true }]) {
        let struck = 0;
        for (let at = 1; at < 600; at++) {
          const vfs = count === 0 ? new SimVfs({ seed: 1 }) : await closedLog(new SimVfs({ seed: 1 }), count, { torn });
          const promised: Promised = { first: 1, last: count };
          vfs.faults = new FaultPlan([{ at, ...rule }]);
          let failure: unknown;
          await scenario(vfs, promised).catch((error: unknown) => {
            failure = error;
          });
          if (vfs.faults.injected === 0) break;
          struck += 1;
          const where = `operation ${at}, ${rule.errno}, ${vfs.faults.first?.operation} ${vfs.faults.first?.path}`;
          if (failure !== undefined) {
            expect(failure, where).toBeInstanceOf(HoldfastError);
            expect((failure as HoldfastError).code, where).toMatch(/^HF_(IO|POISONED)$/);
          }
          vfs.faults = undefined;
          expect(vfs.openHandles(), where).toEqual([]);
          const log = await openSmall(vfs.powerCut());
          const lastMin = Math.min(promised.last, promised.lastPending ?? promised.last);
          expect(log.lastLsn, where).toBeGreaterThanOrEqual(lastMin);
          expect([promised.first, promised.firstPending], where).toContain(log.firstLsn);
          expect(await readTexts(log), where).toEqual(recordTexts(log.firstLsn, log.lastLsn));
          await log.close();
        }
        expect(struck).toBeGreaterThan(3);
      }
    },
  );
});

describe("a failing operation of a repair", () => {
  // Each: how the damaged log is made, and the last record before the damage.
  const DAMAGED: readonly (readonly [string, () => Promise<SimVfs>, number])[] = [
    [
      "of a closed log",
      async () => {
        const vfs = await closedLog(new SimVfs({ seed: 1 }), 12);
        await flipByte(vfs, segmentPath(3), 1024 + 55);
        return vfs;
      },
      7,
    ],
    [
      "of a killed log's tail",
      async () => {
        const vfs = new SimVfs({ seed: 1 });
        await appendCount(await openSmall(vfs, { segmentBytes: 8192 }), 9);
        await vfs.delay(1);
        const killed = vfs.kill();
        await flipByte(killed, segmentPath(1), 512 * 6 + 55);
        return killed;
      },
      5,
    ],
    [
      "of a log without an anchor",
      async () => {
        const vfs = await closedLog(new SimVfs({ seed: 1 }), 12);
        await vfs.remove("/log/anchor");
        await vfs.syncDirectory("/log");
        return vfs;
      },
      12,
    ],
  ];

  it.each(DAMAGED)("%s leaves it repairable, with every record before the damage", async (_name, make, last) => {
    // One that had just made the anchor anew once left a log that neither opened nor could be repaired.
    let struck = 0;
    for (let at = 1; at < 400; at++) {
      const vfs = await make();
      vfs.faults = new FaultPlan([{ at, errno: "EIO" }]);
      const failure = await repairLog(DIRECTORY, { vfs }).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (vfs.faults.injected === 0) break;
      struck += 1;
      const where = `operation ${at}, ${vfs.faults.first?.operation} ${vfs.faults.first?.path}`;
      if (failure !== undefined) expect((failure as HoldfastError).code, where).toMatch(/^HF_(IO|POISONED)$/);
      vfs.faults = undefined;
      expect(vfs.openHandles(), where).toEqual([]);
      const after = vfs.kill();
      await repairLog(DIRECTORY, { vfs: after });
      const log = await Log.open(DIRECTORY, { vfs: after });
      expect(await readTexts(log), where).toEqual(recordTexts(1, last));
      await log.close();
    }
    expect(struck).toBeGreaterThan(20);
  });
});
