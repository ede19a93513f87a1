/** Durable appends by 1, 8, 64 and 256 writers, of 100 B, 1 KiB and 16 KiB, each of which waits for its own before the next. */
import fs from "node:fs";
import path from "node:path";
import { withGroups } from "../groups.mjs";
import { median } from "../statistics.mjs";
import { makePayloads, runWriters } from "../writers.mjs";
import { logContenders } from "./logs.mjs";
import { answerOf } from "./programs.mjs";
import { Field, inTurn, settle } from "./turns.mjs";

const WRITERS = [1, 8, 64, 256];
const SIZES = /** @type {const} */ ([
  [100, "100 B"],
  [1024, "1 KiB"],
  [16_384, "16 KiB"],
]);
const FLOOR = "floor";
const OURS = "holdfast";

/** @type {import("./context.js").PeerWorkload} */
export const append = {
  name: "append",
  title: "Durable appends",
  needBytes: () => 4 * 2 ** 30,
  run,
};

/**
 * @param {import("./context.js").PeerContext} context
 * @returns {Promise<import("./context.js").PeerOutcome>}
 */
async function run(context) {
  const { directory, floor, rounds, quick, progress } = context;
  const roundMs = quick ? 60 : context.roundMs;
  const contenders = logContenders(context, "append");
  const field = new Field(context);
  const grids = [];
  const all = [];
  for (const [bytes, size] of SIZES) {
    /** @type {Map<string, number[][]>} of each column, the rounds */
    const perSecond = new Map(
      [FLOOR, ...contenders.map(({ name }) => name)].map((name) => [name, WRITERS.map(() => [])]),
    );
    for (const [column, writers] of WRITERS.entries()) {
      for (let round = 0; round < rounds; round++) {
        progress(`${size}, ${writers} writers, round ${round + 1} of ${rounds}`);
        for (const contender of inTurn(contenders, round)) {
          const place = path.join(directory, contender.name.replaceAll(/\W+/g, "-"));
          const turn = await field.turn(contender.name, () => measure(contender, place, writers, bytes, roundMs));
          fs.rmSync(place, { recursive: true, force: true });
          settle();
          if (turn === undefined) continue;
          perSecond.get(contender.name)?.[column]?.push((turn.records * 1e9) / turn.elapsedNs);
          if (contender.name !== OURS) continue;
          const { totalNs } = floor.sync(turn.groups);
          perSecond.get(FLOOR)?.[column]?.push((turn.records * 1e9) / totalNs);
        }
      }
    }
    all.push({ bytes, rounds: Object.fromEntries(perSecond) });
    grids.push({
      title: `${size} a record`,
      unit: "records/s",
      better: /** @type {const} */ ("higher"),
      columnTitle: "writers",
      columns: WRITERS,
      ours: OURS,
      rows: [...perSecond].map(([name, columns]) => ({
        name,
        values: columns.map((taken) => (taken.length === 0 ? undefined : median(taken))),
      })),
    });
  }
  return {
    grids,
    chart: "dots",
    notes: [
      `Every turn begins in an empty directory. After ${roundMs / 4} ms that warm it, a contender runs for ${roundMs} ms; then what it left in the page cache is written back. Rounds: ${rounds}.`,
      "The floor writes holdfast's groups. Whoever writes fewer or smaller ones can be quicker than it.",
    ],
    rounds: all,
  };
}

/**
 * @param {import("./logs.mjs").LogContender} contender
 * @param {string} place
 * @param {number} writers
 * @param {number} bytes
 * @param {number} roundMs
 * @returns {Promise<{ records: number, elapsedNs: number, groups: number[] }>}
 */
async function measure({ open, program }, place, writers, bytes, roundMs) {
  const warmMs = roundMs / 4;
  if (program !== undefined) {
    const numbers = [writers, bytes, warmMs, roundMs].map((number) => String(Math.round(number)));
    return { ...(await answerOf(program.path, [program.peer, "append", place, ...numbers])), groups: [] };
  }
  if (open === undefined) throw new Error("There is nothing to run.");
  const peer = await open(place, "append");
  const payloads = makePayloads(writers, bytes);
  const append = (/** @type {number} */ writer) => peer.append(/** @type {Uint8Array} */ (payloads[writer]));
  await runWriters(writers, warmMs, append);
  const { result, groups } = await withGroups(place, () => runWriters(writers, roundMs, append));
  await peer.close();
  return { records: result.records, elapsedNs: result.elapsedMs * 1e6, groups };
}
