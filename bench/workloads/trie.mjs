/** The Merkle trie: durable commits, large and small, proofs, the page table, disk and memory, beside Ethereum's trie. */
import fs from "node:fs";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { mebibytes, micros, millis, rate, times } from "../format.mjs";
import { withGroups } from "../groups.mjs";
import { MerkleStore, blake3, verifyPathProof } from "../holdfast.mjs";
import { EthereumTrie } from "../peers/ethereum-trie.mjs";
import { median, quantile } from "../statistics.mjs";
import { Keys, commit, fill, putsOf } from "../trie/puts.mjs";
import { measureTable } from "../trie/table.mjs";

const SMALL = 100;
const ASKED_UPDATES = 60_000;
const ASKED_TIMES = 10;
const ASKED_SMALL_MS = 3;
const ASKED_PROOFS = 50_000;
const ASKED_VERIFICATIONS = 30_000;
const ASKED_PAGE_READS = 1.1;
const ASKED_BYTES_PER_KEY = 150;
const CACHE_BYTES = 256 * 2 ** 20;
/** It takes about a millisecond for each put, so it gets fewer keys, which makes its paths shorter. */
const PEER_KEYS = 50_000;
const PEER_ROUNDS = 3;
/** Proofs are made and verified so many at a time. */
const PROOFS = 2000;

/** @type {import("../context.js").Workload} */
export const trie = {
  name: "trie",
  title: "Merkle trie",
  needBytes: ({ quick }) => (quick ? 1 : 6) * 2 ** 30,
  run,
};

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {number} puts a commit
 * @property {number} below of the first so many keys
 * @property {(puts: readonly import("../trie/puts.mjs").Put[]) => Promise<unknown>} write durable when it resolves
 * @property {string | undefined} log directory of its log
 * @property {number} least commits in a round
 * @property {number[]} ms of each commit
 * @property {number[]} groups bytes that the log wrote at a time
 */

/**
 * @param {import("../context.js").Context} context
 * @returns {Promise<import("../context.js").Outcome>}
 */
async function run({ directory, floor, rounds, roundMs, quick, progress }) {
  const count = quick ? 20_000 : 1_000_000;
  const puts = quick ? 1000 : 10_000;
  const keys = new Keys(count);
  const said = count.toLocaleString("en");
  const place = path.join(directory, "store");
  const store = await MerkleStore.open(place, { pages: { cache: { bytes: CACHE_BYTES } } });
  const write = (/** @type {readonly import("../trie/puts.mjs").Put[]} */ puts) => commit(store, puts);
  await fill(write, keys, count, (done) => progress(`storing ${said} keys, ${done.toLocaleString("en")} done`));
  const log = path.join(place, "pages", "log");
  const of = (/** @type {Omit<Contender, "ms" | "groups">} */ one) => ({ ...one, ms: [], groups: [] });
  const large = of({ name: "large", puts, below: count, write, log, least: 3 });
  const small = of({ name: "small", puts: SMALL, below: count, write, log, least: 20 });
  for (const one of [large, small]) {
    for (let round = 0; round <= rounds; round++) {
      if (round > 0) progress(`${one.name} commits, round ${round} of ${rounds}`);
      await measure(one, keys, roundMs, round === 0, quick);
    }
    // What large commits left to be written to its places, and to be compacted by the engine, is theirs.
    await store.checkpoint();
    await idle();
  }
  const proofs = await measureProofs(store, keys, rounds, progress);
  const stats = store.stats();
  const memory = process.memoryUsage();
  await store.close();
  const diskBytes = sizeOf(path.join(place, "pages"));
  const logBytes = sizeOf(log);
  const again = await measureCold(place, keys);
  progress("looking up pages in a table that is as full as it gets");
  const table = await measureTable(path.join(directory, "table"));

  // Last, because it fills this process's memory.
  const peer = await EthereumTrie.open(path.join(directory, "ethereum"));
  const peerKeys = quick ? 2000 : PEER_KEYS;
  const peerSaid = peerKeys.toLocaleString("en");
  const peerWrite = (/** @type {readonly import("../trie/puts.mjs").Put[]} */ changes) => peer.commit(changes);
  await fill(peerWrite, keys, peerKeys, (done) =>
    progress(`storing ${peerSaid} keys in Ethereum's trie, ${done.toLocaleString("en")} done`),
  );
  const peerLarge = of({
    name: "Ethereum's trie",
    puts,
    below: peerKeys,
    write: peerWrite,
    log: undefined,
    least: 1,
  });
  for (let round = 1; round <= Math.min(rounds, PEER_ROUNDS); round++) await measure(peerLarge, keys, 0, false, quick);
  const peerProofs = [];
  for (const key of keys.choose(500, peerKeys)) {
    const start = performance.now();
    await peer.prove(key);
    peerProofs.push(performance.now() - start);
  }
  await peer.close();

  const smallBytes = Math.round(median(small.groups));
  const floorMs = floor.sync(Array(quick ? 20 : 200).fill(smallBytes)).p50Ns / 1e6;
  const rateOf = (/** @type {Contender} */ one) =>
    (one.puts * one.ms.length * 1000) / one.ms.reduce((sum, ms) => sum + ms, 0);
  const asked = (/** @type {boolean} */ reached) => (quick ? undefined : reached);
  return {
    rows: [
      {
        what: `commits of ${puts.toLocaleString("en")} random updates over ${said} keys, durable`,
        measured: `${rate(rateOf(large))} updates, p50 ${millis(median(large.ms))}`,
        beside: `${rate(rateOf(peerLarge))} @ethereumjs/mpt on LevelDB, of ${peerSaid} keys`,
        ratio: times(rateOf(large) / rateOf(peerLarge)),
        asked: `≥ ${rate(ASKED_UPDATES)}, ≥ ${ASKED_TIMES} ×`,
        reached: asked(rateOf(large) >= ASKED_UPDATES && rateOf(large) >= ASKED_TIMES * rateOf(peerLarge)),
      },
      {
        what: `commit of ${SMALL} random updates, durable, p50, nothing of larger ones on its way`,
        measured: `${millis(median(small.ms))} (p99 ${millis(quantile(small.ms, 0.99))})`,
        beside: `${millis(floorMs)} one durable write of its ${smallBytes.toLocaleString("en")} B`,
        ratio: `${millis(median(small.ms) - floorMs)} more`,
        asked: `≤ ${ASKED_SMALL_MS} ms more`,
        reached: asked(median(small.ms) - floorMs <= ASKED_SMALL_MS),
      },
      {
        what: "proof of one key, warm",
        measured: rate(proofs.made),
        beside: `${rate(1000 / median(peerProofs))} @ethereumjs/mpt`,
        ratio: times((proofs.made * median(peerProofs)) / 1000),
        asked: `≥ ${rate(ASKED_PROOFS)}`,
        reached: asked(proofs.made >= ASKED_PROOFS),
      },
      {
        what: "verification of a proof",
        measured: rate(proofs.verified),
        beside: `${proofs.bytes.toFixed(0)} B a proof`,
        ratio: "",
        asked: `≥ ${rate(ASKED_VERIFICATIONS)}`,
        reached: asked(proofs.verified >= ASKED_VERIFICATIONS),
      },
      {
        what: `page reads a lookup, ${table.load.toFixed(2)} of the buckets full`,
        measured: table.found.toFixed(3),
        beside: `${table.absent.toFixed(3)} where there is no such page`,
        ratio: "",
        asked: `≤ ${ASKED_PAGE_READS}`,
        reached: table.found <= ASKED_PAGE_READS,
      },
      {
        what: `disk for the trie of ${said} keys`,
        measured: `${(diskBytes / count).toFixed(0)} B a key`,
        beside: `${stats.pages.pages.toLocaleString("en")} pages in ${stats.pages.capacity.toLocaleString("en")} buckets; the log, beside it, has ${mebibytes(logBytes)}`,
        ratio: "",
        asked: `≤ ${ASKED_BYTES_PER_KEY} B`,
        reached: asked(diskBytes / count <= ASKED_BYTES_PER_KEY),
      },
      {
        what: "page cache",
        measured: mebibytes(stats.pages.cacheBytes),
        beside: `${mebibytes(CACHE_BYTES)} allowed, ${mebibytes(memory.rss)} resident in all, keys included`,
        ratio: "",
        asked: "within what is allowed",
        reached: asked(stats.pages.cacheBytes <= CACHE_BYTES),
      },
      {
        what: `commit of ${SMALL} updates right after opening, nothing in memory`,
        measured: millis(again),
        beside: "",
        ratio: "",
        asked: "",
        reached: undefined,
      },
    ],
    notes: [
      `Ethereum's trie holds ${peerSaid} keys, because it takes long to fill: its paths are shorter than with ${said}, and the ratio is smaller than it would be.`,
      "Keys and values have 32 bytes. A commit is everything from the first put to where root, pages and values are durable in the log and visible.",
      `A proof is made in ${micros(1e9 / proofs.made)} on average, one after another; all are of keys that are there.`,
    ],
    rounds: { large: large.ms, small: small.ms, peer: peerLarge.ms, proofs },
  };
}

/** Resolves once this process, with the engine's threads, has had next to nothing to do for a moment, or after a minute. */
async function idle() {
  for (let waited = 0; waited < 60_000; waited += 250) {
    const before = process.cpuUsage();
    await setTimeout(250);
    const { user, system } = process.cpuUsage(before);
    if (user + system < 12_500) return;
  }
}

/**
 * @param {Contender} contender
 * @param {Keys} keys
 * @param {number} durationMs
 * @param {boolean} isWarming
 * @param {boolean} quick
 */
async function measure({ puts, below, write, log, least, ms, groups }, keys, durationMs, isWarming, quick) {
  const { result, groups: written } = await withGroups(log ?? "", async () => {
    const taken = [];
    const end = performance.now() + durationMs;
    while (taken.length < (quick ? 1 : least) || performance.now() < end) {
      const changes = putsOf(keys.choose(puts, below));
      const start = performance.now();
      await write(changes);
      taken.push(performance.now() - start);
    }
    return taken;
  });
  if (isWarming) return;
  ms.push(...result);
  groups.push(...written);
}

/**
 * @param {import("../../dist/trie/index.js").MerkleStore} store
 * @param {Keys} keys
 * @param {number} rounds
 * @param {(text: string) => void} progress
 * @returns {Promise<{ made: number, verified: number, bytes: number }>} a second; and bytes of one
 */
async function measureProofs(store, keys, rounds, progress) {
  const made = [];
  const verified = [];
  let bytes = 0;
  for (let round = 0; round <= rounds; round++) {
    progress(`proofs, round ${round} of ${rounds}`);
    const chosen = keys.choose(PROOFS);
    const values = await store.getMany(chosen);
    const start = performance.now();
    const proofs = [];
    for (const key of chosen) proofs.push(await store.prove(key));
    const between = performance.now();
    const { root } = store;
    let right = 0;
    for (const [at, proof] of proofs.entries())
      if (verifyPathProof({ root, key: chosen[at] ?? root, value: values[at], proof, hasher: blake3 })) right += 1;
    const end = performance.now();
    if (right !== proofs.length) throw new Error(`${proofs.length - right} proofs were refused.`);
    bytes = proofs.reduce((sum, { siblings }) => sum + 32 * siblings.length, 0) / proofs.length;
    if (round === 0) continue;
    made.push((chosen.length * 1000) / (between - start));
    verified.push((chosen.length * 1000) / (end - between));
  }
  return { made: median(made), verified: median(verified), bytes };
}

/**
 * @param {string} place
 * @param {Keys} keys
 * @returns {Promise<number>} milliseconds of a first commit
 */
async function measureCold(place, keys) {
  const store = await MerkleStore.open(place);
  const start = performance.now();
  await commit(store, putsOf(keys.choose(SMALL)));
  const taken = performance.now() - start;
  await store.close();
  return taken;
}

/**
 * @param {string} place
 * @returns {number} bytes on disk of a directory
 */
function sizeOf(place) {
  return fs
    .readdirSync(place, { withFileTypes: true })
    .reduce((sum, entry) => sum + (entry.isFile() ? fs.statSync(path.join(place, entry.name)).blocks * 512 : 0), 0);
}
