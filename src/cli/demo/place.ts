/** Where the demo puts its files. */
import { mkdir, mkdtemp, readdir, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { IoError, errnoOf } from "../../base/index.js";
import { UsageError } from "../arguments.js";
import type { Colors } from "../terminal.js";

const tmpfsMagic = 0x0102_1994;

/** An empty directory for a run. */
export interface Place {
  readonly directory: string;
  /** Whether it stays at the end. */
  readonly kept: boolean;
  /** The line that names it. */
  line(colors: Colors): string;
  /** Removes what does not stay. */
  release(): Promise<void>;
}

/** Makes a directory, or takes the given one, which must be new or empty. */
export async function preparePlace(given: string | undefined, keep: boolean): Promise<Place> {
  const directory = given === undefined ? await mkdtemp(join(tmpdir(), "holdfast-demo-")) : await takeDirectory(given);
  const kept = keep || given !== undefined;
  // On tmpfs a durable write touches no disk.
  const inMemory = process.platform === "linux" && (await statfs(directory)).type === tmpfsMagic;
  return {
    directory,
    kept,
    line: (colors) =>
      `  ${colors.dim(directory)}${inMemory ? "  (in memory: give --dir on a disk to see what the disk does)" : ""}`,
    async release() {
      if (!kept) await rm(directory, { recursive: true, force: true });
    },
  };
}

async function takeDirectory(given: string): Promise<string> {
  const directory = resolve(given);
  try {
    await mkdir(directory);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw new IoError("make directory", directory, error);
  }
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (error) {
    if (errnoOf(error) === "ENOTDIR") throw new UsageError(`${directory} is not a directory. Give a new one.`);
    throw new IoError("list", directory, error);
  }
  if (names.length > 0) {
    throw new UsageError(`${directory} is not empty, and the demo starts with an empty one. Give a new directory.`);
  }
  return directory;
}
