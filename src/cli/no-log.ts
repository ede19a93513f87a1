/** What to say where a command was given a directory that holds no log: what is there instead, and what to name. */
import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { InvalidArgumentError, errnoOf } from "../base/index.js";

/** How many directories are named. */
const NAMED_MAX = 5;
/** Where stores keep the log beneath them. */
const LOGS_OF_STORES = ["log", join("pages", "log")] as const;

/**
 * Throws where `directory` has neither segments nor an anchor, or is a store whose log is one directory below. What has a log's files, sound or not, is
 * left to who reads logs. Code `HF_INVALID_ARGUMENT`.
 */
export async function refuseNoLog(directory: string): Promise<void> {
  const names = await namesIn(directory);
  if (names.some(({ name }) => name.endsWith(".seg"))) return;
  for (const below of LOGS_OF_STORES) {
    if (!(await isLog(join(directory, below)))) continue;
    throw refusal(`${directory} holds a store, whose records are in ${join(directory, below)}. Name that directory.`);
  }
  if (names.some(({ name }) => name === "anchor")) return;
  const logs: string[] = [];
  for (const entry of names)
    if (entry.isDirectory() && (await isLog(join(directory, entry.name)))) logs.push(entry.name);
  if (logs.length === 0) throw refusal(`There is no log in ${directory}, and none in a directory below it.`);
  const more = logs.length > NAMED_MAX ? `, and ${logs.length - NAMED_MAX} more` : "";
  throw refusal(
    `There is no log in ${directory} itself. There are some below it: ${logs.slice(0, NAMED_MAX).join(", ")}${more}. Name one of these.`,
  );
}

async function namesIn(directory: string): Promise<Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT") throw refusal(`There is no directory ${directory}. Check the path.`);
    if (errno === "ENOTDIR") throw refusal(`${directory} is a file. Name the directory of a log or store.`);
    throw error;
  }
}

async function isLog(directory: string): Promise<boolean> {
  try {
    return (await readdir(directory)).some((name) => name.endsWith(".seg"));
  } catch {
    return false;
  }
}

function refusal(message: string): InvalidArgumentError {
  return new InvalidArgumentError("HF_INVALID_ARGUMENT", message);
}
