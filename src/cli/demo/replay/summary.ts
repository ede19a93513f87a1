/** What a replay prints at its end, for people and as JSON. */
import { fieldLines } from "../../table.js";
import type { Colors } from "../../terminal.js";
import { formatCount, formatDuration, formatPlural, formatRate } from "../../units.js";
import type { DatabaseRows } from "../state/state-audit.js";
import type { StateHashes } from "../state/state-model.js";
import type { TrieContent } from "../state/trie-audit.js";
import { provedText } from "../state/trie-summary.js";
import type { ReplayAudit } from "./replay-audit.js";
import type { ReplayExpectation } from "./replay-expectation.js";
import type { ReplayCounters, ReplayOpening } from "./write.js";

/** One kill and what came back. */
export interface ReplayCrash {
  /** The newest version that was told to be durable when the process was gone. */
  readonly acknowledged: number;
  /** What was found in a copy of what was left. */
  readonly audit: ReplayAudit;
  /** What the next process found. */
  readonly reopened: ReplayOpening;
  /** From the start of the next process to the open store in it: process start, loading of code, recovery. */
  readonly backAfterMs: number;
}

/** The JSON document of `holdfast demo --era1 FILE --json`. */
export interface ReplaySummary {
  readonly ok: true;
  readonly form: "era1";
  /** Blocks that were replayed: all of the file, or those before one with transactions. */
  readonly blocks: number;
  readonly fileBlocks: number;
  /** Uncles in them, whose miners were paid too. */
  readonly uncles: number;
  /** The block with transactions that ended the replay. */
  readonly stoppedAtBlock: number | null;
  /** The version that the last block left: one more than its number. */
  readonly version: number;
  /** Checksums of the lattice hashes at that version, over all databases and of each. */
  readonly hashes: StateHashes;
  /** The Merkle root of all rows at that version, in hexadecimal. */
  readonly root: string;
  readonly seed: number;
  /** Commits over the time in which blocks were committed; restarts not included. */
  readonly commitsPerSecond: number;
  readonly busyMs: number;
  /** From the start of the first process to the end of the last, restarts and audits included. */
  readonly elapsedMs: number;
  readonly crashes: readonly {
    readonly acknowledgedVersion: number;
    readonly recoveredVersion: number;
    /** Checksum of the hash over all databases at that version. */
    readonly hash: string;
    /** The same of the Merkle store. */
    readonly trieVersion: number;
    readonly root: string;
    readonly redone: number;
    readonly recoveryMs: number;
    readonly backAfterMs: number;
    readonly auditMs: number;
  }[];
  /** The last audit, which read every row. */
  readonly verification: {
    readonly databases: readonly DatabaseRows[];
    /** Of the Merkle store: all that was read, and what it proved. */
    readonly trie: TrieContent;
    readonly elapsedMs: number;
    readonly sound: true;
  };
  /** Null when it was removed. */
  readonly directory: string | null;
}

/** Puts the results together. */
export function summarize(
  options: { readonly seed: number; readonly directory: string | undefined },
  run: { readonly crashes: readonly ReplayCrash[]; readonly counters: ReplayCounters; readonly elapsedMs: number },
  { state, fileBlocks, uncles, stop }: ReplayExpectation,
  last: ReplayAudit & { readonly trieContent: TrieContent },
): ReplaySummary {
  const { commits, busyMs } = run.counters;
  return {
    ok: true,
    form: "era1",
    blocks: state.version,
    fileBlocks,
    uncles,
    stoppedAtBlock: stop === undefined ? null : state.version,
    version: last.version,
    hashes: last.hashes,
    root: last.trie.root,
    seed: options.seed,
    commitsPerSecond: busyMs > 0 ? Math.round((commits / busyMs) * 1000) : 0,
    busyMs: round(busyMs),
    elapsedMs: round(run.elapsedMs),
    crashes: run.crashes.map(({ acknowledged, audit, reopened, backAfterMs }) => ({
      acknowledgedVersion: acknowledged,
      recoveredVersion: reopened.version,
      hash: audit.hashes.global,
      trieVersion: audit.trie.sequence,
      root: audit.trie.root,
      redone: reopened.redone,
      recoveryMs: round(reopened.recoveryMs),
      backAfterMs: round(backAfterMs),
      auditMs: round(audit.elapsedMs),
    })),
    verification: { databases: last.databases, trie: last.trieContent, elapsedMs: round(last.elapsedMs), sound: true },
    directory: options.directory ?? null,
  };
}

/** The summary for people. */
export function summaryLines(summary: ReplaySummary, colors: Colors): string[] {
  const { crashes, verification } = summary;
  return fieldLines([
    [
      "blocks",
      `${formatCount(summary.blocks)} of ${formatCount(summary.fileBlocks)} in the file, from block 0 on; miners of ${formatPlural(summary.uncles, "uncle")} paid`,
    ],
    ["version", `${formatCount(summary.version)}, one for each block`],
    ["LtHash", summary.hashes.global],
    ["Merkle root", summary.root],
    ["rows", verification.databases.map(({ name, rows }) => `${name} ${formatCount(rows)}`).join(", ")],
    ["proved", provedText(verification.trie)],
    ["durable commits", `${colors.bold(formatRate(summary.commitsPerSecond))}, each durable before the next`],
    [
      "time",
      `${formatDuration(summary.busyMs)} committing, ${formatDuration(summary.elapsedMs)} with all restarts and audits`,
    ],
    ["crashes", `${crashes.length} by SIGKILL`],
    [
      "recovery",
      crashes.length === 0 ? "none needed" : crashes.map(({ recoveryMs }) => formatDuration(recoveryMs)).join(", "),
    ],
    [
      "audited",
      `version, hash and root of every commit, after each crash the hashes of all databases, and at the end every row and page (${formatDuration(verification.elapsedMs)})`,
    ],
  ]);
}

/** Microseconds are as fine as these times mean anything. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
