/** The sizes of the groups that a log forms, heard on its diagnostics channel. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";

const CHANNEL = "holdfast:log:group";

/**
 * Runs `work` and collects the bytes of each group that the log in `directory` writes meanwhile, padding included.
 *
 * @template T
 * @param {string} directory
 * @param {() => Promise<T>} work
 * @returns {Promise<{ result: T, groups: number[] }>}
 */
export async function withGroups(directory, work) {
  /** @type {number[]} */
  const groups = [];
  const listen = (/** @type {any} */ message) => {
    if (message.directory === directory) groups.push(message.bytes);
  };
  subscribe(CHANNEL, listen);
  try {
    return { result: await work(), groups };
  } finally {
    unsubscribe(CHANNEL, listen);
  }
}
