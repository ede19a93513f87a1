/** The stores that commits, tries and growth are measured of: each in a process of its own, which answers lines. */
import path from "node:path";
import { Conversation } from "./programs.mjs";

const SERVER = path.join(import.meta.dirname, "state-server.mjs");

/**
 * @typedef {object} StateContender
 * @property {string} name as in `facts.mjs`
 * @property {(directory: string) => Promise<Conversation>} start with an empty store
 */

/**
 * @param {import("./context.js").PeerContext} context
 * @returns {StateContender[]}
 */
export function commitStores(context) {
  return [
    ofNode(context, "FlatKV", "flatkv"),
    ofNode(context, "rows on classic-level", "classic-level"),
    ofNode(context, "rows on lmdb", "lmdb"),
    ofNode(context, "rows on better-sqlite3", "better-sqlite3"),
  ].filter(({ name }) => !context.missing.has(name.replace("rows on ", "")));
}

/**
 * @param {import("./context.js").PeerContext} context
 * @returns {StateContender[]}
 */
export function tries(context) {
  const all = [
    ofNode(context, "MerkleStore", "merkle"),
    ofNode(context, "@ethereumjs/mpt", "mpt"),
    ofNode(context, "@ethereumjs/binarytree", "binarytree"),
  ].filter(({ name }) => !context.missing.has(name));
  const { rust } = context;
  if ("path" in rust) all.push({ name: "nomt", start: (directory) => begin(rust.path, ["nomt", directory]) });
  return all;
}

/**
 * @param {import("./context.js").PeerContext} context
 * @param {string} name
 * @param {string} store
 * @returns {StateContender}
 */
function ofNode({ hashLibrary }, name, store) {
  return { name, start: (directory) => begin(process.execPath, [SERVER, store, directory, hashLibrary]) };
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
async function begin(command, args) {
  const conversation = new Conversation(command, args);
  await conversation.answer();
  return conversation;
}
