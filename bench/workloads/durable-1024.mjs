/** Durable appends of 100 bytes by 1,024 writers at once, beside the floor's write of the groups that they form. */
import { DurableAppends, formName, noteOf, ofFloor } from "../durable-appends.mjs";
import { micros, rate, times } from "../format.mjs";
import { median } from "../statistics.mjs";
import { makePayloads } from "../writers.mjs";

const WRITERS = 1024;
const PAYLOAD_BYTES = 100;
const ASKED_PER_SECOND = 1_500_000;
/** What is asked is asked of disks that write such a group in less than this. */
const FLOOR_NS = 200_000;
/** More segments than a round fills. */
const SPARES = 6;

/** @type {import("../context.js").Workload} */
export const durable1024 = {
  name: "durable-1024",
  title: `durable appends, ${WRITERS.toLocaleString("en")} writers × ${PAYLOAD_BYTES} B`,
  needBytes: ({ rounds, roundMs }) => 3 * 2 ** 30 + rounds * roundMs * 800_000,
  run,
};

/**
 * @param {import("../context.js").Context} context
 * @returns {Promise<import("../context.js").Outcome>}
 */
async function run(context) {
  const { rounds, roundMs, quick, progress } = context;
  const ours = await DurableAppends.open(context, makePayloads(WRITERS, PAYLOAD_BYTES), quick ? 1 : SPARES);
  await ours.round(roundMs / 4, false);
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round + 1} of ${rounds}`);
    await ours.round(roundMs, true);
  }
  await ours.close();

  const rows = ours.results.map(({ form, rounds: of }) => {
    const perSecond = median(of.map((round) => round.perSecond));
    const floorP50Ns = median(of.map((round) => round.floorP50Ns));
    return {
      what: `1,024 writers × 100 B, ${formName(form)}`,
      measured: rate(perSecond),
      beside: `${micros(floorP50Ns)} a write of ${(median(of.map((round) => round.groupBytesP50)) / 1024).toFixed(0)} KiB`,
      ratio: times(median(of.map(ofFloor))),
      asked: "≥ 1.5 M/s where the floor's write is < 200 µs",
      reached: perSecond >= ASKED_PER_SECOND ? true : floorP50Ns < FLOOR_NS ? false : undefined,
    };
  });
  const notes = ours.results.map(({ form, rounds: of }) => noteOf(form, of));
  notes.push("Ratio: the floor's time for the very groups formed, divided by the time taken.");
  return { rows, notes, rounds: ours.results };
}
