/** Commits of 10 to 1,000 puts: the commit store beside the same work on databases, and the trie beside other tries. */
import fs from "node:fs";
import path from "node:path";
import { median } from "../statistics.mjs";
import { commitStores, tries } from "./states.mjs";
import { Field, inTurn, settle } from "./turns.mjs";

const PUTS = [10, 100, 1000];
const FLOOR = "floor";
/** What the floor writes for a put: key and value, and nothing else. */
const ROW_BYTES = 84;
const TRIE_ROW_BYTES = 64;
const PROOFS = 200;

/** @type {import("./context.js").PeerWorkload} */
export const commits = {
  name: "commits",
  title: "Commit store",
  needBytes: ({ quick }) => (quick ? 1 : 4) * 2 ** 30,
  run: (context) => run(context, commitStores(context), "FlatKV", ROW_BYTES, context.quick ? 2000 : 100_000, false),
};

/** @type {import("./context.js").PeerWorkload} */
export const trie = {
  name: "trie",
  title: "Merkle trie",
  needBytes: ({ quick }) => (quick ? 1 : 4) * 2 ** 30,
  run: (context) => run(context, tries(context), "MerkleStore", TRIE_ROW_BYTES, context.quick ? 500 : 10_000, true),
};

/**
 * @param {import("./context.js").PeerContext} context
 * @param {readonly import("./states.mjs").StateContender[]} contenders
 * @param {string} ours
 * @param {number} rowBytes
 * @param {number} rows stored before
 * @param {boolean} proving
 * @returns {Promise<import("./context.js").PeerOutcome>}
 */
async function run(context, contenders, ours, rowBytes, rows, proving) {
  const { directory, floor, rounds, quick, progress, hashLibrary } = context;
  const roundMs = quick ? 60 : context.roundMs;
  const sizes = quick ? PUTS.slice(0, 2) : PUTS;
  const field = new Field(context);
  /** @type {Map<string, import("./programs.mjs").Conversation>} */
  const open = new Map();
  for (const { name, start } of contenders) {
    progress(`storing ${rows.toLocaleString("en")} rows by ${name}`);
    const conversation = await field.turn(name, async () => {
      const started = await start(path.join(directory, name.replaceAll(/\W+/g, "-")));
      await started.ask(`fill 0 ${rows}`);
      return started;
    });
    if (conversation !== undefined) open.set(name, conversation);
  }
  const least = quick ? 1 : 5;
  const names = [...open.keys()];
  const columns = () => sizes.map(() => /** @type {number[]} */ ([]));
  /** @type {Map<string, number[][]>} */
  const perSecond = new Map([FLOOR, ...names].map((name) => [name, columns()]));
  /** @type {Map<string, number[]>} */
  const proofMs = new Map(names.map((name) => [name, []]));
  // The first round warms code, and is not counted.
  for (let round = 0; round <= rounds; round++) {
    if (round > 0) progress(`round ${round} of ${rounds}`);
    for (const [column, puts] of sizes.entries()) {
      for (const name of inTurn(names, round)) {
        const turn = await field.turn(
          name,
          () =>
            open.get(name)?.ask(`update ${rows} ${puts} ${round === 0 ? 0 : roundMs} ${least}`) ??
            Promise.resolve(undefined),
        );
        settle();
        if (turn !== undefined && round > 0) perSecond.get(name)?.[column]?.push((puts * 1000) / median(turn.ms));
      }
      const bytes = Math.ceil((puts * rowBytes) / 4096) * 4096;
      if (round > 0)
        perSecond.get(FLOOR)?.[column]?.push((puts * 1e9) / floor.sync(Array(quick ? 10 : 100).fill(bytes)).p50Ns);
    }
    if (!proving) continue;
    for (const name of names) {
      const turn = await field.turn(
        name,
        () => open.get(name)?.ask(`prove ${rows} ${PROOFS}`) ?? Promise.resolve(undefined),
      );
      if (turn !== undefined && round > 0) proofMs.get(name)?.push(...turn.ms);
    }
  }
  for (const [name, conversation] of open) await field.turn(name, () => conversation.close());
  fs.rmSync(directory, { recursive: true, force: true });
  const said = rows.toLocaleString("en");
  /** @type {import("./context.js").Grid[]} */
  const grids = [
    {
      title: `durable updates over ${said} rows`,
      unit: "rows/s",
      better: "higher",
      columnTitle: "puts in a commit",
      columns: sizes,
      ours,
      rows: [...perSecond].map(([name, taken]) => ({
        name,
        values: taken.map((values) => (values.length === 0 ? undefined : median(values))),
      })),
    },
  ];
  if (proving)
    grids.push({
      title: `proofs of one key of ${said}, one after another`,
      unit: "proofs/s",
      better: "higher",
      columnTitle: "keys in a proof",
      columns: [1],
      ours,
      rows: [...proofMs].map(([name, ms]) => ({ name, values: [ms.length === 0 ? undefined : 1000 / median(ms)] })),
    });
  return {
    grids,
    chart: "dots",
    notes: [
      `Each contender is in a process of its own. A value is that of the median commit of known keys, chosen at random, durable when it ends; rounds of ${roundMs} ms: ${rounds}. Keys of ${rowBytes - 32} B, values of 32 B.`,
      "The floor is one O_DSYNC write of as many blocks as keys and values fill, and knows nothing of the rows before.",
      proving
        ? "The tries of @ethereumjs take milliseconds for a put, so all have few keys here; growth.md has more."
        : `Peers hash by ${hashLibrary}, the quicker one of noble and hash-wasm in this run.`,
    ],
    rounds: { perSecond: Object.fromEntries(perSecond), proofMs: Object.fromEntries(proofMs) },
  };
}
