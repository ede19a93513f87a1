/**
 * Durable appends by concurrent writers, each round beside the floor for the very groups that it formed: what the workloads of
 * 64 and of 1,024 writers share.
 */
import path from "node:path";
import { withGroups } from "./groups.mjs";
import { Log } from "./holdfast.mjs";
import { median } from "./statistics.mjs";
import { makePayloads, runWriters } from "./writers.mjs";

const MIB = 2 ** 20;
const SEGMENT_BYTES = 64 * MIB;

/**
 * `segments`: `"new"` where the log grows, so that segments are written full of zeros beside the appends; `"recycled"` where it was pruned
 * before and has spare segments enough for the round.
 *
 * @typedef {object} Form
 * @property {"pool" | "inline"} flush
 * @property {"new" | "recycled"} segments
 */

/**
 * @typedef {object} Round
 * @property {number} perSecond
 * @property {number} groups
 * @property {number} recordsPerGroup
 * @property {number} groupBytesP50
 * @property {number} bytesWritten
 * @property {number} segmentsMade
 * @property {number} segmentsRecycled
 * @property {number} elapsedNs
 * @property {number} floorNs for the same groups
 * @property {number} floorP50Ns of one group
 */

/** @type {readonly Form[]} */
const FORMS = [
  { flush: "pool", segments: "new" },
  { flush: "inline", segments: "new" },
  { flush: "pool", segments: "recycled" },
  { flush: "inline", segments: "recycled" },
];

export class DurableAppends {
  /** @type {readonly Uint8Array[]} */
  #payloads;
  #floor;
  /** @type {{ form: Form, log: Log, rounds: Round[] }[]} */
  #contenders = [];

  /**
   * @param {readonly Uint8Array[]} payloads
   * @param {import("./floor.mjs").Floor} floor
   */
  constructor(payloads, floor) {
    this.#payloads = payloads;
    this.#floor = floor;
  }

  /**
   * @param {import("./context.js").Context} context
   * @param {readonly Uint8Array[]} payloads one for each writer
   * @param {number} spares segments kept for the recycled form: more than a round fills
   * @returns {Promise<DurableAppends>}
   */
  static async open(context, payloads, spares) {
    const self = new DurableAppends(payloads, context.floor);
    for (const form of FORMS) {
      const directory = path.join(context.directory, `${form.flush}-${form.segments}`);
      if (form.segments === "recycled") {
        context.progress(`making spare segments for ${form.flush}`);
        await makeSpares(directory, spares);
      }
      const log = await Log.open(directory, {
        flush: form.flush,
        segmentBytes: SEGMENT_BYTES,
        spareSegmentsMax: spares,
      });
      self.#contenders.push({ form, log, rounds: [] });
    }
    return self;
  }

  /** @returns {readonly { form: Form, rounds: readonly Round[] }[]} */
  get results() {
    return this.#contenders.map(({ form, rounds }) => ({ form, rounds }));
  }

  /**
   * One round of every form.
   *
   * @param {number} durationMs
   * @param {boolean} counted false for a warm-up
   */
  async round(durationMs, counted) {
    for (const { form, log, rounds } of this.#contenders) {
      const before = log.stats();
      const { result, groups } = await withGroups(log.directory, () =>
        runWriters(this.#payloads.length, durationMs, (writer) =>
          log.append(this.#payloads[writer] ?? new Uint8Array(0)),
        ),
      );
      const after = log.stats();
      if (form.segments === "recycled") await log.truncateBefore(log.lastLsn);
      const least = this.#floor.sync(groups);
      if (!counted) continue;
      rounds.push({
        perSecond: (result.records / result.elapsedMs) * 1000,
        groups: groups.length,
        recordsPerGroup: result.records / groups.length,
        groupBytesP50: median(groups),
        bytesWritten: groups.reduce((sum, bytes) => sum + bytes, 0),
        segmentsMade: after.segmentsMade - before.segmentsMade,
        segmentsRecycled: after.segmentsRecycled - before.segmentsRecycled,
        elapsedNs: result.elapsedMs * 1e6,
        floorNs: least.totalNs,
        floorP50Ns: least.p50Ns,
      });
    }
  }

  async close() {
    for (const { log } of this.#contenders) await log.close();
  }
}

/**
 * @param {Form} form
 * @returns {string}
 */
export function formName({ flush, segments }) {
  return `${flush}, ${segments} segments`;
}

/**
 * @param {Round} round
 * @returns {number} the floor's time for the groups, divided by the time taken
 */
export function ofFloor({ floorNs, elapsedNs }) {
  return floorNs / elapsedNs;
}

/**
 * @param {Form} form
 * @param {readonly Round[]} rounds
 * @returns {string} what the table has no room for
 */
export function noteOf(form, rounds) {
  const sum = (/** @type {(round: Round) => number} */ pick) => rounds.reduce((total, round) => total + pick(round), 0);
  return (
    `${formName(form)}: ${sum((r) => r.groups)} groups of ${median(rounds.map((r) => r.recordsPerGroup)).toFixed(1)} records, ` +
    `${(sum((r) => r.bytesWritten) / MIB).toFixed(0)} MiB written, ${sum((r) => r.segmentsMade)} segments made and ` +
    `${sum((r) => r.segmentsRecycled)} recycled; over all rounds together ${(sum((r) => r.floorNs) / sum((r) => r.elapsedNs)).toFixed(2)} × of the floor.`
  );
}

/**
 * Fills a log and prunes it.
 *
 * @param {string} directory
 * @param {number} count
 */
async function makeSpares(directory, count) {
  const log = await Log.open(directory, { durability: "os", segmentBytes: SEGMENT_BYTES, spareSegmentsMax: count });
  const batch = makePayloads(15, 64 * 1024);
  while (log.stats().segments <= count) await log.appendAll(batch);
  await log.truncateBefore(log.lastLsn);
  await log.close();
}
