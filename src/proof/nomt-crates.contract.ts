/**
 * Tries that the NOMT crates made, with their roots, proofs and proven updates: `test/fixtures/nomt/crates.json`, or the file that
 * `HOLDFAST_NOMT_CRATES` names. `compat/nomt/src/wire.rs` describes it.
 */
import { readFileSync } from "node:fs";
import { toHex, writeU32 } from "../base/index.js";
import { blake3, keccak256, sha256 } from "../hash/index.js";
import type { Hasher } from "../hash/index.js";
import type { KeyState, MultiProof, PathProof, Terminal } from "./index.js";
import { hex } from "./naive-trie.contract.js";

/** Key and value, or the hash of the value, in hexadecimal digits; no value deletes. */
export type CrateOp = readonly [key: string, value: string | null];

export type CrateTerminal =
  | { readonly kind: "leaf"; readonly key: string; readonly valueHash: string }
  | { readonly kind: "terminator"; readonly path: string };

export interface CratePath {
  readonly terminal: CrateTerminal;
  /** An empty text is a terminator. */
  readonly siblings: readonly string[];
}

/** Keys of one trie, each with its path, and all of them together. */
export interface CrateProofs {
  readonly hasher: HasherName;
  readonly root: string;
  readonly paths: readonly (CratePath & { readonly key: string; readonly valueHash: string | null })[];
  readonly multi: {
    readonly paths: readonly { readonly terminal: CrateTerminal; readonly depth: number }[];
    readonly siblings: readonly string[];
  };
}

/** A batch as what it does to the paths that it meets, and so to the root. */
export interface CrateUpdate {
  readonly hasher: HasherName;
  readonly prevRoot: string;
  readonly root: string;
  readonly paths: readonly (CratePath & { readonly ops: readonly CrateOp[] })[];
}

export interface CrateBatch {
  readonly ops: readonly CrateOp[];
  readonly roots: Readonly<Record<HasherName, string>>;
  readonly proofs?: readonly CrateProofs[];
  readonly updates?: readonly CrateUpdate[];
}

export interface CrateVectors {
  readonly cases: readonly { readonly name: string; readonly batches: readonly CrateBatch[] }[];
  readonly bulk: { readonly keys: number; readonly roots: readonly Readonly<Record<HasherName, string>>[] };
}

export type HasherName = "blake3" | "sha256" | "keccak256";

export const hashers: Readonly<Record<HasherName, Hasher>> = { blake3, sha256, keccak256 };

export const crateVectors: CrateVectors = JSON.parse(
  readFileSync(
    process.env["HOLDFAST_NOMT_CRATES"] ?? new URL("../../test/fixtures/nomt/crates.json", import.meta.url),
    "utf8",
  ),
) as CrateVectors;

/** A node as the file writes it, in bytes. */
export function nodeOf(digits: string): Uint8Array {
  return digits === "" ? new Uint8Array(32) : hex(digits);
}

function terminalOf(terminal: CrateTerminal): Terminal {
  return terminal.kind === "leaf"
    ? { kind: "leaf", key: hex(terminal.key), valueHash: hex(terminal.valueHash) }
    : { kind: "terminator", path: hex(terminal.path) };
}

export function pathProof({ terminal, siblings }: CratePath): PathProof {
  return { terminal: terminalOf(terminal), siblings: siblings.map(nodeOf) };
}

export function multiProof({ paths, siblings }: CrateProofs["multi"]): MultiProof {
  return {
    paths: paths.map(({ terminal, depth }) => ({ terminal: terminalOf(terminal), depth })),
    siblings: siblings.map(nodeOf),
  };
}

/** What keys have, by the hashes of their values. */
export function states(hashes: readonly CrateOp[]): Extract<KeyState, { valueHash: Uint8Array | undefined }>[] {
  return hashes.map(([key, valueHash]) => ({
    key: hex(key),
    valueHash: valueHash === null ? undefined : hex(valueHash),
  }));
}

/** Batch `number` of the ones that are too large to be written out: see `bulk` in `compat/nomt/src/cases.rs`. */
export function bulkBatch(number: number, keys: number): CrateOp[] {
  const ops: CrateOp[] = [];
  for (let key = Math.max(number - 1, 0) * keys; key < number * keys; key++) {
    if (key % 3 === 0) ops.push([drawnKey(key), eightBytes(key + 1_000_000)]);
    if (key % 3 === 1) ops.push([drawnKey(key), null]);
  }
  for (let key = number * keys; key < (number + 1) * keys; key++) ops.push([drawnKey(key), eightBytes(key)]);
  return ops;
}

function eightBytes(value: number): string {
  const bytes = new Uint8Array(8);
  writeU32(bytes, 0, value);
  return toHex(bytes);
}

/** Four numbers of splitmix64, each big endian. */
function drawnKey(seed: number): string {
  let state = BigInt(seed);
  let key = "";
  for (let part = 0; part < 4; part++) {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let mixed = BigInt.asUintN(64, (state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n);
    mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn);
    key += (mixed ^ (mixed >> 31n)).toString(16).padStart(16, "0");
  }
  return key;
}
