/**
 * One entry of a kibibyte for each of 32 lanes, made durable: lanes in a shared log, each for itself and as one atomic batch, beside lanes with
 * a log each.
 */
import path from "node:path";
import { millis, times } from "../format.mjs";
import { withGroups } from "../groups.mjs";
import { LaneSet, SharedLog } from "../holdfast.mjs";
import { median } from "../statistics.mjs";
import { makePayloads } from "../writers.mjs";

const LANES = 32;
const ENTRY_BYTES = 1024;
const ASKED_FEWER = 8;
const FLUSHES = /** @type {const} */ (["pool", "inline"]);

/** Bytes as they are. @type {import("../../dist/lanes/index.js").Codec<Uint8Array>} */
const codec = { encode: (entry) => entry, decode: (stored) => stored };

/**
 * @typedef {object} Contender
 * @property {"a log per lane" | "SharedLog" | "SharedLog, atomic"} kind
 * @property {"pool" | "inline"} flush
 * @property {string} directory
 * @property {() => Promise<unknown>} commit an entry for each lane, durable when it resolves
 * @property {() => Promise<void>} close
 *
 * @typedef {object} Taken
 * @property {number} commits
 * @property {number} p50Ms of one
 * @property {number} syncsPerCommit
 * @property {number} floorP50Ms of one durable write of what a commit writes
 */

/** @type {import("../context.js").Workload} */
export const lanes = {
  name: "lanes",
  title: `${LANES} lanes, an entry of ${ENTRY_BYTES.toLocaleString("en")} B each, made durable`,
  needBytes: () => 3 * 2 ** 30,
  run,
};

/**
 * @param {import("../context.js").Context} context
 * @returns {Promise<import("../context.js").Outcome>}
 */
async function run({ directory, floor, rounds, roundMs, quick, progress }) {
  const batches = makePayloads(LANES, ENTRY_BYTES).map((entry, lane) => ({ key: `lane ${lane}`, values: [entry] }));
  /** @type {{ contender: Contender, taken: Taken[] }[]} */
  const contenders = [];
  for (const flush of FLUSHES) {
    for (const kind of /** @type {const} */ (["a log per lane", "SharedLog", "SharedLog, atomic"])) {
      progress(`making the lanes: ${kind}, ${flush}`);
      const own = path.join(directory, `${kind.replaceAll(/\W+/g, "-")}-${flush}`);
      contenders.push({ contender: await open(kind, flush, own, batches, quick), taken: [] });
    }
  }
  // The first round warms code, and is not counted.
  for (let round = 0; round <= rounds; round++) {
    if (round > 0) progress(`round ${round} of ${rounds}`);
    for (const { contender, taken } of contenders) {
      const measured = await measure(contender, floor, round === 0 ? roundMs / 4 : roundMs);
      if (round > 0) taken.push(measured);
    }
  }
  for (const { contender } of contenders) await contender.close();

  const of = (/** @type {Contender["kind"]} */ kind, /** @type {Contender["flush"]} */ flush) =>
    contenders.find(({ contender }) => contender.kind === kind && contender.flush === flush)?.taken ?? [];
  const pick = (/** @type {readonly Taken[]} */ taken, /** @type {keyof Taken} */ what) =>
    median(taken.map((one) => one[what]));
  const rows = FLUSHES.flatMap((flush) =>
    /** @type {const} */ (["SharedLog", "SharedLog, atomic"]).flatMap((kind) => {
      const [ours, theirs] = [of(kind, flush), of("a log per lane", flush)];
      const fewer = pick(theirs, "syncsPerCommit") / pick(ours, "syncsPerCommit");
      const faster = pick(theirs, "p50Ms") / pick(ours, "p50Ms");
      const what = `${LANES} lanes × 1 KiB, ${kind}, ${flush}`;
      return [
        {
          what: `${what}, syncs`,
          measured: `${pick(ours, "syncsPerCommit").toFixed(1)} a commit`,
          beside: `${pick(theirs, "syncsPerCommit").toFixed(1)} with a log per lane`,
          ratio: `${times(fewer)} fewer`,
          asked: `≥ ${ASKED_FEWER} × fewer`,
          reached: fewer >= ASKED_FEWER,
        },
        {
          what: `${what}, p50`,
          measured: millis(pick(ours, "p50Ms")),
          beside: `${millis(pick(theirs, "p50Ms"))} with a log per lane`,
          ratio: `${times(faster)} faster`,
          asked: "faster",
          reached: faster > 1,
        },
      ];
    }),
  );
  const notes = contenders.map(
    ({ contender: { kind, flush }, taken }) =>
      `${kind}, ${flush}: ${millis(pick(taken, "p50Ms"))} a commit; one durable write of what it writes takes ${millis(pick(taken, "floorP50Ms"))} by the floor.`,
  );
  return {
    rows,
    notes,
    rounds: contenders.map(({ contender: { kind, flush }, taken }) => ({ kind, flush, taken })),
  };
}

/**
 * @param {Contender["kind"]} kind
 * @param {Contender["flush"]} flush
 * @param {string} directory
 * @param {readonly import("../../dist/lanes/index.js").LaneBatch<string, Uint8Array>[]} batches one for each lane
 * @param {boolean} quick
 * @returns {Promise<Contender>}
 */
async function open(kind, flush, directory, batches, quick) {
  // Segments are written full of zeros first, and there is one for each lane.
  const segmentBytes = (quick ? 0.5 : 8) * 2 ** 20;
  const shared = kind === "a log per lane" ? undefined : await SharedLog.open(directory, { flush });
  const set =
    shared === undefined
      ? await LaneSet.open(directory, { codec, layout: "log-per-lane", log: { flush, segmentBytes } })
      : await LaneSet.open(shared, { codec });
  const options = { atomic: kind === "SharedLog, atomic" };
  // Makes the lanes.
  await Promise.all(batches.map(({ key }) => set.lane(key)));
  return {
    kind,
    flush,
    directory,
    commit: () => set.commit(batches, options),
    close: async () => {
      await set.close();
      await shared?.close();
    },
  };
}

/**
 * @param {Contender} contender
 * @param {import("../floor.mjs").Floor} floor
 * @param {number} durationMs
 * @returns {Promise<Taken>}
 */
async function measure({ directory, commit }, floor, durationMs) {
  const { result, groups } = await withGroups(directory, async () => {
    const all = [];
    const end = performance.now() + durationMs;
    do {
      const start = performance.now();
      await commit();
      all.push(performance.now() - start);
    } while (performance.now() < end);
    return all;
  });
  const bytes = groups.reduce((sum, one) => sum + one, 0) / result.length;
  return {
    commits: result.length,
    p50Ms: median(result),
    syncsPerCommit: groups.length / result.length,
    floorP50Ms: floor.sync(result.map(() => Math.round(bytes))).p50Ns / 1e6,
  };
}
