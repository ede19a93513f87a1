/**
 * Durable appends of 100 bytes by 64 writers at once, group written on Node's thread pool and inline; beside them the floor for
 * the very groups formed, a loop of append + fdatasync per record, and lmdb.
 */
import path from "node:path";
import { DurableAppends, formName, noteOf, ofFloor } from "../durable-appends.mjs";
import { micros, rate, times } from "../format.mjs";
import { appendAwaited, appendNow } from "../peers/append-fdatasync.mjs";
import { lmdbInstalled, putFlushed } from "../peers/lmdb.mjs";
import { median } from "../statistics.mjs";
import { makePayloads } from "../writers.mjs";

const WRITERS = 64;
const PAYLOAD_BYTES = 100;

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
async function run(context) {
  const { directory, rounds, roundMs, quick, progress } = context;
  const payloads = makePayloads(WRITERS, PAYLOAD_BYTES);
  const ours = await DurableAppends.open(context, payloads, quick ? 1 : 2);
  const taken = {
    appendNow: /** @type {number[]} */ ([]),
    appendAwaited: /** @type {number[]} */ ([]),
    lmdbOverlapping: /** @type {number[]} */ ([]),
    lmdbStrict: /** @type {number[]} */ ([]),
  };
  const withLmdb = lmdbInstalled();
  const payload = /** @type {Uint8Array} */ (payloads[0]);
  await ours.round(roundMs / 4, false);
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round + 1} of ${rounds}`);
    await ours.round(roundMs, true);
    taken.appendNow.push(appendNow(path.join(directory, `append-${round}`), payload, roundMs));
    taken.appendAwaited.push(await appendAwaited(path.join(directory, `awaited-${round}`), payload, roundMs));
    if (!withLmdb) continue;
    taken.lmdbOverlapping.push(
      await putFlushed(path.join(directory, `overlapping-${round}`), payloads, roundMs, "overlapping"),
    );
    taken.lmdbStrict.push(await putFlushed(path.join(directory, `strict-${round}`), payloads, roundMs, "strict"));
  }
  await ours.close();

  const append = fastest([
    ["fs.writeSync + fdatasyncSync", taken.appendNow],
    ["FileHandle write + datasync, awaited", taken.appendAwaited],
  ]);
  const lmdb = fastest([
    ["lmdb put, await flushed", taken.lmdbOverlapping],
    ["lmdb put, overlappingSync off", taken.lmdbStrict],
  ]);
  const rows = ours.results.flatMap(({ form, rounds: of }) => {
    const perSecond = median(of.map((round) => round.perSecond));
    const measured = rate(perSecond);
    const ratio = median(of.map(ofFloor));
    const floorRate = median(of.map((round) => (round.perSecond * round.elapsedNs) / round.floorNs));
    const what = (/** @type {string} */ beside) => `64 writers × 100 B, ${formName(form)}, beside ${beside}`;
    return [
      {
        what: what("the floor"),
        measured,
        beside: `${rate(floorRate)}, ${micros(median(of.map((round) => round.floorP50Ns)))} a write`,
        ratio: times(ratio),
        asked: "≥ 0.7 ×",
        reached: ratio >= 0.7,
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
  const notes = ours.results.map(({ form, rounds: of }) => noteOf(form, of));
  notes.push("Each peer is measured in two forms; the ratio is against the faster. The other: --json.");
  return { rows, notes, rounds: { ours: ours.results, peers: taken } };
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
