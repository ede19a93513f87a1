/** What the demo prints at its end, for people and as JSON. */
import type { VerifyReport } from "../../../log/index.js";
import { fieldLines, tableLines } from "../../table.js";
import type { Colors } from "../../terminal.js";
import { formatBytes, formatCount, formatDuration, formatPlural, formatRate } from "../../units.js";
import { type RankedAirport, busiestAirports } from "../airport-count.js";
import type { DatabaseRows } from "../state/state-audit.js";
import type { TrieContent } from "../state/trie-audit.js";
import { provedText } from "../state/trie-summary.js";
import type { StateHashes } from "../state/state-model.js";
import type { Audit } from "./audit.js";
import { flightBytes } from "../flight.js";
import type { LatencyHistogram } from "../latency.js";
import type { SyncsSaved } from "./separate-logs.js";
import type { NodeOpening } from "./node.js";
import type { NodeRunCounters } from "./write.js";

/** One kill and what came back. */
export interface NodeCrash {
  /** What was told to be durable when the process was gone. */
  readonly acknowledged: { readonly rounds: number; readonly flights: number };
  /** What was found in a copy of what was left. */
  readonly audit: Audit;
  /** What the next process found. */
  readonly reopened: NodeOpening;
  /** From the start of the next process to the open node in it: process start, loading of code, recovery. */
  readonly backAfterMs: number;
}

/** What the run amounts to. */
interface NodeResult {
  readonly crashes: readonly NodeCrash[];
  /** Summed over all processes. */
  readonly counters: NodeRunCounters;
  /** Wall time, restarts and audits included. */
  readonly elapsedMs: number;
  /** Of the commits that were acknowledged. */
  readonly latency: LatencyHistogram;
  readonly saved: SyncsSaved | undefined;
}

/** The JSON document of `holdfast demo --json`. */
export interface NodeSummary {
  readonly ok: true;
  readonly form: "node";
  /** Flights. */
  readonly records: number;
  readonly rounds: number;
  readonly blocks: number;
  readonly lanes: number;
  /** Events, checkpoints not counted. */
  readonly events: number;
  /** Blocks, certificates, anchors and events: what was appended, each durable before the next round. */
  readonly appends: number;
  /** Newest LSN of the shared log. */
  readonly lastLsn: number;
  /** Version of the state: one more than there are rounds. */
  readonly version: number;
  /** Checksums of the lattice hashes at that version, over all databases and of each. */
  readonly hashes: StateHashes;
  /** The Merkle root of all rows at that version, in hexadecimal. */
  readonly root: string;
  /** Flights in a round; the last may have fewer. */
  readonly roundFlights: number;
  readonly flush: "pool" | "inline";
  readonly seed: number;
  /** Bytes of all flights. */
  readonly flightBytes: number;
  /** Bytes that the processes reported to have written, with all that surrounds the flights. */
  readonly writtenBytes: number;
  /** Bytes that the log holds at the end, in groups. */
  readonly keptBytes: number;
  /** Flights over the time in which rounds were committed; restarts not included. */
  readonly flightsPerSecond: number;
  /** The same for `appends`. */
  readonly durableAppendsPerSecond: number;
  readonly busyMs: number;
  /** The part of `busyMs` in which the node waited for the flight file. */
  readonly sourceWaitMs: number;
  /** From the start of the first process to the end of the last, restarts and audits included. */
  readonly elapsedMs: number;
  /** Waits for the disk that the processes reported; what a killed one did after its last report is not in it. */
  readonly syncs: number;
  readonly syncsPerRound: number;
  /** Waits for the disk over the same few rounds without crashes: in the node, and with a log for each of its stores. Null where there is one round. */
  readonly comparedSyncs: SyncsSaved | null;
  /** How long rounds took to commit; the bounds are powers of two. */
  readonly commitLatency: LatencyHistogram["summary"] & { readonly bars: string };
  /** Checkpoints of the event log. */
  readonly checkpoints: number;
  readonly crashes: readonly {
    readonly acknowledgedRounds: number;
    readonly recoveredRounds: number;
    readonly acknowledgedFlights: number;
    readonly recoveredFlights: number;
    readonly cutBytes: number;
    readonly cutReason: string | null;
    /** Events applied to the newest checkpoint's state. */
    readonly replayedEvents: number;
    /** Where the commit store stood, and the checksum of its hash over all databases. */
    readonly version: number;
    readonly hash: string;
    /** The same of the Merkle store, and its root. */
    readonly trieVersion: number;
    readonly root: string;
    readonly recoveryMs: number;
    readonly backAfterMs: number;
    readonly auditMs: number;
  }[];
  readonly cutBytes: number;
  /** The last audit: what was still there was read and compared. */
  readonly verification: {
    readonly certificates: number;
    readonly blocks: number;
    /** Flights in the rounds that are kept, compared with the file byte for byte. */
    readonly flights: number;
    readonly events: number;
    /** Rows of the state, all of which were read. */
    readonly databases: readonly DatabaseRows[];
    /** Of the Merkle store: all that was read, and what it proved. */
    readonly trie: TrieContent;
    readonly elapsedMs: number;
    readonly sound: boolean;
  };
  readonly busiestAirports: readonly RankedAirport[];
  readonly airports: number;
  /** Null when it was removed. */
  readonly directory: string | null;
}

/** An audit that read all of the state. */
export type WholeAudit = Audit & { readonly trieContent: TrieContent };

/** Puts the results together. */
export function summarize(
  options: {
    readonly roundFlights: number;
    readonly flush: "pool" | "inline";
    readonly seed: number;
    readonly directory: string | undefined;
  },
  run: NodeResult,
  last: WholeAudit,
  structure: VerifyReport,
): NodeSummary {
  const { counters } = run;
  const { lanes, recoveries } = last.state;
  const events = last.rounds + lanes + recoveries;
  // A certificate and an anchor for each round.
  const appends = last.blocks + 2 * last.rounds + events;
  const perSecond = (count: number): number => (counters.busyMs > 0 ? Math.round((count / counters.busyMs) * 1000) : 0);
  return {
    ok: true,
    form: "node",
    records: last.flights,
    rounds: last.rounds,
    blocks: last.blocks,
    lanes,
    events,
    appends,
    lastLsn: structure.lastLsn,
    version: last.flatkv.version,
    hashes: last.flatkv.hashes,
    root: last.trie.root,
    roundFlights: options.roundFlights,
    flush: options.flush,
    seed: options.seed,
    flightBytes: last.flights * flightBytes,
    writtenBytes: counters.writtenBytes,
    keptBytes: structure.bytes,
    flightsPerSecond: perSecond(last.flights),
    durableAppendsPerSecond: perSecond(appends),
    busyMs: round(counters.busyMs),
    sourceWaitMs: round(counters.sourceWaitMs),
    elapsedMs: round(run.elapsedMs),
    syncs: counters.syncs,
    syncsPerRound: last.rounds === 0 ? 0 : round(counters.syncs / last.rounds),
    comparedSyncs: run.saved ?? null,
    commitLatency: { ...run.latency.summary, bars: run.latency.bars },
    checkpoints: counters.checkpoints,
    crashes: run.crashes.map(({ acknowledged, audit, reopened, backAfterMs }) => ({
      acknowledgedRounds: acknowledged.rounds,
      recoveredRounds: reopened.rounds,
      acknowledgedFlights: acknowledged.flights,
      recoveredFlights: reopened.flights,
      cutBytes: reopened.cutBytes,
      cutReason: reopened.cutReason ?? null,
      replayedEvents: reopened.replayedEvents,
      version: audit.flatkv.version,
      hash: audit.flatkv.hashes.global,
      trieVersion: audit.trie.sequence,
      root: audit.trie.root,
      recoveryMs: round(reopened.recoveryMs),
      backAfterMs: round(backAfterMs),
      auditMs: round(audit.elapsedMs),
    })),
    cutBytes: run.crashes.reduce((sum, crash) => sum + crash.reopened.cutBytes, 0),
    verification: {
      certificates: last.certificatesRead,
      blocks: last.blocksRead,
      flights: last.flightsCompared,
      events: last.eventsRead,
      databases: last.databases,
      trie: last.trieContent,
      elapsedMs: round(last.elapsedMs),
      sound: structure.sound,
    },
    busiestAirports: busiestAirports(last.state.airports, 10),
    airports: last.state.airports.size,
    directory: options.directory ?? null,
  };
}

/** The summary for people. */
export function summaryLines(summary: NodeSummary, colors: Colors): string[] {
  const { crashes, verification } = summary;
  const list = (texts: readonly string[]): string => (texts.length === 0 ? "none" : texts.join(", "));
  const fields: (readonly [string, string])[] = [
    [
      "flights",
      `${formatCount(summary.records)} in ${formatPlural(summary.rounds, "round")}, shared log at LSN ${formatCount(summary.lastLsn)}`,
    ],
    [
      "records",
      `${formatPlural(summary.blocks, "block")} in ${formatPlural(summary.lanes, "lane")}, ${formatPlural(summary.rounds, "certificate")}, ` +
        `${formatPlural(summary.rounds, "anchor")}, ${formatPlural(summary.events, "event")}`,
    ],
    [
      "state",
      `version ${formatCount(summary.version)}, LtHash ${summary.hashes.global};\nMerkle root ${summary.root};\n` +
        `rows: ${verification.databases.map(({ name, rows }) => `${name} ${formatCount(rows)}`).join(", ")}`,
    ],
    ["proved", provedText(verification.trie)],
    [
      "bytes",
      `${formatBytes(summary.flightBytes)} of flights, ${formatBytes(summary.writtenBytes)} written, ${formatBytes(summary.keptBytes)} kept at the end`,
    ],
    [
      "durable appends",
      `${colors.bold(formatRate(summary.durableAppendsPerSecond))} with ${formatCount(summary.flightsPerSecond)} flights a second in them; each round durable before the next`,
    ],
    [
      "syncs",
      `${crashes.length > 0 ? "at least " : ""}${formatCount(summary.syncs)}: ${summary.syncsPerRound.toFixed(2)} a round, prunes and ${formatPlural(summary.checkpoints, "checkpoint")} included`,
    ],
    ...(summary.comparedSyncs === null ? [] : [savedField(summary.comparedSyncs)]),
    [
      "latency",
      `${formatPlural(summary.commitLatency.count, "round")} ${colors.cyan(summary.commitLatency.bars)} half of them within ${formatDuration(summary.commitLatency.p50Ms)}, 99 % within ${formatDuration(summary.commitLatency.p99Ms)}, all within ${formatDuration(summary.commitLatency.maxMs)}`,
    ],
    [
      "time",
      `${formatDuration(summary.busyMs)} committing, ${formatDuration(summary.elapsedMs)} with all restarts and audits`,
    ],
    ["crashes", `${crashes.length} by SIGKILL, ${formatBytes(summary.cutBytes)} of torn tail cut`],
    ["recovery", list(crashes.map((crash) => formatDuration(crash.recoveryMs)))],
    ["replayed", `${list(crashes.map((crash) => formatCount(crash.replayedEvents)))} events on top of a checkpoint`],
    [
      "audited",
      summary.rounds === 0
        ? `the state's hashes and its root are those of a run without crashes, and its rows have them (${formatDuration(verification.elapsedMs)})`
        : `every round's hash, which covers those before it, is the one that the file gives; of what is kept at the end,\n` +
          `${formatPlural(verification.certificates, "certificate")}, ${formatPlural(verification.blocks, "block")}, ${formatPlural(verification.events, "event")} and the anchor are right, and ` +
          `${formatPlural(verification.flights, "flight")}\nare there once, in order, byte for byte; the state's hashes and its root are those of a run without crashes,\nand its rows have them (${formatDuration(verification.elapsedMs)})`,
    ],
  ];
  const lines = fieldLines(summary.rounds > 0 ? fields : fields.filter(([name]) => !fieldsOfRounds.has(name)));
  const ranking = tableLines(
    [
      { head: "", align: "end" },
      { head: "airport", align: "start" },
      { head: "flights", align: "end" },
    ],
    summary.busiestAirports.map(({ airport, flights }, index) => [String(index + 1), airport, formatCount(flights)]),
  );
  if (summary.airports === 0) return lines;
  return [
    ...lines,
    "",
    `Busiest of ${summary.airports} airports (departures and arrivals), from the event log's state; the same from the file:`,
    ...ranking.slice(1),
  ];
}

/** What says nothing where there are no rounds. */
const fieldsOfRounds = new Set(["flights", "records", "bytes", "durable appends", "syncs", "latency"]);

function savedField({ rounds, together, separate }: SyncsSaved): [string, string] {
  const perRound = (syncs: number): string => (syncs / rounds).toFixed(2);
  return [
    "one batch",
    `${perRound(together)} waits for the disk a round; ${perRound(separate)} with a log for each store, counted over ${formatPlural(rounds, "round")} of the same flights,\nprunes included: ${perRound(separate - together)} a round saved`,
  ];
}

/** Microseconds are as fine as these times mean anything. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
