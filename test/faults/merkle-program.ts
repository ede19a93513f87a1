/**
 * A process that opens a Merkle store on LevelDB, reads all of it, and commits until it is stopped or fails. It speaks in lines on standard output, each
 * written with one system call before anything else happens:
 *
 *     open {…}                    the store is open, and this is what is in it
 *     i <serial>, a <sequence>    a commit is called, has resolved
 *     r <commits>, R <sequence>   a rollback is called, has resolved
 *     failed {…}                  a call was refused: the error, and what the calls after it said
 *     refused {…}                 the store did not open
 *     done {…}                    everything asked for was done, and the store is closed
 */
import { writeSync } from "node:fs";
import { HoldfastError } from "holdfast";
import { classicLevel } from "holdfast/engine";
import { blake3 } from "holdfast/hash";
import { verifyMultiProof } from "holdfast/proof";
import { MerkleStore } from "holdfast/trie";
import type { MerkleReport, MerkleTask } from "./merkle-process.js";
import { MERKLE_KEYS, SERIALS_PER_PROCESS, UNDOABLE, digestOfRows, merkleChanges, merkleKey } from "./merkle-rows.js";
import { seededDraw } from "./seed.js";

const task = JSON.parse(process.argv[2] ?? "{}") as MerkleTask;
const KEYS = Array.from({ length: MERKLE_KEYS }, (_, n) => merkleKey(n));

function say(word: string, facts: unknown): void {
  writeSync(1, `${word} ${typeof facts === "number" ? facts : JSON.stringify(facts)}\n`);
}

function factsOf(error: unknown): Record<string, unknown> {
  if (!(error instanceof HoldfastError)) return { code: "none", message: String(error) };
  return { ...error.toJSON(), cause: error.cause === undefined ? undefined : factsOf(error.cause) };
}

/** Reads everything, proves all of it, and has the store check itself. */
async function readAll(store: MerkleStore): Promise<Omit<MerkleReport, "redone">> {
  const { root, sequence } = store;
  const problems: string[] = [];
  const values = await store.getMany(KEYS);
  const hashes = new Map<number, string>();
  for (const [n, value] of values.entries())
    if (value !== undefined) hashes.set(n, Buffer.from(blake3.hash(value)).toString("hex"));
  const claims = KEYS.map((key, n) => ({ key, value: values[n] }));
  if (!verifyMultiProof({ root, proof: await store.proveMany(KEYS), claims, hasher: blake3 }))
    problems.push("the proof of all keys is refused");
  const report = await store.verify();
  for (const { message } of report.problems) problems.push(message);
  if (!report.sound && problems.length === 0) problems.push("verify says that it is not sound");
  if (report.keys !== hashes.size) problems.push(`${report.keys} keys in the engine, and ${hashes.size} are shown`);
  return { sequence, root: Buffer.from(root).toString("hex"), digest: digestOfRows(hashes), problems };
}

async function commitOnce(store: MerkleStore, serial: number, isPrepared: boolean): Promise<void> {
  const session = store.begin();
  for (const { key, value } of merkleChanges(task.seed, serial)) {
    if (value === undefined) session.delete(KEYS[key]!);
    else session.put(KEYS[key]!, value);
  }
  const prepared = isPrepared ? await session.prepare() : undefined;
  say("i", serial);
  const { root, sequence } = await session.commit();
  say("a", sequence);
  if (prepared !== undefined && Buffer.compare(prepared.root, root) !== 0)
    throw new Error(`commit ${sequence} has another root than was announced`);
}

async function write(store: MerkleStore): Promise<void> {
  const draw = seededDraw(`merkle writes ${task.generation}`);
  let serial = task.generation * SERIALS_PER_PROCESS;
  try {
    for (;;) {
      const drawn = draw(1000);
      const { undoableCommits } = store.stats();
      if (drawn < task.rollbacksPerMille && undoableCommits > 0) {
        const commits = 1 + draw(undoableCommits);
        say("r", commits);
        const { sequence } = await store.rollback(commits);
        say("R", sequence);
      } else if (drawn >= 990) await store.checkpoint();
      else if (drawn >= 985) {
        const { problems } = await readAll(store);
        if (problems.length > 0) throw new Error(problems.join("; "));
      } else await commitOnce(store, ++serial, draw(4) === 0);
    }
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    await tellFailure(store, error);
  }
}

/** A poisoned store refuses everything after the first failure, and closing it still releases the lock. */
async function tellFailure(store: MerkleStore, first: unknown): Promise<void> {
  const later: Record<string, unknown> = {};
  for (const [name, call] of Object.entries({
    begin: async () => await Promise.resolve(store.begin()),
    get: () => store.get(KEYS[0]!),
    prove: () => store.prove(KEYS[0]!),
    checkpoint: () => store.checkpoint(),
    rollback: () => store.rollback(1),
  })) {
    try {
      await call();
      later[name] = { code: "resolved" };
    } catch (error) {
      later[name] = factsOf(error);
    }
  }
  say("failed", { first: factsOf(first), later });
  await store.close().catch((error: unknown) => {
    say("close", factsOf(error));
  });
}

async function main(): Promise<void> {
  let store: MerkleStore;
  try {
    store = await MerkleStore.open(task.directory, {
      engine: classicLevel({ writeBufferBytes: 65_536, cacheBytes: 1 << 20 }),
      log: { segmentBytes: 256 * 1024 },
      pages: { capacity: 16, checkpoint: task.checkpoint, cache: { bytes: task.cacheBytes } },
      rollback: { commits: UNDOABLE },
    });
  } catch (error) {
    say("refused", factsOf(error));
    return;
  }
  say("open", { ...(await readAll(store)), redone: store.recovery.redone } satisfies MerkleReport);
  if (task.afterwards === "write") return await write(store);
  await store.close();
  say("done", { sequence: store.sequence });
}

await main();
