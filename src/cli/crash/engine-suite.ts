/** The suite about the memory engine: synced batches stay, others stay or go as wholes. */
import { SeededRandom } from "../../base/index.js";
import { type CrashSuite, crashCase } from "./crash-case.js";
import { effortOf } from "./effort.js";
import { type EngineCall, engineExploration } from "./engine-case.js";

/** See the head of this file. */
export const engineSuite: CrashSuite = {
  name: "engine",
  summary: "a database of the memory engine that is made, written, copied, removed and opened again",
  weight: 8,
  makeCase(index, seed) {
    const random = new SeededRandom(seed).fork(`engine ${index}`);
    const calls = Array.from({ length: 2 + random.below(5) }, () => anyCall(random));
    const title = `engine/${index}: ${calls.map(nameOf).join(", ")}`;
    return crashCase(
      title,
      engineExploration({ title, seed, calls, stale: random.chance(0.5), effort: effortOf("engine", index) }),
    );
  },
};

function anyCall(random: SeededRandom): EngineCall {
  const draw = random.below(20);
  if (draw < 12) return { call: "batches", count: 1 + random.below(3), sync: random.chance(0.4) };
  return { call: draw < 14 ? "sync" : draw < 17 ? "reopen" : "copy" };
}

function nameOf(call: EngineCall): string {
  return call.call === "batches" ? `${call.count}${call.sync ? " synced" : ""}` : call.call;
}
