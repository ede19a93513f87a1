/**
 * Anchors on the simulated disk: the power is cut, or the process killed, at every operation, every state that the disk may then be
 * in is opened, and the same again while it is being opened. Whoever has seen a value must see it, or a newer one, for ever.
 */
import { describe, expect, it } from "vitest";
import { HoldfastError, equalBytes } from "../base/index.js";
import { FaultPlan, SimDisk, SimVfs, type Chooser, type DiskSnapshot, type SyncFailure } from "../vfs/index.js";
import { Anchor, type AnchorOptions } from "./index.js";

const PATH = "/anchor";
const WRITES = 3;
/** Slots of two sectors, so that one write can tear between them. */
const MODES: readonly AnchorOptions[] = [
  { slotBytes: 1024 },
  { slotBytes: 1024, mode: "alternate", olderIsSafe: true },
];

/** Value `n` fills its slot, so that every sector of it differs from that of any other. */
const valueOf = (n: number): Uint8Array => new Uint8Array(900).fill(n);

/** What the world knows at one moment: the newest value that anyone was shown or told of, and the newest that was asked for. */
interface Known {
  floor: number;
  issued: number;
}

interface CrashPoint extends Readonly<Known> {
  readonly snapshot: DiskSnapshot;
}

const codeOf = (error: unknown): string => (error instanceof HoldfastError ? error.code : "not typed");

/** Opens, and returns the number of the value there; checks that all of it is one value. */
async function openAnchor(vfs: SimVfs, options: AnchorOptions): Promise<{ anchor: Anchor; n: number }> {
  const anchor = await Anchor.openOrCreate(PATH, valueOf(0), { ...options, vfs });
  const n = anchor.value[0] ?? -1;
  expect(equalBytes(anchor.value, valueOf(n))).toBe(true);
  return { anchor, n };
}

/** Runs `act` on `vfs` and keeps the disk as it was before and after every change. */
async function record(vfs: SimVfs, known: Known, act: () => Promise<void>): Promise<CrashPoint[]> {
  const points: CrashPoint[] = [];
  const take = (): void =>
    void points.push({ snapshot: vfs.disk.snapshot(), floor: known.floor, issued: known.issued });
  vfs.disk.recorder = { record: take };
  await act();
  take();
  vfs.disk.recorder = undefined;
  return points;
}

/** Opens every state that the crash may have left, by answering all questions in all ways. */
async function everyState(
  point: CrashPoint,
  diskOf: (snapshot: DiskSnapshot, chooser: Chooser) => SimDisk,
  tornMax: number,
  look: (vfs: SimVfs) => Promise<void>,
): Promise<number> {
  let answers: number[] = [];
  for (let states = 1; ; states++) {
    const asked: number[] = [];
    const chooser: Chooser = {
      tornMax,
      choose: (question) => {
        asked.push(question.options);
        return answers[asked.length - 1] ?? 0;
      },
    };
    await look(new SimVfs({ disk: diskOf(point.snapshot, chooser) }));
    answers = asked.map((_, at) => answers[at] ?? 0);
    while (answers.length > 0 && answers.at(-1)! + 1 >= asked[answers.length - 1]!) answers.pop();
    if (answers.length === 0) return states;
    answers[answers.length - 1] = answers.at(-1)! + 1;
  }
}

const powerCut = (snapshot: DiskSnapshot, chooser: Chooser): SimDisk =>
  SimDisk.afterPowerCut(snapshot.powerCut(), chooser);
const kill = (snapshot: DiskSnapshot, chooser: Chooser): SimDisk => SimDisk.afterKill(snapshot, chooser);

/** Opens what a crash at `point` left, checks it, and crashes again wherever that opening can be cut, `depth` times. */
async function survive(
  point: CrashPoint,
  options: AnchorOptions,
  crash: (snapshot: DiskSnapshot, chooser: Chooser) => SimDisk,
  depth: number,
): Promise<number> {
  let states = 0;
  const again: CrashPoint[] = [];
  states += await everyState(point, crash, depth > 0 ? 1 : 0, async (vfs) => {
    const known: Known = { floor: point.floor, issued: point.issued };
    const points = await record(vfs, known, async () => {
      const { anchor, n } = await openAnchor(vfs, options);
      expect(n).toBeGreaterThanOrEqual(point.floor);
      expect(n).toBeLessThanOrEqual(point.issued);
      // Shown: from here on it must stay, and what was abandoned must not come back.
      known.floor = n;
      known.issued = n;
      await anchor.close();
    });
    expect(vfs.snapshotTree().map((entry) => entry.path)).toEqual([PATH]);
    if (depth > 0) again.push(...points);
  });
  for (const next of again) states += await survive(next, options, powerCut, depth - 1);
  return states;
}

/** Makes an anchor and writes to it; `known` follows. */
async function workload(vfs: SimVfs, known: Known, options: AnchorOptions): Promise<void> {
  const { anchor } = await openAnchor(vfs, options);
  for (let n = known.floor + 1; n <= WRITES; n++) {
    known.issued = n;
    await anchor.write(valueOf(n));
    known.floor = n;
  }
  await anchor.close();
}

for (const options of MODES) {
  const mode = options.mode ?? "mirror";
  describe(`an anchor in ${mode} mode`, () => {
    it("keeps every acknowledged value over a power cut anywhere, and over another while it opens", async () => {
      const vfs = new SimVfs();
      const known: Known = { floor: 0, issued: 0 };
      let states = 0;
      for (const point of await record(vfs, known, () => workload(vfs, known, options))) {
        states += await survive(point, options, powerCut, 1);
      }
      expect(states).toBeGreaterThan(1000);
    });

    it("keeps every value that it showed after a kill, over a power cut that follows", async () => {
      const vfs = new SimVfs();
      const known: Known = { floor: 0, issued: 0 };
      let states = 0;
      for (const point of await record(vfs, known, () => workload(vfs, known, options))) {
        states += await survive(point, options, kill, 1);
      }
      expect(states).toBeGreaterThan(500);
    });

    it("keeps its word after any failed sync, whatever became of the pages", async () => {
      const failures: readonly SyncFailure[] = [
        { pages: "kept", reached: "none" },
        { pages: "kept", reached: "part" },
        { pages: "reverted", reached: "none" },
        { pages: "reverted", reached: "part" },
      ];
      const outcomes = new Set<string>();
      for (const sync of failures) {
        for (let at = 1; ; at++) {
          const vfs = new SimVfs({ seed: at });
          const known: Known = { floor: 0, issued: 0 };
          await workload(vfs, { floor: 0, issued: 0 }, options);
          known.floor = known.issued = WRITES;
          const { anchor } = await openAnchor(vfs, options);
          const faults = new FaultPlan([{ operation: "write", errno: "EIO", sync, at }]);
          vfs.faults = faults;
          for (let n = WRITES + 1; n <= WRITES + 2; n++) {
            known.issued = Math.max(known.issued, n);
            const error: unknown = await anchor.write(valueOf(n)).catch((reason: unknown) => reason);
            if (error !== undefined) {
              outcomes.add(codeOf(error));
              break;
            }
            known.floor = n;
          }
          await anchor.close();
          if (faults.injected === 0) break;
          const point: CrashPoint = { ...known, snapshot: vfs.disk.snapshot() };
          await survive(point, options, powerCut, 1);
          await survive(point, options, kill, 1);
        }
      }
      expect([...outcomes]).toEqual(["HF_IO"]);
    });

    it("survives the failure of any operation, once or for good, with a typed error and no open handle", async () => {
      const codes = new Set<string>();
      for (const errno of ["EIO", "ENOSPC"]) {
        for (const sticky of [false, true]) {
          let injected = 1;
          for (let at = 1; injected > 0; at++) {
            const faults = new FaultPlan([{ errno, at, sticky }]);
            const vfs = new SimVfs({ faults });
            const known: Known = { floor: 0, issued: 0 };
            for (let opening = 0; opening < 2; opening++) {
              const error: unknown = await workload(vfs, known, options).catch((reason: unknown) => reason);
              if (error !== undefined) codes.add(codeOf(error));
            }
            injected = faults.injected;
            const after = vfs.kill();
            const { anchor, n } = await openAnchor(after, options);
            expect(n).toBeGreaterThanOrEqual(known.floor);
            expect(n).toBeLessThanOrEqual(known.issued);
            await anchor.write(valueOf(99));
            await anchor.close();
            expect(after.openHandles()).toEqual([]);
            const { n: last } = await openAnchor(after.powerCut(), options);
            expect(last).toBe(99);
          }
        }
      }
      expect([...codes]).toEqual(["HF_IO"]);
    });
  });
}
