/**
 * A process that opens a commit store on LevelDB, reads all of it, and commits until it is stopped or fails. It speaks in lines on standard
 * output, each written with one system call before anything else happens:
 *
 *     m 0, M 0              an import is begun, has resolved
 *     open {…}              the store is open, and this is what is in it
 *     i {…}, a <version>    a commit is called, has resolved
 *     r <version>, R <version>    a rollback is called, has resolved
 *     s <version>, S <version>    a snapshot is called, has resolved
 *     exported <version>    the export is written and synced
 *     look {…}              a reader shows this
 *     failed {…}            a call was refused: the error, and what the calls after it said
 *     refused {…}           the store did not open
 *     done {…}              everything asked for was done, and the store is closed
 */
import { createReadStream, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { HoldfastError } from "holdfast";
import { classicLevel } from "holdfast/engine";
import { FlatKv, FlatKvReader, importFlatKv } from "holdfast/flatkv";
import { LtHash } from "holdfast/hash";
import {
  DATABASES,
  RowsDigest,
  SERIALS_PER_GENERATION,
  SERIAL_DATABASE,
  SERIAL_KEY,
  changesOf,
} from "./flatkv-model.js";
import type { FlatKvTask, StoreReport } from "./flatkv-task.js";
import { seededDraw } from "./seed.js";

const task = JSON.parse(process.argv[2] ?? "{}") as FlatKvTask;
const engine = classicLevel({ writeBufferBytes: task.writeBufferBytes, cacheBytes: 1 << 20 });
const options = {
  engine,
  databases: DATABASES,
  log: { segmentBytes: task.segmentBytes },
  syncEveryCommits: task.syncEveryCommits,
  snapshots: { everyCommits: task.snapshotEveryCommits, keep: 2, links: task.links },
};

function say(word: string, facts: unknown): void {
  writeSync(1, `${word} ${typeof facts === "number" ? facts : JSON.stringify(facts)}\n`);
}

function factsOf(error: unknown): Record<string, unknown> {
  if (!(error instanceof HoldfastError)) return { code: "none", message: String(error) };
  return { ...error.toJSON(), cause: error.cause === undefined ? undefined : factsOf(error.cause) };
}

/** Reads everything twice: row by row here, and as the store's own check does. */
async function readAll(store: FlatKv | FlatKvReader): Promise<Omit<StoreReport, "recovery">> {
  const digest = new RowsDigest();
  const problems: string[] = [];
  const { version } = store;
  const committed = store.committedHash();
  let serial = 0;
  for (const database of DATABASES) {
    const hash = new LtHash();
    for await (const { key, value } of store.iterate({ database })) {
      digest.add(database, key, value);
      hash.add(key, value);
      if (database === SERIAL_DATABASE && Buffer.from(key).toString() === SERIAL_KEY)
        serial = Number(Buffer.from(value).toString());
    }
    if (!hash.equals(store.databaseHash(database))) problems.push(`the rows of ${database} have another hash`);
  }
  if (!LtHash.sum(DATABASES.map((name) => store.databaseHash(name))).equals(committed))
    problems.push("committedHash is not the sum of the databases' hashes");
  const got = await store.get(Buffer.from(SERIAL_KEY), { database: SERIAL_DATABASE });
  if (Number(Buffer.from(got ?? []).toString() || "0") !== serial) problems.push("get shows another row than iterate");
  return {
    version,
    serial,
    digest: digest.hex(),
    checksum: Buffer.from(committed.checksum()).toString("hex"),
    problems,
  };
}

async function check(store: FlatKv, snapshots: boolean): Promise<string[]> {
  const report = await store.verify({ snapshots });
  return report.problems.map((problem) => `verify: ${JSON.stringify(problem)}`);
}

async function commitOnce(store: FlatKv, serial: number): Promise<void> {
  for (const changes of changesOf(task.seed, serial)) {
    const sets = changes.map(({ database, key, value }) => ({ database, changes: [{ key: Buffer.from(key), value }] }));
    await store.applyChangeSets(sets);
  }
  const next = store.version + 1;
  const working = store.workingHash();
  say("i", { version: next, serial });
  const version = await store.commit();
  if (version !== next) throw new Error(`version ${version} was committed where ${next} follows`);
  say("a", version);
  if (!store.committedHash().equals(working)) throw new Error(`version ${version} has another hash than was announced`);
}

async function write(store: FlatKv): Promise<void> {
  const draw = seededDraw(`writes ${task.generation}`);
  const { rollback, snapshot, verify } = task.perMille;
  let serial = task.generation * SERIALS_PER_GENERATION;
  let checking: Promise<void> | undefined;
  const last = serial + task.commits;
  try {
    while (serial < last) {
      const drawn = draw(1000);
      if (drawn < rollback) {
        const { version, oldestVersion } = store.stats();
        const to = oldestVersion + draw(version - oldestVersion + 1);
        say("r", to);
        await store.rollback(to);
        say("R", to);
      } else if (drawn < rollback + snapshot) {
        say("s", store.version);
        await store.snapshot();
        say("S", store.version);
      } else if (drawn < rollback + snapshot + verify) {
        // Beside the commits that follow.
        await checking;
        checking = check(store, draw(2) === 0).then((problems) => {
          if (problems.length > 0) throw new Error(problems.join("; "));
        });
        checking.catch(() => undefined);
      } else {
        serial++;
        await commitOnce(store, serial);
      }
    }
    await checking;
    await store.close();
    say("done", { version: store.version });
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    await checking?.catch(() => undefined);
    await tellFailure(store, error);
  }
}

/** A poisoned store refuses everything after the first failure, and closing it still releases the lock. */
async function tellFailure(store: FlatKv, first: unknown): Promise<void> {
  const later: Record<string, unknown> = {};
  for (const [name, call] of Object.entries({
    apply: () => store.applyChangeSets([{ database: SERIAL_DATABASE, changes: [] }]),
    commit: () => store.commit(),
    get: () => store.get(Buffer.from(SERIAL_KEY), { database: SERIAL_DATABASE }),
    snapshot: () => store.snapshot(),
    rollback: () => store.rollback(store.version),
  })) {
    try {
      await call();
      later[name] = { code: "resolved" };
    } catch (error) {
      later[name] = factsOf(error);
    }
  }
  say("failed", { first: factsOf(first), later });
  try {
    await store.close();
  } catch (error) {
    say("close", factsOf(error));
  }
}

async function read(): Promise<void> {
  const reader = await FlatKvReader.open(task.directory, { engine });
  for (let looks = 0; looks < task.commits; looks++) {
    say("look", await readAll(reader));
    try {
      await reader.refresh();
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== "HF_BUSY") throw error;
      say("busy", looks);
    }
  }
  await reader.close();
  say("done", { version: 0 });
}

async function writeExport(store: FlatKv, file: string): Promise<void> {
  const handle = await open(file, "w");
  for await (const chunk of store.export()) await handle.write(chunk);
  await handle.sync();
  await handle.close();
  say("exported", store.version);
}

async function main(): Promise<void> {
  if (task.afterwards === "read") return await read();
  let store: FlatKv;
  try {
    if (task.importFrom !== undefined) {
      const source = createReadStream(task.importFrom, { highWaterMark: 16_384 });
      say("m", 0);
      await importFlatKv(task.directory, source, { ...options, noteEveryBytes: 30_000 });
      say("M", 0);
    }
    store = await FlatKv.open(task.directory, options);
  } catch (error) {
    say("refused", factsOf(error));
    return;
  }
  const found = await readAll(store);
  const problems = [...found.problems, ...(await check(store, task.verifySnapshots))];
  const { redone, rebuilt, abandonedRecords, removedDirectories } = store.recovery;
  const told = rebuilt.map(({ database, reason }) => ({ database, reason }));
  const recovery = { redone, rebuilt: told, abandonedRecords, removedDirectories };
  say("open", { ...found, problems, recovery } satisfies StoreReport);
  if (task.afterwards === "hold") setInterval(() => undefined, 60_000);
  else if (task.afterwards === "write") await write(store);
  else {
    if (task.exportTo !== undefined) await writeExport(store, task.exportTo);
    await store.close();
    say("done", { version: store.version });
  }
}

await main();
