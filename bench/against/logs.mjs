/** The logs that append and replay are measured of: of npm in this process, of Go and Rust in processes of their own. */
import { appendFdatasync, betterSqlite3, classicLevel, holdfast, hypercore, lmdb } from "./log-peers.mjs";

/**
 * @typedef {object} LogContender
 * @property {string} name as in `facts.mjs`
 * @property {import("./log-peers.mjs").OpenLogPeer} [open] in this process
 * @property {{ readonly path: string, readonly peer: string }} [program] in its own
 */

/** Which of them can be replayed. */
const KEEPS_NOTHING = "okaywal";

/**
 * @param {import("./context.js").PeerContext} context
 * @param {"append" | "replay"} purpose
 * @returns {LogContender[]}
 */
export function logContenders(context, purpose) {
  const { go, rust, missing, skip } = context;
  /** @type {LogContender[]} */
  const all = [
    { name: "holdfast", open: holdfast("pool") },
    { name: "classic-level", open: classicLevel },
    { name: "lmdb", open: lmdb(true) },
    { name: "better-sqlite3", open: betterSqlite3 },
    { name: "hypercore", open: hypercore },
    { name: "append + fdatasync", open: appendFdatasync },
  ];
  // Forms that differ in how they write only.
  if (purpose === "append") {
    all.splice(1, 0, { name: "holdfast, inline", open: holdfast("inline") });
    all.splice(4, 0, { name: "lmdb, strict", open: lmdb(false) });
  }
  const contenders = all.filter(({ name }) => !missing.has(name.split(",")[0] ?? name));
  const programs = /** @type {const} */ ([
    ["tidwall/wal", go, "tidwall"],
    ["raft-wal", go, "raft-wal"],
    ["etcd wal", go, "etcd"],
    ["okaywal", rust, "okaywal"],
    ["raft-engine", rust, "raft-engine"],
  ]);
  for (const [name, program, peer] of programs) {
    if (!("path" in program)) continue;
    if (purpose === "replay" && name === KEEPS_NOTHING) skip(`${name} in replay`, "it keeps no records to be replayed");
    else contenders.push({ name, program: { path: program.path, peer } });
  }
  return contenders;
}
