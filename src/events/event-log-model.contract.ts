/** An event log beside a model in memory: commands for fast-check, each with what must hold after it. */
import fc from "fast-check";
import { expect } from "vitest";
import { keepNothing, SimVfs } from "../vfs/index.js";
import { EventLog } from "./event-log.js";
import {
  type SmallEvent,
  type SmallLog,
  type Types,
  balance,
  collect,
  events,
  openLog,
  plainJournal,
} from "./small-events.contract.js";

type Name = SmallEvent["type"];

interface Model {
  /** Every event ever accepted and not lost. */
  all: SmallEvent[];
  flushedLsn: number;
  /** Checkpoints that were taken, the oldest first. */
  taken: { lsn: number; through: number; state: boolean }[];
  max: number;
}

interface Real {
  vfs: SimVfs;
  log: SmallLog;
  reopen(vfs: SimVfs): Promise<void>;
}

type Command = fc.AsyncCommand<Model, Real>;

function eventOf(lsn: number, type: Name, size: number): SmallEvent {
  if (type === "sealed") return { lsn, type, data: new Uint8Array(size).fill(lsn) };
  return { lsn, type, data: { account: "a".repeat(size % 40), cents: size } };
}

function command(name: string, run: (model: Model, real: Real) => Promise<void>): Command {
  return { check: () => true, run, toString: () => name };
}

const names = fc.constantFrom<Name>("deposited", "withdrawn", "sealed");
const sizes = fc.integer({ min: 0, max: 900 });

function same(actual: unknown, expected: unknown): void {
  expect(actual).toEqual(expected);
}

const commands = [
  fc.tuple(names, sizes).map(([type, size]) =>
    command(`append ${type} ${size}`, async (model, { log }) => {
      const stored = eventOf(log.lastLsn + 1, type, size);
      same(await log.append(stored.type, stored.data), stored.lsn);
      model.all.push(stored);
      model.flushedLsn = stored.lsn;
    }),
  ),
  fc.array(fc.tuple(names, fc.nat(200)), { minLength: 1, maxLength: 4 }).map((list) =>
    command(`appendAll ${list.length}`, async (model, { log }) => {
      const batch = list.map(([type, size], index) => eventOf(log.lastLsn + 1 + index, type, size));
      same(await log.appendAll(batch), { firstLsn: batch[0]?.lsn, lastLsn: batch.at(-1)?.lsn });
      model.all.push(...batch);
      model.flushedLsn = log.lastLsn;
    }),
  ),
  fc.tuple(names, sizes).map(([type, size]) =>
    command(`enqueue ${type} ${size}`, async (model, { log }) => {
      const stored = eventOf(log.lastLsn + 1, type, size);
      same(log.enqueue(stored.type, stored.data), stored.lsn);
      model.all.push(stored);
      same(await log.get(stored.lsn), stored);
    }),
  ),
  fc.constant(
    command("flush", async (model, { log }) => {
      same(await log.flush(), log.lastLsn);
      model.flushedLsn = log.lastLsn;
    }),
  ),
  fc.tuple(fc.boolean(), fc.nat(1)).map(([withState, behind]) =>
    command(`checkpoint ${withState} ${behind}`, async (model, { log }) => {
      const least = model.taken.at(-1)?.through ?? 0;
      const through = Math.max(least, log.lastLsn - behind);
      const state = fold(model.all.filter(({ lsn }) => lsn <= through));
      const taken = await log.checkpoint(withState ? { state, through } : { through });
      same([taken.through, taken.lsn], [through, log.lastLsn]);
      model.taken.push({ lsn: taken.lsn, through, state: withState });
      model.flushedLsn = log.lastLsn;
    }),
  ),
  fc.constantFrom("close", "kill", "cut").map((how) =>
    command(how, async (model, real) => {
      if (how === "close") await real.log.close();
      const survives = how === "close" ? real.log.lastLsn : model.flushedLsn;
      await real.reopen(how === "close" ? real.vfs : how === "kill" ? real.vfs.kill() : real.vfs.powerCut(keepNothing));
      same(real.log.lastLsn >= survives, true);
      model.all = model.all.filter(({ lsn }) => lsn <= real.log.lastLsn);
      model.flushedLsn = real.log.lastLsn;
    }),
  ),
  fc.tuple(fc.option(fc.uniqueArray(names), { nil: undefined }), fc.nat(100), fc.nat(100)).map(([types, from, to]) =>
    command(`replay ${String(types)} ${from} ${to}`, async (model, { log, vfs }) => {
      // What the buffer wrote by itself is acknowledged before, not in the middle.
      await vfs.delay(1);
      const bounds = { from: Math.max(log.firstLsn, from), to };
      const expected = model.all.filter(
        ({ lsn, type }) =>
          lsn >= bounds.from && lsn <= to && lsn <= log.durableLsn && (types === undefined || types.includes(type)),
      );
      const options = { ...bounds, ...(types === undefined ? {} : { types }) };
      same(await collect(log.replay(options)), expected);
      same(await log.replayWith(() => undefined, options), expected.length);
    }),
  ),
  fc.nat(100).map((lsn) =>
    command(`get ${lsn}`, async (model, { log }) => {
      const stored = lsn < log.firstLsn ? undefined : model.all.find((one) => one.lsn === lsn);
      same(await log.get(lsn), stored);
    }),
  ),
  fc.constant(command("look", look)),
];

function fold(list: readonly SmallEvent[]): number {
  return list.reduce(balance.apply, balance.initial);
}

/** Bounds, checkpoints and state are those of the model. */
async function look(model: Model, { log, vfs }: Real): Promise<void> {
  await vfs.delay(1);
  const { taken, max } = model;
  const kept = taken.slice(-max);
  const withState = taken.findLast(({ state }) => state);
  if (withState !== undefined && !kept.includes(withState)) kept.unshift(withState);
  expect(log.checkpoints.map(({ lsn }) => lsn)).toEqual(kept.map(({ lsn }) => lsn).toReversed());
  expect(log.firstLsn).toBe(taken.length >= max ? Math.min(...kept.map(({ through }) => through)) + 1 : 1);
  if (withState === undefined && log.firstLsn > 1) return;
  const { state, rejected } = await log.hydrate(balance);
  expect(rejected).toEqual([]);
  expect(state).toBe(fold(model.all.filter(({ lsn }) => lsn <= log.durableLsn)));
}

/** Any commands on event logs with any of a few options. */
export function eventLogProperty(): fc.IAsyncProperty<unknown[]> {
  const options = fc.record({
    batchSize: fc.constantFrom(1, 3, 100),
    checkpointsMax: fc.constantFrom(1, 2, 4),
    partBytes: fc.constantFrom(64, 1000),
    plain: fc.boolean(),
  });
  return fc.asyncProperty(options, fc.commands(commands, { maxCommands: 40 }), async ({ plain, ...given }, cmds) => {
    const open = async (vfs: SimVfs): Promise<SmallLog> => {
      const journal = await openLog(vfs);
      const log = await EventLog.on<Types>(plain ? plainJournal(journal) : journal, { events, ...given });
      const closeEvents = log.close.bind(log);
      log.close = async () => {
        await closeEvents();
        await journal.close();
      };
      return log;
    };
    await fc.asyncModelRun(async () => {
      const vfs = new SimVfs({ seed: 1 });
      const real: Real = {
        vfs,
        log: await open(vfs),
        async reopen(next) {
          real.vfs = next;
          real.log = await open(next);
        },
      };
      return { model: { all: [], flushedLsn: 0, taken: [], max: given.checkpointsMax }, real };
    }, cmds);
  }) as fc.IAsyncProperty<unknown[]>;
}
