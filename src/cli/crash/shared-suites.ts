/** The suites about shared logs: calls on several streams, recovery by opening, and the oracle. */
import { SeededRandom } from "../../base/index.js";
import { SharedLog, type SharedLogOptions } from "../../streams/index.js";
import type { CheckInfo, ExploreCrashesOptions, RecoverContext } from "../../testing/index.js";
import { type CrashSuite, crashCase } from "./crash-case.js";
import { type Effort, effortOf } from "./effort.js";
import { pick } from "./log-calls.js";
import { makeParent } from "./parent-directory.js";
import { SHARED_PATH, type SharedCall, SharedCaller, randomSharedCalls } from "./shared-calls.js";
import { type SharedEvent, SharedModel, type StreamView, entryText, viewText } from "./shared-model.js";

/** What a case is made of. */
export interface SharedCasePlan {
  readonly title: string;
  readonly seed: number;
  readonly options: Omit<SharedLogOptions, "vfs">;
  readonly calls: readonly SharedCall[];
  readonly disk?: ExploreCrashesOptions<unknown, unknown>["disk"];
  /** Open a second time without the pointer at the checkpoint: reading everything must come to the same. */
  readonly scansAgain?: boolean;
  readonly effort: Effort;
}

/** A recovered shared log. */
export interface RecoveredShared {
  readonly shared: SharedLog;
  readonly view: string;
}

/** The exploration of a plan. */
export function sharedExploration(plan: SharedCasePlan): ExploreCrashesOptions<RecoveredShared, SharedEvent> {
  const { followUps, ...limits } = plan.effort;
  const check = ({ view }: RecoveredShared, events: readonly SharedEvent[], info: CheckInfo<RecoveredShared>): void => {
    const own = events.findLastIndex(({ kind }) => kind === "opened");
    const problem = new SharedModel(events.slice(0, own)).refuse(view, info.scenario === "kill" ? "kill" : "power");
    if (problem !== undefined) throw new Error(`the recovered shared log: ${problem}`);
  };
  return {
    name: plan.title,
    seed: plan.seed,
    steps: plan.calls.length,
    ...limits,
    ...(plan.disk === undefined ? {} : { disk: plan.disk }),
    async workload({ vfs, note, steps }) {
      await makeParent(vfs);
      const caller = await SharedCaller.open({ ...plan.options, vfs }, note);
      for (const call of plan.calls.slice(0, steps)) await caller.make(call);
      await caller.close();
    },
    recover: (context) => recoverShared(plan, context),
    check,
    describe: ({ view }) => view,
    ...(followUps === undefined
      ? {}
      : {
          idempotent: true as const,
          close: ({ shared }: RecoveredShared) => shared.close(),
          resume: (state: RecoveredShared, context: RecoverContext<SharedEvent>) =>
            goOn(state, context, plan.options, followUps),
          checkResumed: check,
        }),
  };
}

/** Opens and reads the shared log, and notes what it showed. */
export async function recoverShared(
  plan: Pick<SharedCasePlan, "options" | "scansAgain">,
  { vfs, note }: RecoverContext<SharedEvent>,
): Promise<RecoveredShared> {
  let shared = await SharedLog.open(SHARED_PATH, { ...plan.options, vfs });
  const view = await readShared(shared);
  if (plan.scansAgain === true) {
    await shared.close();
    const pointer = vfs.join(SHARED_PATH, "streams-checkpoint");
    if ((await vfs.stat(pointer)) !== undefined) await vfs.remove(pointer);
    shared = await SharedLog.open(SHARED_PATH, { ...plan.options, vfs });
    if (shared.recovery.index !== "scan") throw new Error("a checkpoint was used that nothing points at");
    const again = await readShared(shared);
    if (again !== view) throw new Error(`reading everything gave {${again}}, the checkpoint {${view}}`);
  }
  note({ kind: "opened", view });
  return { shared, view };
}

/** What a shared log shows of itself, from both sides. */
export async function readShared(shared: SharedLog): Promise<string> {
  const views: StreamView[] = [];
  for (const name of shared.streams()) {
    const stream = await shared.stream(name);
    const entries: string[] = [];
    for await (const record of stream.read()) {
      if (record.lsn !== stream.firstLsn + entries.length) throw new Error(`entry ${record.lsn} is out of its place`);
      entries.push(entryText(record));
    }
    if (entries.length !== stream.lastLsn - stream.firstLsn + 1)
      throw new Error(`a stream says that it holds ${stream.firstLsn} to ${stream.lastLsn}, and has ${entries.length}`);
    const last = entries.length === 0 ? undefined : await stream.get(stream.lastLsn);
    if (last !== undefined && entryText(last) !== entries.at(-1)) throw new Error("get and read differ");
    if (stream.nextLsn !== stream.lastLsn + 1) throw new Error("the next LSN does not follow the last");
    views.push({ name, firstLsn: stream.firstLsn, entries });
  }
  return viewText(views);
}

async function goOn(
  { shared }: RecoveredShared,
  { note }: RecoverContext<SharedEvent>,
  options: SharedCasePlan["options"],
  counts: readonly number[],
): Promise<void> {
  const caller = await SharedCaller.resume(shared, options, note);
  for (const count of counts) {
    await caller.make({
      call: "commit",
      parts: [
        [0, [9, 30].slice(0, count)],
        [1, [300 / count]],
      ],
    });
    await caller.make({ call: "churn", stream: 1, count: count + 1 });
  }
  await caller.sync();
}

/** A stream that is never pruned beside one that always is: segments are freed by moving. */
const STUCK: readonly SharedCall[] = [
  { call: "append", stream: 0, bytes: 7 },
  { call: "append", stream: 0, bytes: 40 },
  { call: "churn", stream: 1, count: 9 },
  { call: "cut", stream: 0, drop: 1 },
  { call: "append", stream: 0, bytes: 7 },
  { call: "churn", stream: 1, count: 6 },
];

/** Entries that are old enough to be moved, and cut while they may be on their way. */
function movesAndCuts(random: SeededRandom): SharedCall[] {
  const beside = (): SharedCall => ({
    call: "together",
    calls: [
      { call: "append", stream: 1, bytes: 40 },
      { call: "prune", stream: 1, keep: 1 },
      { call: "cut", stream: 0, drop: random.below(3) },
      ...(random.chance(0.5) ? [{ call: "append", stream: 0, bytes: 7 } as const] : []),
    ],
  });
  const others: readonly (() => SharedCall)[] = [
    () => ({ call: "churn", stream: 1, count: 2 }),
    () => ({ call: "cut", stream: 0, drop: 1 }),
    () => ({ call: "append", stream: 0, bytes: 40 }),
    () => (random.chance(0.2) ? { call: "drop", stream: 0 } : { call: "prune", stream: 0, keep: 2 }),
  ];
  return [
    { call: "enqueue", stream: 0, sizes: [7, 7, 7, 7, 7] },
    { call: "churn", stream: 1, count: 5 },
    ...Array.from({ length: 4 + random.below(6) }, () => (random.chance(0.5) ? beside() : pick(random, others)())),
  ];
}

function sharedSuite(
  name: string,
  summary: string,
  weight: number,
  fixed: Partial<SharedLogOptions>,
  callsOf: (random: SeededRandom) => readonly SharedCall[],
): CrashSuite {
  return {
    name,
    summary,
    weight,
    makeCase(index, seed) {
      const random = new SeededRandom(seed).fork(`${name} ${index}`);
      const blocks = pick(random, [4, 5, 8]);
      const calls = callsOf(random);
      const plan: SharedCasePlan = {
        title: `${name}/${index}: ${blocks} blocks: ${calls.map(({ call }) => call).join(", ")}`,
        seed,
        options: {
          blockBytes: 512,
          segmentBytes: 512 * blocks,
          checkpointBytes: pick(random, [512, 512, 1024, 16_384]),
          ...(random.chance(0.3) ? { recordBytesMax: 512 } : {}),
          ...(random.chance(0.3) ? { flush: "inline" } : {}),
          spareSegmentsMax: random.below(3),
          ...fixed,
        },
        calls,
        disk: { stale: random.chance(0.4), garbage: pick(random, ["written", "sector", "none"] as const) },
        scansAgain: random.chance(0.3),
        effort: effortOf(name, index),
      };
      return crashCase(plan.title, sharedExploration(plan));
    },
  };
}

/** The suites about shared logs. */
export const sharedSuites: readonly CrashSuite[] = [
  sharedSuite("shared-log", "random calls on three streams of a shared log", 4, {}, (random) =>
    randomSharedCalls(random, 3 + random.below(8)),
  ),
  sharedSuite("shared-log-os", "the same, synced on request only", 1, { durability: "os" }, (random) =>
    randomSharedCalls(random, 3 + random.below(8)),
  ),
  sharedSuite("shared-log-stuck", "a stuck stream beside a busy one: moving, checkpoints, pruning", 3, {}, (random) => [
    ...STUCK,
    ...randomSharedCalls(random, random.below(5)),
  ]),
  sharedSuite("shared-log-moves", "cuts, prunes and drops of entries that are being moved", 2, {}, movesAndCuts),
];
