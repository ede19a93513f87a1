/** The suite about tidwall/wal: a directory that was exported is whole; an import that is run again ends with every entry once. */
import { SeededRandom } from "../../base/index.js";
import { Log, type LogOptions, type TornMode } from "../../log/index.js";
import { type TidwallFormat, TidwallLog, TidwallWriter, importTidwall } from "../../tidwall/index.js";
import type { SimVfs } from "../../vfs/index.js";
import { type CrashSuite, crashCase } from "./crash-case.js";
import { type Effort, effortOf } from "./effort.js";
import { pick } from "./log-calls.js";

interface TidwallEvent {
  readonly kind: "exported" | "imported";
}

interface TidwallPlan {
  readonly title: string;
  readonly seed: number;
  readonly format: TidwallFormat;
  readonly segmentBytes: number;
  readonly firstIndex: number;
  readonly batchBytes: number;
  readonly torn: TornMode;
  readonly entries: number;
  readonly stale: boolean;
  readonly effort: Effort;
}

interface Imported {
  /** Whether the directory to import was whole. */
  readonly exported: boolean;
  /** The first byte of each record, in order. */
  readonly records: readonly number[];
  /** Records that were there before this run. */
  readonly alreadyThere: number;
}

/** Entry `n`; sizes differ, so that batches and segments end at different places. */
function entryOf(n: number): Uint8Array {
  return new Uint8Array([300, 40, 700, 1][n % 4]!).fill(n);
}

async function exportEntries(vfs: SimVfs, plan: TidwallPlan, count: number): Promise<void> {
  const { format, segmentBytes, firstIndex } = plan;
  const writer = await TidwallWriter.create("/wal", { vfs, format, segmentBytes, firstIndex });
  for (let n = 1; n <= count; n++) await writer.append(entryOf(n));
  await writer.finish();
}

/** Whether all of the directory is there; a crash before its export was acknowledged may leave less. */
async function isExported(vfs: SimVfs, plan: TidwallPlan): Promise<boolean> {
  try {
    const source = await TidwallLog.open("/wal", { vfs });
    await source.check();
    return source.firstIndex === plan.firstIndex && source.count === plan.entries;
  } catch {
    return false;
  }
}

async function runImport(vfs: SimVfs, plan: TidwallPlan): Promise<Imported> {
  const source = await TidwallLog.open("/wal", { vfs });
  const options: LogOptions = { vfs, blockBytes: 512, segmentBytes: 4096, torn: plan.torn };
  const log = await Log.open("/log", options);
  try {
    const { alreadyThere } = await importTidwall(source, log, { batchBytes: plan.batchBytes });
    const records: number[] = [];
    for await (const { payload } of log.read()) records.push(new Set(payload).size === 1 ? payload[0]! : -1);
    return { exported: true, records, alreadyThere };
  } finally {
    await log.close();
  }
}

function tidwallCase(plan: TidwallPlan): ReturnType<typeof crashCase> {
  const { followUps, ...limits } = plan.effort;
  return crashCase<Imported, TidwallEvent>(plan.title, {
    name: plan.title,
    seed: plan.seed,
    disk: { stale: plan.stale },
    ...limits,
    async workload({ vfs, note }) {
      await exportEntries(vfs, plan, plan.entries);
      note({ kind: "exported" });
      await runImport(vfs, plan);
      note({ kind: "imported" });
    },
    async recover({ vfs, note }) {
      if (!(await isExported(vfs, plan))) return { exported: false, records: [], alreadyThere: 0 };
      const imported = await runImport(vfs, plan);
      note({ kind: "imported" });
      return imported;
    },
    check({ exported, records, alreadyThere }, events) {
      if (!exported) {
        if (events.some(({ kind }) => kind === "exported"))
          throw new Error("the directory is not whole, though its export was acknowledged");
        return;
      }
      // The last event is this recovery's own.
      const before = events.slice(0, -1);
      const expected = Array.from({ length: plan.entries }, (_, at) => at + 1);
      if (records.join() !== expected.join())
        throw new Error(`the log holds entries ${records.join(", ")}, not ${expected.join(", ")}`);
      if (before.some(({ kind }) => kind === "imported") && alreadyThere !== plan.entries)
        throw new Error(`the log held ${alreadyThere} records, though the import of ${plan.entries} was acknowledged`);
    },
    describe: ({ exported, records }) => `${exported ? "exported" : "not exported"}: ${records.join(",")}`,
    ...(followUps === undefined ? {} : { idempotent: true as const }),
  });
}

/** See the head of this file. */
export const tidwallSuite: CrashSuite = {
  name: "tidwall",
  summary: "a directory of tidwall/wal that is exported, and imported until it is done",
  weight: 1,
  makeCase(index, seed) {
    const random = new SeededRandom(seed).fork(`tidwall ${index}`);
    const format: TidwallFormat = index % 2 === 0 ? "binary" : "json";
    const entries = 1 + random.below(7);
    const torn = pick(random, ["align", "double-write", "trust"] as const);
    return tidwallCase({
      title: `tidwall/${index}: ${format}, ${entries} entries, ${torn}`,
      seed,
      format,
      entries,
      torn,
      segmentBytes: pick(random, [1, 500, 100_000]),
      firstIndex: pick(random, [1, 8]),
      batchBytes: pick(random, [1, 700, 100_000]),
      stale: random.chance(0.5),
      effort: effortOf("tidwall", index >> 1),
    });
  },
};
