/**
 * Durable appends of 100 bytes by 64 writers at once, group written on Node's thread pool and inline; beside them the floor for
 * the very groups formed, a loop of append + fdatasync per record, and lmdb.
 */
import path from "node:path";
import { micros, rate, times } from "../format.mjs";
import { withGroups } from "../groups.mjs";
import { Log } from "../holdfast.mjs";
import { appendAwaited, appendNow } from "../peers/append-fdatasync.mjs";
import { lmdbInstalled, putFlushed } from "../peers/lmdb.mjs";
import { median } from "../statistics.mjs";
import { makePayloads, runWriters } from "../writers.mjs";

const WRITERS = 64;
const PAYLOAD_BYTES = 100;
const FLUSHES = /** @type {const} */ (["pool", "inline"]);

/** @type {import("../context.js").Workload} */
export const durable64 = {
  name: "durable-64",
  title: `durable appends, ${WRITERS} writers × ${PAYLOAD_BYTES} B`,
  needBytes: () => 4 * 2 ** 30,
  run,
};

/**
 * @param {import("../context.js").Context} context
 * @returns {Promise<import("../context.js").Outcome>}
 */
async function run({ directory, floor, rounds, roundMs, progress }) {
  const payloads = makePayloads(WRITERS, PAYLOAD_BYTES);
  const logs = {
    pool: await Log.open(path.join(directory, "pool"), { flush: "pool" }),
    inline: await Log.open(path.join(directory, "inline"), { flush: "inline" }),
  };
  const measure = async (/** @type {"pool" | "inline"} */ flush, /** @type {number} */ durationMs) => {
    const log = logs[flush];
    const { result, groups } = await withGroups(log.directory, () =>
      runWriters(WRITERS, durationMs, (writer) => log.append(/** @type {Uint8Array} */ (payloads[writer]))),
    );
    const least = floor.sync(groups);
    return {
      perSecond: (result.records / result.elapsedMs) * 1000,
      recordsPerGroup: result.records / groups.length,
      groups: groups.length,
      bytesWritten: groups.reduce((sum, bytes) => sum + bytes, 0),
      elapsedNs: result.elapsedMs * 1e6,
      floorNs: least.totalNs,
      floorP50Ns: least.p50Ns,
      ofFloor: least.totalNs / (result.elapsedMs * 1e6),
    };
  };

  const taken = {
    pool: /** @type {Awaited<ReturnType<typeof measure>>[]} */ ([]),
    inline: /** @type {Awaited<ReturnType<typeof measure>>[]} */ ([]),
    appendNow: /** @type {number[]} */ ([]),
    appendAwaited: /** @type {number[]} */ ([]),
    lmdbOverlapping: /** @type {number[]} */ ([]),
    lmdbStrict: /** @type {number[]} */ ([]),
  };
  const withLmdb = lmdbInstalled();
  const payload = /** @type {Uint8Array} */ (payloads[0]);
  for (const flush of FLUSHES) await measure(flush, roundMs / 4);
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round + 1} of ${rounds}`);
    for (const flush of FLUSHES) taken[flush].push(await measure(flush, roundMs));
    taken.appendNow.push(appendNow(path.join(directory, `append-${round}`), payload, roundMs));
    taken.appendAwaited.push(await appendAwaited(path.join(directory, `awaited-${round}`), payload, roundMs));
    if (!withLmdb) continue;
    taken.lmdbOverlapping.push(
      await putFlushed(path.join(directory, `overlapping-${round}`), payloads, roundMs, "overlapping"),
    );
    taken.lmdbStrict.push(await putFlushed(path.join(directory, `strict-${round}`), payloads, roundMs, "strict"));
  }
  for (const flush of FLUSHES) await logs[flush].close();

  const append = fastest([
    ["fs.writeSync + fdatasyncSync", taken.appendNow],
    ["FileHandle write + datasync, awaited", taken.appendAwaited],
  ]);
  const lmdb = fastest([
    ["lmdb put, await flushed", taken.lmdbOverlapping],
    ["lmdb put, overlappingSync off", taken.lmdbStrict],
  ]);
  const rows = FLUSHES.flatMap((flush) => {
    const of = taken[flush];
    const perSecond = median(of.map((round) => round.perSecond));
    const measured = rate(perSecond);
    const ofFloor = median(of.map((round) => round.ofFloor));
    const floorRate = median(of.map((round) => (round.perSecond * round.elapsedNs) / round.floorNs));
    const what = (/** @type {string} */ beside) => `64 writers × 100 B, ${flush}, beside ${beside}`;
    return [
      {
        what: what("the floor"),
        measured,
        beside: `${rate(floorRate)}, ${micros(median(of.map((round) => round.floorP50Ns)))} a write`,
        ratio: times(ofFloor),
        asked: "≥ 0.7 ×",
        reached: ofFloor >= 0.7,
      },
      {
        what: what("append + fdatasync"),
        measured,
        beside: `${rate(append.perSecond)} (${append.name})`,
        ratio: times(perSecond / append.perSecond),
        asked: "≥ 40 ×",
        reached: perSecond / append.perSecond >= 40,
      },
      {
        what: what("lmdb"),
        measured,
        beside: withLmdb ? `${rate(lmdb.perSecond)} (${lmdb.name})` : "not installed",
        ratio: withLmdb ? times(perSecond / lmdb.perSecond) : "",
        asked: "≥ 2.5 ×",
        reached: withLmdb ? perSecond / lmdb.perSecond >= 2.5 : undefined,
      },
    ];
  });
  const notes = FLUSHES.map((flush) => {
    const of = taken[flush];
    const total = (/** @type {(round: typeof of[number]) => number} */ pick) =>
      of.reduce((sum, round) => sum + pick(round), 0);
    return (
      `${flush}: ${total((r) => r.groups)} groups of ${median(of.map((r) => r.recordsPerGroup)).toFixed(1)} records, ` +
      `${(total((r) => r.bytesWritten) / 2 ** 20).toFixed(0)} MiB written; over all rounds together ` +
      `${times(total((r) => r.floorNs) / total((r) => r.elapsedNs))} of the floor.`
    );
  });
  notes.push("Each peer is measured in two forms; the ratio is against the faster. The other: --json.");
  return { rows, notes, rounds: taken };
}

/**
 * @param {readonly (readonly [name: string, perSecond: readonly number[]])[]} contenders
 * @returns {{ name: string, perSecond: number }} that with the best median
 */
function fastest(contenders) {
  const [first, ...others] = contenders.map(([name, values]) => ({ name, perSecond: median(values) }));
  return others.reduce(
    (best, one) => (one.perSecond > best.perSecond ? one : best),
    /** @type {{ name: string, perSecond: number }} */ (first),
  );
}
