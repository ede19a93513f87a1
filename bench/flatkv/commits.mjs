/** Durable commits of a thousand puts, of fresh keys and of known ones, beside the same work as five synced LevelDB batches with noble's hashes. */
import path from "node:path";
import { millis, percent, rate, times } from "../format.mjs";
import { withGroups } from "../groups.mjs";
import { FlatKv, Log, LtHash, classicLevel } from "../holdfast.mjs";
import { FiveLevels } from "../peers/five-levels.mjs";
import { median, quantile } from "../statistics.mjs";
import { fill } from "./fill.mjs";
import { KEY_BYTES, VALUE_BYTES, freshPuts, updatePuts } from "./pairs.mjs";
import { Stopwatch, timedEngine, timedJournal } from "./stopwatch.mjs";

const PUTS = 1000;
const ASKED_MS = 5;
const ASKED_TIMES = 4;
const WARM_COMMITS = 30;

/** @typedef {readonly import("./pairs.mjs").Put[]} Puts */

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {() => Puts} next made outside of what is measured
 * @property {(puts: Puts) => Promise<unknown>} commit durable when it resolves
 * @property {() => Promise<void>} close
 * @property {string | undefined} log directory of its log
 * @property {number[]} ms of each commit
 * @property {number[]} groups bytes that the log wrote at a time
 */

/**
 * @param {import("../context.js").Context} context
 * @returns {Promise<import("../context.js").Outcome>}
 */
export async function measureCommits(context) {
  const { directory, floor, rounds, roundMs, quick, progress } = context;
  const storedRows = quick ? 5000 : 200_000;
  progress(`storing ${storedRows.toLocaleString("en")} rows in each store`);
  const stored = freshPuts(storedRows);
  const keys = stored.map(({ key }) => key);
  const fresh = () => freshPuts(PUTS);
  const update = () => updatePuts(keys, PUTS);
  const contenders = [
    await openStore(path.join(directory, "pool"), "pool", stored, "fresh keys, log pool", fresh),
    await openStore(path.join(directory, "inline"), "inline", stored, "fresh keys, log inline", fresh),
    await openLevels(path.join(directory, "levels"), stored, "fresh keys, five synced LevelDB batches", fresh),
    await openStore(path.join(directory, "updates"), "pool", stored, "known keys, log pool", update),
    await openLevels(path.join(directory, "levels-updates"), stored, "known keys, five synced LevelDB batches", update),
  ];
  for (let round = 0; round <= rounds; round++) {
    if (round > 0) progress(`commits, round ${round} of ${rounds}`);
    for (const one of contenders) await measure(one, roundMs, round === 0, quick);
  }
  for (const { close } of contenders) await close();
  const parts = await breakDown(path.join(directory, "parts"), stored, update, quick ? 5 : 100);

  const [pool, inline, levels, updates, levelUpdates] =
    /** @type {[Contender, Contender, Contender, Contender, Contender]} */ (contenders);
  const commitBytes = Math.round(median(pool.groups));
  const floorMs = floor.sync(Array(quick ? 20 : 200).fill(commitBytes)).p50Ns / 1e6;
  const what = `commit of ${PUTS.toLocaleString("en")} puts (${KEY_BYTES} B and ${VALUE_BYTES} B)`;
  const latency = (/** @type {Contender} */ one, asked = 0) => ({
    what: `${what}, ${one.name}, p50`,
    measured: `${millis(median(one.ms))} (p99 ${millis(quantile(one.ms, 0.99))})`,
    beside: `${millis(floorMs)} one durable write of its ${commitBytes.toLocaleString("en")} B`,
    ratio: times(median(one.ms) / floorMs),
    asked: asked === 0 ? "" : `≤ ${asked} ms`,
    reached: asked === 0 ? undefined : median(one.ms) <= asked,
  });
  const beside = (/** @type {Contender} */ one, /** @type {Contender} */ peer, asked = 0) => ({
    what: `${what}, ${one.name}`,
    measured: `${rate(putsPerSecond(one))} puts`,
    beside: `${rate(putsPerSecond(peer))} five synced LevelDB batches, noble`,
    ratio: times(putsPerSecond(one) / putsPerSecond(peer)),
    asked: asked === 0 ? "" : `≥ ${asked} ×`,
    reached: asked === 0 ? undefined : putsPerSecond(one) >= asked * putsPerSecond(peer),
  });
  return {
    rows: [
      latency(pool, ASKED_MS),
      latency(inline),
      beside(pool, levels, ASKED_TIMES),
      latency(updates),
      beside(updates, levelUpdates),
    ],
    notes: [
      `A commit is staging and committing, durable in the log and applied in all databases, which held ${storedRows.toLocaleString("en")} rows at the start.`,
      `Where a commit of known keys takes its ${millis(parts.total)} (medians; the log's write and the reads run beside other work): ${parts.text}.`,
    ],
    rounds: [...contenders.map(({ name, ms }) => ({ name, ms })), parts],
  };
}

/**
 * @param {Contender} contender
 * @returns {number}
 */
function putsPerSecond({ ms }) {
  return (PUTS * ms.length * 1000) / ms.reduce((sum, one) => sum + one, 0);
}

/**
 * @param {Contender} contender
 * @param {number} durationMs
 * @param {boolean} isWarming
 * @param {boolean} quick
 */
async function measure({ next, commit, log, ms, groups }, durationMs, isWarming, quick) {
  const { result, groups: written } = await withGroups(log ?? "", async () => {
    const taken = [];
    const end = performance.now() + durationMs;
    const least = quick ? 3 : isWarming ? WARM_COMMITS : 10;
    while (taken.length < least || performance.now() < end) {
      const puts = next();
      const start = performance.now();
      await commit(puts);
      taken.push(performance.now() - start);
    }
    return taken;
  });
  if (isWarming) return;
  ms.push(...result);
  groups.push(...written);
}

/**
 * @param {string} directory
 * @param {"pool" | "inline"} flush
 * @param {Puts} stored
 * @param {string} name
 * @param {() => Puts} next
 * @returns {Promise<Contender>}
 */
async function openStore(directory, flush, stored, name, next) {
  const store = await FlatKv.open(directory, { log: { flush } });
  await fill(store, stored);
  return {
    name,
    next,
    commit: async (changes) => {
      await store.applyChangeSets([{ changes }]);
      await store.commit();
    },
    close: () => store.close(),
    log: path.join(directory, "log"),
    ms: [],
    groups: [],
  };
}

/**
 * @param {string} directory
 * @param {Puts} stored
 * @param {string} name
 * @param {() => Puts} next
 * @returns {Promise<Contender>}
 */
async function openLevels(directory, stored, name, next) {
  const levels = new FiveLevels(directory);
  await levels.open();
  await levels.fill(stored);
  const commit = (/** @type {Puts} */ puts) => levels.commit(puts);
  return { name, next, commit, close: () => levels.close(), log: undefined, ms: [], groups: [] };
}

/**
 * @param {string} directory
 * @param {Puts} stored
 * @param {() => Puts} next
 * @param {number} commits
 * @returns {Promise<{ total: number, text: string, ms: Record<string, number> }>} medians
 */
async function breakDown(directory, stored, next, commits) {
  const watch = new Stopwatch();
  const log = await Log.open(`${directory}-log`);
  const store = await FlatKv.open(directory, {
    engine: timedEngine(classicLevel(), watch),
    journal: timedJournal(log, watch),
  });
  await fill(store, stored);
  /** @type {Record<"total" | "stage" | "commit" | "read" | "write" | "log" | "hash", number>[]} */
  const taken = [];
  for (let commit = 0; commit < commits; commit++) {
    const changes = next();
    watch.take();
    const start = performance.now();
    await store.applyChangeSets([{ changes }]);
    const staged = performance.now();
    await store.commit();
    const end = performance.now();
    taken.push({
      total: end - start,
      stage: staged - start,
      commit: end - staged,
      ...watch.take(),
      hash: hashMs(changes),
    });
  }
  await store.close();
  await log.close();
  const of = (/** @type {keyof (typeof taken)[number]} */ part) => median(taken.map((one) => one[part]));
  const ms = {
    stage: of("stage"),
    read: of("read"),
    hash: of("hash"),
    commit: of("commit"),
    log: of("log"),
    write: of("write"),
  };
  const total = of("total");
  const told = (/** @type {keyof typeof ms} */ part) => `${millis(ms[part])} (${percent(ms[part] / total)})`;
  return {
    total,
    ms,
    text:
      `staging ${told("stage")}, of which reading the old rows ${told("read")} and folding old and new ones ${told("hash")}; ` +
      `committing ${told("commit")}, of which the log's write ${told("log")}, meanwhile encoding and filling the batches, and the databases' write ${told("write")}`,
  };
}

/**
 * @param {Puts} puts
 * @returns {number} what folding a pair for each old row and one for each new one takes
 */
function hashMs(puts) {
  const hash = new LtHash();
  const start = performance.now();
  for (const { key, value } of puts) {
    const row = key.subarray(1);
    hash.add(row, value);
    hash.remove(row, value);
  }
  return performance.now() - start;
}
