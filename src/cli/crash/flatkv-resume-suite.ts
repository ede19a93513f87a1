/** The suite about imports that go on after a crash: however often one is interrupted, the next one of the same export comes to what was exported. */
import { SeededRandom } from "../../base/index.js";
import type { ExploreCrashesOptions, RecoverContext } from "../../testing/index.js";
import { type CrashSuite, crashCase } from "./crash-case.js";
import { effortOf } from "./effort.js";
import { FlatCaller, randomCommit } from "./flatkv-calls.js";
import type { FlatState } from "./flatkv-model.js";
import { type FlatPlan, type OpenFlat, checkDirectories, importFlat, openFlat, readFlat } from "./flatkv-place.js";
import type { FlatCasePlan } from "./flatkv-suite.js";
import { pick } from "./log-calls.js";
import { makeParent } from "./parent-directory.js";
import { STORE_LIMITS } from "./store-exploration.js";

/** What a recovery comes to. */
interface ResumedFlat {
  readonly open: OpenFlat;
  readonly state: FlatState;
}

/** Recovers by importing again, and opening. */
export function resumeExploration(plan: FlatCasePlan): ExploreCrashesOptions<ResumedFlat, never> {
  const { followUps: _, followUpShare: __, ...limits } = plan.effort;
  let exported: FlatCaller["exported"];
  return {
    name: plan.title,
    seed: plan.seed,
    ...limits,
    ...STORE_LIMITS,
    ...(plan.disk === undefined ? {} : { disk: plan.disk }),
    async workload({ vfs }) {
      await makeParent(vfs);
      const caller = await FlatCaller.open(vfs, plan, () => undefined);
      for (const call of plan.calls) {
        await caller.make(call);
        exported = caller.exported;
      }
      await caller.close();
    },
    async recover({ vfs }: RecoverContext<never>) {
      await makeParent(vfs);
      await importFlat(vfs, plan, exported!.chunks);
      const open = await openFlat(vfs, plan);
      const state = await readFlat(open.store);
      await checkDirectories(vfs, open.store);
      return { open, state };
    },
    check({ state }) {
      const wanted = new Map(exported!.rows);
      const isSame =
        state.rows.size === wanted.size && [...state.rows].every(([key, text]) => wanted.get(key) === text);
      if (!isSame || state.version !== exported!.version)
        throw new Error(`an import came to {${state.text}}, and version ${exported!.version} was exported`);
    },
    describe: ({ state }) => state.text,
  };
}

/** See the head of this file. */
export const resumeSuite: CrashSuite = {
  name: "flatkv-resume",
  summary: "imports that are interrupted by crashes, and begun again",
  weight: 1,
  makeCase(index, seed) {
    const random = new SeededRandom(seed).fork(`flatkv-resume ${index}`);
    const databases = 1 + random.below(3);
    const journal = pick<FlatPlan["journal"]>(random, ["own", "own", "log", "stream"]);
    const plan: FlatCasePlan = {
      title: `flatkv-resume/${index}: ${databases} databases, ${journal}`,
      seed,
      databases,
      journal,
      log: { blockBytes: 512, segmentBytes: 512 * 40 },
      options: { syncEveryCommits: 2, snapshots: { everyCommits: 0, keep: 1 } },
      noteEveryBytes: pick(random, [1, 200, 2500, 1_000_000]),
      calls: [
        ...Array.from({ length: 1 + random.below(2) }, () => randomCommit(random, databases)),
        { call: "export" },
        ...(random.chance(0.5) ? [randomCommit(random, databases)] : []),
        { call: "import", tries: random.below(2) },
      ],
      disk: { stale: random.chance(0.4), garbage: pick(random, ["written", "sector", "none"] as const) },
      effort: effortOf("flatkv-resume", index),
    };
    return crashCase(plan.title, resumeExploration(plan));
  },
};
