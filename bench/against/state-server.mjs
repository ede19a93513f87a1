/**
 * A store in a process of its own, which does what lines of standard input say and answers each with one line of JSON, as
 * `peers-rust/src/trie.rs` does: `node state-server.mjs STORE DIR noble|hash-wasm`, then
 *
 *     fill FROM TO                  stores the keys of these numbers: {"ms":[of each commit]}
 *     update BELOW PUTS MS LEAST    commits of PUTS known keys, for MS milliseconds and at least LEAST of them: {"ms":[…]}
 *     prove BELOW COUNT             proofs of known keys, one after another: {"ms":[of each]}
 */
import { createInterface } from "node:readline";
import { stores } from "./stores.mjs";

const FILL_PUTS = 10_000;
const VALUE_BYTES = 32;

/** SplitMix32, which makes keys from their numbers: ten million of them in memory would be most of what is measured. */
class Random {
  #state;

  /** @param {number} seed */
  constructor(seed) {
    this.#state = seed >>> 0;
  }

  next() {
    this.#state = (this.#state + 0x9e37_79b9) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 16), 0x21f0_aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  }

  /** @param {number} count a multiple of four */
  bytes(count) {
    const words = new Uint32Array(count / 4);
    for (let at = 0; at < words.length; at++) words[at] = this.next();
    return new Uint8Array(words.buffer);
  }
}

const [name = "", directory = "", library = ""] = process.argv.slice(2);
const open = stores[name];
if (open === undefined) throw new Error(`There is no store ${name}.`);
const store = await open(directory, library === "noble" ? "noble" : "hash-wasm");
const random = new Random(7);
answer({});

for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...words] = line.split(" ");
  const [first = 0, second = 0, third = 0, fourth = 0] = words.map(Number);
  if (command === "fill") answer({ ms: await fill(first, second) });
  else if (command === "update") answer({ ms: await update(first, second, third, fourth) });
  else if (command === "prove") answer({ ms: await prove(first, second) });
  else break;
}
await store.close();
// Peers may leave timers and threads behind that keep a process alive.
process.exit(0);

/**
 * @param {number} from
 * @param {number} to
 */
async function fill(from, to) {
  const taken = [];
  for (let at = from; at < to; at += FILL_PUTS)
    taken.push(await commit(Array.from({ length: Math.min(FILL_PUTS, to - at) }, (_, index) => at + index)));
  return taken;
}

/**
 * @param {number} below
 * @param {number} puts
 * @param {number} durationMs
 * @param {number} least
 */
async function update(below, puts, durationMs, least) {
  const taken = [];
  const end = performance.now() + durationMs;
  while (taken.length < least || performance.now() < end) taken.push(await commit(choose(below, puts)));
  return taken;
}

/**
 * @param {number} below
 * @param {number} count
 */
async function prove(below, count) {
  if (store.prove === undefined) throw new Error(`${name} proves nothing.`);
  const taken = [];
  for (const key of choose(below, count).map(keyOf)) {
    const start = performance.now();
    await store.prove(key);
    taken.push(performance.now() - start);
  }
  return taken;
}

/**
 * @param {number} below
 * @param {number} count
 * @returns {number[]} different numbers
 */
function choose(below, count) {
  /** @type {Set<number>} */
  const chosen = new Set();
  while (chosen.size < Math.min(count, below)) chosen.add(random.next() % below);
  return [...chosen];
}

/**
 * @param {readonly number[]} numbers of keys
 * @returns {Promise<number>} milliseconds until it is durable
 */
async function commit(numbers) {
  const puts = numbers.map((number) => ({ key: keyOf(number), value: random.bytes(VALUE_BYTES) }));
  const start = performance.now();
  await store.commit(puts);
  return performance.now() - start;
}

/** @param {number} number */
function keyOf(number) {
  return new Random(Math.imul(number + 1, 0x85eb_ca6b)).bytes(store.keyBytes);
}

/** @param {object} what */
function answer(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}
