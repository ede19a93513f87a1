/** Functions of `holdfast/hash` beside other implementations of the same: folding a pair into an LtHash, hashing two digests. */
import { blake3 as nobleBlake3 } from "@noble/hashes/blake3.js";
import { nanos, times } from "../format.mjs";
import { LtHash, blake3, plainKernel } from "../holdfast.mjs";
import { hashWasmBlake3, hashWasmInstalled } from "../peers/hash-wasm.mjs";
import { median } from "../statistics.mjs";

/** S2's storage rows. */
const KEY_BYTES = 53;
const VALUE_BYTES = 32;
const LTHASH_ASKED_NS = 1500;
const NODE_ASKED_NS = 120;
/** Calls between two looks at the clock. */
const CALLS = 250;
/** A round is this share of what a workload on a disk takes for it. */
const ROUND_SHARE = 0.3;
/** As long as it takes until the machine code is the final one. */
const WARM_MS = 150;

/** @type {import("../context.js").Workload} */
export const hashes = {
  name: "hashes",
  title: "LtHash and BLAKE3",
  needBytes: () => 0,
  run,
};

/**
 * @param {import("../context.js").Context} context
 * @returns {Promise<import("../context.js").Outcome>}
 */
async function run({ rounds, roundMs, progress }) {
  const { folds, digests } = await contenders();
  const all = [...folds, ...digests].map((one) => ({ ...one, ns: /** @type {number[]} */ ([]) }));
  for (const { act } of all) timeCalls(act, WARM_MS);
  for (let round = 1; round <= rounds; round++) {
    progress(`round ${round} of ${rounds}`);
    for (const { act, ns } of all) ns.push(timeCalls(act, roundMs * ROUND_SHARE));
  }

  const nsOf = (/** @type {string} */ name) => median(all.find((one) => one.name === name)?.ns ?? []);
  const row = (/** @type {string} */ what, /** @type {string} */ name, /** @type {string} */ peer, asked = 0) => ({
    what,
    measured: nanos(nsOf(name)),
    beside: Number.isNaN(nsOf(peer)) ? "hash-wasm is not installed" : `${nanos(nsOf(peer))} ${peer}`,
    ratio: Number.isNaN(nsOf(peer)) ? "" : times(nsOf(peer) / nsOf(name)),
    asked: asked === 0 ? "" : `≤ ${nanos(asked)}`,
    reached: asked === 0 ? undefined : nsOf(name) <= asked,
  });
  const pair = `LtHash of one pair (${KEY_BYTES} B key, ${VALUE_BYTES} B value), folded`;
  const simd = new LtHash().kernel === "simd" ? LTHASH_ASKED_NS : 0;
  return {
    rows: [
      row(`${pair}, ${new LtHash().kernel}`, "fold", "fold by hash-wasm", simd),
      row(`${pair}, plain TypeScript`, "fold, plain", "fold by noble"),
      row("BLAKE3 of a node of 64 B, in place", "hashWords", "hash2 by hash-wasm", NODE_ASKED_NS),
      row("BLAKE3 of two digests", "hash2", "hash2 by hash-wasm"),
      row("BLAKE3 of 64 B", "hash", "hash by noble"),
    ],
    notes: ["Ratio: the peer's time divided by ours. A peer's fold is its extended output, added to lanes by a loop."],
    rounds: Object.fromEntries(all.map(({ name, ns }) => [name, ns])),
  };
}

/** @typedef {{ readonly name: string, readonly act: () => unknown }} Contender */

/** @returns {Promise<{ folds: Contender[], digests: Contender[] }>} */
async function contenders() {
  const key = Uint8Array.from({ length: KEY_BYTES }, (_, at) => at * 7);
  const value = Uint8Array.from({ length: VALUE_BYTES }, (_, at) => at * 3);
  const left = Uint8Array.from({ length: 32 }, (_, at) => at * 5);
  const right = Uint8Array.from({ length: 32 }, (_, at) => at * 11);
  const both = Uint8Array.of(...left, ...right);
  const quickest = new LtHash();
  const plain = new LtHash(plainKernel());
  // Another pair each time.
  let count = 0;
  const next = () => {
    key[0] = ++count;
    key[1] = count >>> 8;
  };
  /** @param {LtHash} hash */
  const fold = (hash) => () => {
    next();
    hash.add(key, value);
  };
  /** @param {(data: Uint8Array) => Uint8Array} element */
  const foldWith = (element) => {
    const preimage = new Uint8Array(8 + KEY_BYTES + VALUE_BYTES);
    const view = new DataView(preimage.buffer);
    const lanes = new Uint16Array(1024);
    return () => {
      next();
      view.setUint32(0, KEY_BYTES, true);
      preimage.set(key, 4);
      view.setUint32(4 + KEY_BYTES, VALUE_BYTES, true);
      preimage.set(value, 8 + KEY_BYTES);
      const output = element(preimage);
      for (let lane = 0; lane < 1024; lane++)
        lanes[lane] = (lanes[lane] ?? 0) + ((output[2 * lane] ?? 0) | ((output[2 * lane + 1] ?? 0) << 8));
    };
  };
  const folds = [
    { name: "fold", act: fold(quickest) },
    { name: "fold, plain", act: fold(plain) },
    { name: "fold by noble", act: foldWith((data) => nobleBlake3(data, { dkLen: LtHash.bytes })) },
  ];
  const nodes = new Int32Array(1024).map((_, at) => Math.imul(at, 0x9e37_79b9));
  let node = 0;
  const digests = [
    {
      name: "hashWords",
      act: () => {
        // As in a page: two children that lie side by side, and their parent.
        node = (node + 1) & 15;
        blake3.hashWords(nodes, 512 + 16 * node, nodes, 8 * node);
        return node;
      },
    },
    { name: "hash2", act: () => blake3.hash2(left, right) },
    { name: "hash", act: () => blake3.hash(both) },
    { name: "hash by noble", act: () => nobleBlake3(both) },
  ];
  if (hashWasmInstalled()) {
    folds.push({ name: "fold by hash-wasm", act: foldWith(await hashWasmBlake3(LtHash.bytes)) });
    const digest = await hashWasmBlake3(32);
    const joined = new Uint8Array(64);
    const act = () => {
      joined.set(left);
      joined.set(right, 32);
      return digest(joined);
    };
    digests.push({ name: "hash2 by hash-wasm", act });
  }
  return { folds, digests };
}

/**
 * @param {() => unknown} act
 * @param {number} durationMs
 * @returns {number} nanoseconds a call
 */
function timeCalls(act, durationMs) {
  const start = process.hrtime.bigint();
  const end = start + BigInt(Math.ceil(durationMs * 1e6));
  let calls = 0;
  let now = start;
  while (now < end) {
    for (let call = 0; call < CALLS; call++) act();
    calls += CALLS;
    now = process.hrtime.bigint();
  }
  return Number(now - start) / calls;
}
