/** The files of a LevelDB database, from outside. */
import { constants } from "node:fs";
import fsp from "node:fs/promises";
import path from "node:path";
import { ConflictError, CorruptionError, IoError, errnoOf } from "../../base/index.js";
import { type ManifestTables, readManifest } from "./manifest.js";
import { damageOfTable } from "./table.js";

const LOG_NAME = /^[0-9]+\.log$/;
/** All that LevelDB makes: anything else in the directory is not ours to remove. */
const LEVEL_NAME = /^(CURRENT|LOCK|LOG|LOG\.old|MANIFEST-[0-9]+|[0-9]+\.(log|ldb|sst|dbtmp))$/;
const CURRENT_TEXT = /^(MANIFEST-[0-9]{6,20})\n$/;
/** How often a checkpoint starts again because a compaction took a table away. Each takes longer than a checkpoint. */
const ATTEMPTS_MAX = 100;
/** The file system, or its way to the other directory, has no hard links. */
const NO_LINKS = new Set(["EXDEV", "EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EMLINK"]);

/** Makes a directory where nothing is. */
export async function makeNewDirectory(directory: string): Promise<void> {
  try {
    await fsp.mkdir(directory);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw new IoError("mkdir", directory, error);
    throw new ConflictError("HF_EXISTS", `${directory} exists already. Choose another directory, or remove that one.`, {
      path: directory,
    });
  }
}

/** Whether a database is in a directory. LevelDB must not be asked: it makes the directory to find out. */
export async function hasDatabase(directory: string): Promise<boolean> {
  try {
    await fsp.stat(path.join(directory, "CURRENT"));
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw new IoError("stat", path.join(directory, "CURRENT"), error);
  }
}

/** The names of the write-ahead logs that are there. */
export async function logNames(directory: string): Promise<string[]> {
  return (await fsp.readdir(directory)).filter((name) => LOG_NAME.test(name));
}

/** Whether a closed database has rows that are in a write-ahead log only. */
export async function hasLoggedRows(directory: string): Promise<boolean> {
  for (const name of await logNames(directory)) if ((await fsp.stat(path.join(directory, name))).size > 0) return true;
  return false;
}

/** What all files take, in bytes. One that goes away meanwhile takes nothing. */
export async function diskBytes(directory: string): Promise<number> {
  let bytes = 0;
  for (const name of await fsp.readdir(directory)) {
    try {
      bytes += (await fsp.stat(path.join(directory, name))).size;
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error;
    }
  }
  return bytes;
}

/** Makes the names in a directory durable. Windows has no such call. */
export async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await fsp.open(directory, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes LevelDB's files and the directory. Nothing there is fine. */
export async function removeFiles(directory: string): Promise<void> {
  let names: readonly string[];
  try {
    names = await fsp.readdir(directory);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return;
    throw error;
  }
  // CURRENT first: what is left without it is no database.
  for (const name of [...names].sort((a, b) => Number(b === "CURRENT") - Number(a === "CURRENT")))
    if (LEVEL_NAME.test(name)) await fsp.unlink(path.join(directory, name));
  await fsp.rmdir(directory);
}

/** The MANIFEST that counts. */
interface CurrentManifest {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly live: ManifestTables;
}

/**
 * Reads the MANIFEST that CURRENT names, synced where asked. Errors: `CorruptionError` where CURRENT names none, or one that is not there or is damaged:
 * to LevelDB some of that is a failure of the file system, and some of it an empty database.
 */
export async function currentManifest(directory: string, isSynced: boolean): Promise<CurrentManifest> {
  const current = path.join(directory, "CURRENT");
  const text = await fsp.readFile(current, "latin1");
  const name = CURRENT_TEXT.exec(text)?.[1];
  if (name === undefined) throw damaged(current, "the name of a MANIFEST", "something else");
  const file = path.join(directory, name);
  let bytes: Uint8Array;
  try {
    bytes = isSynced ? await readSynced(file) : await fsp.readFile(file);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") throw damaged(file, "the MANIFEST that CURRENT names", "nothing");
    throw error;
  }
  const live = readManifest(bytes);
  if (live === undefined) throw damaged(file, "a MANIFEST", "other bytes");
  return { name, bytes, live };
}

/** The numbers of the tables that a database consists of now. */
export async function tableNumbers(directory: string): Promise<readonly number[]> {
  return [...(await currentManifest(directory, false)).live.tables.keys()];
}

/** Reads a table and checks it. One that is not there any more was compacted into others. Errors: `CorruptionError`. */
export async function checkTable(directory: string, number: number): Promise<void> {
  for (const name of tableNames(number)) {
    const file = path.join(directory, name);
    try {
      const damage = damageOfTable(await fsp.readFile(file));
      if (damage !== undefined) throw damaged(file, "a table as it was written", damage);
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error;
    }
  }
}

/** Names that a table can have. */
function tableNames(number: number): readonly string[] {
  const digits = String(number).padStart(6, "0");
  return [`${digits}.ldb`, `${digits}.sst`];
}

function damaged(file: string, expected: string, found: string): CorruptionError {
  const advice = "Build the database anew from what it was made of.";
  return new CorruptionError({ path: file, expected, found, advice });
}

/**
 * Copies the database in `source` as its MANIFEST has it now, into `directory`, which is made; durable but for that name. Tables are
 * immutable, so links to them will do; compactions may run meanwhile.
 *
 * Only tables that the MANIFEST names go along. One that a compaction is still writing has a number that the copy is going to use
 * again, and would then truncate the file that both names lead to. For the same reason the source's MANIFEST is synced first: had a
 * power cut taken its last edit back, the source would use those numbers again.
 */
export async function copyDatabase(source: string, directory: string, links: boolean): Promise<void> {
  await makeNewDirectory(directory);
  for (let attempt = 1; ; attempt++) {
    const { name: manifestName, bytes: manifest, live } = await currentManifest(source, true);
    const names = new Set(await fsp.readdir(source));
    let complete = true;
    for (const number of live.tables.keys()) {
      const name = tableNames(number).find((candidate) => names.has(candidate));
      complete = name !== undefined && (await takeTable(path.join(source, name), path.join(directory, name), links));
      if (!complete) break;
    }
    if (complete) {
      await writeSynced(path.join(directory, manifestName), manifest.subarray(0, live.end));
      await writeSynced(path.join(directory, "CURRENT"), Buffer.from(`${manifestName}\n`));
      await syncDirectory(directory);
      return;
    }
    for (const name of await fsp.readdir(directory)) await fsp.unlink(path.join(directory, name));
    if (attempt === ATTEMPTS_MAX)
      throw new CorruptionError({
        path: source,
        expected: `the ${live.tables.size} tables that its MANIFEST names`,
        found: `fewer, ${ATTEMPTS_MAX} times`,
        advice: "Build the database anew from what it was made of.",
      });
  }
}

/** Links or copies a table; false where it is gone. */
async function takeTable(from: string, to: string, links: boolean): Promise<boolean> {
  try {
    if (links) {
      try {
        await fsp.link(from, to);
        return true;
      } catch (error) {
        if (!NO_LINKS.has(errnoOf(error) ?? "")) throw error;
      }
    }
    await fsp.copyFile(from, to, constants.COPYFILE_EXCL);
    await syncFile(to);
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}

async function readSynced(file: string): Promise<Uint8Array> {
  // Windows syncs only what is open for writing.
  const handle = await fsp.open(file, process.platform === "win32" ? "r+" : "r");
  try {
    const bytes = await handle.readFile();
    await handle.datasync();
    return bytes;
  } finally {
    await handle.close();
  }
}

async function writeSynced(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await fsp.open(file, "wx");
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFile(file: string): Promise<void> {
  const handle = await fsp.open(file, "r+");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
