/**
 * Opening after a crash, a thousand commits past the last sync of the databases: after a killed process, which loses nothing that LevelDB
 * wrote, and after a power cut that takes all of it, so that every commit is done again from the log.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { millis } from "../format.mjs";
import { FlatKv } from "../holdfast.mjs";
import { median } from "../statistics.mjs";
import { fill } from "./fill.mjs";
import { freshPuts } from "./pairs.mjs";

const ASKED_MS = 1000;
const CHILD = fileURLToPath(new URL("kill-child.mjs", import.meta.url));
const DATABASE = /^db-[0-9]+$/;

/**
 * @param {import("../context.js").Context} context
 * @returns {Promise<import("../context.js").Outcome>}
 */
export async function measureReopen({ directory, rounds, quick, progress }) {
  const commits = quick ? 20 : 1000;
  const storedRows = quick ? 2000 : 200_000;
  const rows = [];
  const taken = [];
  for (const puts of [100, 1000]) {
    progress(`${commits} commits of ${puts} puts, then a crash`);
    const base = path.join(directory, `reopen-${puts}`);
    const store = await FlatKv.open(base, { snapshots: { everyCommits: 0 } });
    await fill(store, freshPuts(storedRows));
    await store.close();
    const synced = `${base}-synced`;
    fs.cpSync(base, synced, { recursive: true });
    await commitAndDie(base, commits, puts);
    for (const [kind, what] of /** @type {const} */ ([
      ["killed", "after a kill"],
      ["power-cut", "after a power cut that took all that was unsynced"],
    ])) {
      const ms = [];
      for (let round = 0; round < Math.min(rounds, 5); round++) {
        const copy = `${base}-${kind}`;
        fs.cpSync(base, copy, { recursive: true });
        if (kind === "power-cut") putBack(synced, copy);
        ms.push(await reopen(copy, kind === "killed" ? 0 : commits));
        fs.rmSync(copy, { recursive: true });
      }
      taken.push({ kind, puts, ms });
      const asked = puts === 100 && !quick;
      rows.push({
        what: `open ${commits.toLocaleString("en")} commits of ${puts.toLocaleString("en")} puts past the last sync, ${what}`,
        measured: millis(median(ms)),
        beside: "",
        ratio: "",
        asked: asked ? `≤ ${ASKED_MS.toLocaleString("en")} ms` : "",
        reached: asked ? median(ms) <= ASKED_MS : undefined,
      });
    }
  }
  const notes = [
    `Opening: the databases held ${storedRows.toLocaleString("en")} rows and were synced before these commits. The power cut is played by putting back the databases' directories as they were then. Files are in the page cache.`,
  ];
  return { rows, notes, rounds: taken };
}

/**
 * @param {string} directory
 * @param {number} commits
 * @param {number} puts
 */
async function commitAndDie(directory, commits, puts) {
  const child = fork(CHILD, [directory, String(commits), String(puts)]);
  const exit = once(child, "exit");
  const [message] = await Promise.race([
    once(child, "message"),
    exit.then(([code]) => {
      throw new Error(`The committing process ended with code ${code}.`);
    }),
  ]);
  child.kill("SIGKILL");
  await exit;
  if (message.version - message.syncedVersion < commits) throw new Error("The databases were synced meanwhile.");
}

/**
 * Databases as they were.
 *
 * @param {string} from
 * @param {string} to
 */
function putBack(from, to) {
  for (const name of fs.readdirSync(to)) {
    if (!DATABASE.test(name)) continue;
    fs.rmSync(path.join(to, name), { recursive: true });
    fs.cpSync(path.join(from, name), path.join(to, name), { recursive: true });
  }
}

/**
 * @param {string} directory
 * @param {number} redone how many commits each database must have to do again
 * @returns {Promise<number>} milliseconds
 */
async function reopen(directory, redone) {
  const start = performance.now();
  const store = await FlatKv.open(directory, { snapshots: { everyCommits: 0 } });
  const ms = performance.now() - start;
  const found = Object.values(store.recovery.redone);
  await store.close();
  if (
    store.recovery.rebuilt.length > 0 ||
    found.some((count) => count !== redone) ||
    (redone > 0 && found.length === 0)
  )
    throw new Error(`Opening did otherwise than expected: ${JSON.stringify(store.recovery)}`);
  return ms;
}
