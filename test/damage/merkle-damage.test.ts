/**
 * Damage anywhere in a small Merkle store: its anchor, its pages with their log, and the database of its values. A flip either changes nothing that the store
 * answers, or it is told by opening, reading, proving or `verify`. `npm test` looks at a sample, `HOLDFAST_EFFORT=full` (as in CI) at more.
 */
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { HoldfastError, SeededRandom } from "../../src/base/index.js";
import { classicLevel, memoryEngine } from "../../src/engine/index.js";
import { blake3 } from "../../src/hash/index.js";
import { verifyMultiProof, verifyPathProof } from "../../src/proof/index.js";
import { MerkleStore, type MerkleStoreOptions } from "../../src/trie/index.js";
import { SimVfs } from "../../src/vfs/index.js";

const whole = process.env["HOLDFAST_EFFORT"] === "full";
const DIRECTORY = "/store";
const OPTIONS: MerkleStoreOptions = {
  pages: { capacity: 8, cache: { bytes: 0, pinnedDepth: 0 } },
  rollback: { commits: 1 },
};

/** Keys far apart, and more of them below twelve bits than go without a page. The last two have nothing. */
const KEYS = Array.from({ length: 40 }, (_, n) => {
  const key = blake3.hash(Uint8Array.of(n));
  if (n >= 12) key.set([0xab, 0xc0 | (n & 15)]);
  return key;
});

function valueOf(n: number): Uint8Array | undefined {
  return n < KEYS.length - 2 ? new Uint8Array(n === 3 ? 1500 : n).fill(n) : undefined;
}

/** Two commits; a page more for the second. */
async function fill(store: MerkleStore): Promise<void> {
  for (const [from, to] of [
    [0, 20],
    [20, KEYS.length],
  ] as const) {
    const session = store.begin();
    for (let n = from; n < to; n++) {
      const value = valueOf(n);
      if (value !== undefined) session.put(KEYS[n]!, value);
    }
    await session.commit();
  }
  await store.close();
}

/** `"told"` where something was refused, `"the same"` where everything is as it was, and what is wrong where neither. */
async function meet(open: () => Promise<MerkleStore>, root: Uint8Array): Promise<string> {
  let store: MerkleStore | undefined;
  try {
    store = await open();
    const values = await store.getMany(KEYS);
    const claims = KEYS.map((key, n) => ({ key, value: values[n] }));
    const proof = await store.proveMany(KEYS);
    const isProved = verifyMultiProof({ root: store.root, proof, claims, hasher: blake3 });
    const one = { key: KEYS[30]!, value: values[30], proof: await store.prove(KEYS[30]!), root: store.root };
    const { sound } = await store.verify();
    if (!sound) return "told";
    if (!isProved || !verifyPathProof({ ...one, hasher: blake3 })) return "proofs that prove nothing";
    if (Buffer.compare(store.root, root) !== 0 || store.sequence !== 2) return "another commit";
    const wrong = values.findIndex((value, n) => Buffer.compare(value ?? KEYS[0]!, valueOf(n) ?? KEYS[0]!) !== 0);
    return wrong < 0 ? "the same" : `another value of key ${wrong}`;
  } catch (error) {
    if (error instanceof HoldfastError) return "told";
    throw error;
  } finally {
    await store?.close().catch(() => undefined);
  }
}

async function filesOf(vfs: SimVfs, directory: string): Promise<Map<string, number>> {
  const files = new Map<string, number>();
  for (const name of await vfs.list(directory)) {
    const file = vfs.join(directory, name);
    const { kind, bytes } = (await vfs.stat(file))!;
    if (kind === "directory") for (const [below, size] of await filesOf(vfs, file)) files.set(below, size);
    else files.set(file, bytes);
  }
  return files;
}

async function flip(vfs: SimVfs, file: string, offset: number, bit: number): Promise<void> {
  const handle = await vfs.open(file, { access: "read-write" });
  const byte = new Uint8Array(1);
  await handle.read(byte, offset);
  byte[0]! ^= 1 << bit;
  await handle.write(byte, offset);
  await handle.syncData();
  await handle.close();
}

it("no flip in a store on the memory engine changes an answer without a word", { timeout: 600_000 }, async () => {
  const made = new SimVfs({ seed: 7 });
  const open = async (vfs: SimVfs): Promise<MerkleStore> =>
    await MerkleStore.open(DIRECTORY, {
      ...OPTIONS,
      vfs,
      engine: memoryEngine({ vfs }),
      log: { segmentBytes: 16_384 },
    });
  await fill(await open(made));
  const before = await open(made);
  const { root } = before;
  await before.close();
  const random = new SeededRandom(7);
  const silent: string[] = [];
  const told = new Map<string, number>();
  for (const [file, bytes] of await filesOf(made, DIRECTORY)) {
    const part = file.split("/")[2]!;
    for (let at = 0; at < (whole ? 400 : 10) && bytes > 0; at++) {
      const offset = random.below(bytes);
      const vfs = made.kill();
      await flip(vfs, file, offset, at % 8);
      const outcome = await meet(() => open(vfs), root);
      if (outcome === "told") told.set(part, (told.get(part) ?? 0) + 1);
      else if (outcome !== "the same") silent.push(`${file} at ${offset}: ${outcome}`);
    }
  }
  expect(silent).toEqual([]);
  // The anchor has a second slot for one that is damaged.
  expect([...told.keys()].sort()).toEqual(["pages", "values"]);
});

it("no flip in a store on LevelDB changes an answer without a word", { timeout: 600_000 }, async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-merkle-damage-"));
  const directory = path.join(folder, "store");
  const damaged = path.join(folder, "damaged");
  const open = async (where: string): Promise<MerkleStore> =>
    await MerkleStore.open(where, { ...OPTIONS, engine: classicLevel(), log: { segmentBytes: 65_536 } });
  try {
    await fill(await open(directory));
    const before = await open(directory);
    const { root } = before;
    await before.close();
    const random = new SeededRandom(11);
    const files = readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
      .filter((name) => /table-|\.ldb$|^values.*(MANIFEST|CURRENT|\.log)/.test(name))
      .sort();
    expect(files.length).toBeGreaterThan(2);
    const outcomes = new Map<string, number>();
    for (const name of files) {
      for (let at = 0; at < (whole ? 120 : 3); at++) {
        cpSync(directory, damaged, { recursive: true });
        const bytes = readFileSync(path.join(damaged, name));
        if (bytes.length > 0) bytes[random.below(bytes.length)]! ^= 1 << (at % 8);
        writeFileSync(path.join(damaged, name), bytes);
        const outcome = await meet(() => open(damaged), root);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        rmSync(damaged, { recursive: true, force: true });
      }
    }
    expect([...outcomes.keys()].sort()).toEqual(["the same", "told"]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
