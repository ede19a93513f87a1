/** The sizes of the groups that a log forms, heard on its diagnostics channel. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import path from "node:path";

const CHANNEL = "holdfast:log:group";

/**
 * Runs `work` and collects the bytes of each group that the log in `directory`, or the logs below it, write meanwhile, padding included. A
 * durable log waits for the disk once for each.
 *
 * @template T
 * @param {string} directory
 * @param {() => Promise<T>} work
 * @returns {Promise<{ result: T, groups: number[] }>}
 */
export async function withGroups(directory, work) {
  /** @type {number[]} */
  const groups = [];
  const below = directory + path.sep;
  const listen = (/** @type {any} */ message) => {
    if (message.directory === directory || message.directory.startsWith(below)) groups.push(message.bytes);
  };
  subscribe(CHANNEL, listen);
  try {
    return { result: await work(), groups };
  } finally {
    unsubscribe(CHANNEL, listen);
  }
}
