/** One writer that waits for each durable append: the latency, beside the floor's write of the same groups. */
import path from "node:path";
import { micros, times } from "../format.mjs";
import { withGroups } from "../groups.mjs";
import { Log } from "../holdfast.mjs";
import { median, quantile } from "../statistics.mjs";
import { makePayloads, timeAppends } from "../writers.mjs";

const PAYLOAD_BYTES = 100;
const ASKED = /** @type {const} */ ({ pool: 1.6, inline: 1.15 });
const FLUSHES = /** @type {const} */ (["pool", "inline"]);

/** @type {import("../context.js").Workload} */
export const oneWriter = {
  name: "one-writer",
  title: `durable append, one writer × ${PAYLOAD_BYTES} B`,
  needBytes: () => 2 ** 30,
  run,
};

/**
 * @param {import("../context.js").Context} context
 * @returns {Promise<import("../context.js").Outcome>}
 */
async function run({ directory, floor, rounds, roundMs, progress }) {
  const [payload] = /** @type {[Uint8Array]} */ (makePayloads(1, PAYLOAD_BYTES));
  const logs = {
    pool: await Log.open(path.join(directory, "pool"), { flush: "pool" }),
    inline: await Log.open(path.join(directory, "inline"), { flush: "inline" }),
  };
  const measure = async (/** @type {"pool" | "inline"} */ flush, /** @type {number} */ durationMs) => {
    const log = logs[flush];
    const { result, groups } = await withGroups(log.directory, () =>
      timeAppends(durationMs, () => log.append(payload)),
    );
    const least = floor.sync(groups);
    const p50Ns = median(result);
    return {
      appends: result.length,
      p50Ns,
      p99Ns: quantile(result, 0.99),
      floorP50Ns: least.p50Ns,
      floorP99Ns: least.p99Ns,
      ratio: p50Ns / least.p50Ns,
    };
  };
  const taken = {
    pool: /** @type {Awaited<ReturnType<typeof measure>>[]} */ ([]),
    inline: /** @type {Awaited<ReturnType<typeof measure>>[]} */ ([]),
  };
  for (const flush of FLUSHES) await measure(flush, roundMs / 4);
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round + 1} of ${rounds}`);
    for (const flush of FLUSHES) taken[flush].push(await measure(flush, roundMs));
  }
  for (const flush of FLUSHES) await logs[flush].close();

  const rows = FLUSHES.map((flush) => {
    const of = taken[flush];
    const ratio = median(of.map((round) => round.ratio));
    return {
      what: `one writer × 100 B, ${flush}, p50`,
      measured: micros(median(of.map((round) => round.p50Ns))),
      beside: `${micros(median(of.map((round) => round.floorP50Ns)))} a write`,
      ratio: times(ratio),
      asked: `≤ ${ASKED[flush]} ×`,
      reached: ratio <= ASKED[flush],
    };
  });
  const notes = FLUSHES.map((flush) => {
    const p99 = micros(median(taken[flush].map((round) => round.p99Ns)));
    return `${flush}: p99 ${p99}, the floor's ${micros(median(taken[flush].map((round) => round.floorP99Ns)))}.`;
  });
  return { rows, notes, rounds: taken };
}
