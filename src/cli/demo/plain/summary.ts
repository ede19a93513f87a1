/** What the demo prints at its end, for people and as JSON. */
import type { VerifyReport } from "../../../log/index.js";
import { fieldLines, tableLines } from "../../table.js";
import type { Colors } from "../../terminal.js";
import { formatBytes, formatCount, formatDuration, formatRate } from "../../units.js";
import { type RankedCount, rank } from "../counts.js";
import type { FlightVerification } from "./verification.js";
import type { PlainCounters, PlainOpening } from "./write.js";

/** One kill and what came back. */
export interface PlainCrash {
  /** Flights that were told to be durable when the process was gone. */
  readonly acknowledged: number;
  /** What the next process found. */
  readonly reopened: PlainOpening;
  /** From the start of the next process to the open log in it: process start, loading of code, recovery. */
  readonly backAfterMs: number;
}

/** What the run amounts to. */
interface PlainResult {
  readonly crashes: readonly PlainCrash[];
  /** Summed over all processes. */
  readonly counters: PlainCounters;
  /** Wall time, restarts included. */
  readonly elapsedMs: number;
}

/** The JSON document of `holdfast demo --plain --json`. */
export interface PlainSummary {
  readonly ok: true;
  readonly form: "plain";
  readonly records: number;
  /** Payload bytes of all flights. */
  readonly payloadBytes: number;
  /** Bytes of the log's groups: payload, headers and padding. */
  readonly groupBytes: number;
  readonly lastLsn: number;
  readonly writers: number;
  readonly flush: "pool" | "inline";
  readonly seed: number;
  /** Flights over the time in which appends were under way; restarts not included. */
  readonly durableAppendsPerSecond: number;
  readonly appendMs: number;
  /** The part of `appendMs` in which the writers waited for the flight file. */
  readonly sourceWaitMs: number;
  /** From the start of the first writer to the close of the last, restarts included. */
  readonly elapsedMs: number;
  /** Groups in the log. */
  readonly groups: number;
  /** Durable writes that the writers reported; what a killed one did after its last report is not in it. */
  readonly syncs: number;
  readonly crashes: readonly {
    readonly acknowledged: number;
    readonly recoveredLsn: number;
    readonly keptRecords: number;
    readonly cutBytes: number;
    readonly cutReason: string | null;
    readonly recoveryMs: number;
    readonly backAfterMs: number;
  }[];
  readonly cutBytes: number;
  readonly verification: {
    readonly records: number;
    readonly bytes: number;
    readonly elapsedMs: number;
    readonly sound: boolean;
  };
  readonly busiest: readonly RankedCount[];
  readonly airports: number;
  /** Null when it was removed. */
  readonly directory: string | null;
}

/** Puts the results together. */
export function summarize(
  options: {
    readonly writers: number;
    readonly flush: "pool" | "inline";
    readonly seed: number;
    readonly directory: string | undefined;
  },
  run: PlainResult,
  flights: FlightVerification,
  structure: VerifyReport,
): PlainSummary {
  const { counters } = run;
  return {
    ok: true,
    form: "plain",
    records: flights.records,
    payloadBytes: flights.bytes,
    groupBytes: structure.bytes,
    lastLsn: structure.lastLsn,
    writers: options.writers,
    flush: options.flush,
    seed: options.seed,
    durableAppendsPerSecond: counters.appendMs > 0 ? Math.round((flights.records / counters.appendMs) * 1000) : 0,
    appendMs: round(counters.appendMs),
    sourceWaitMs: round(counters.sourceWaitMs),
    elapsedMs: round(run.elapsedMs),
    groups: structure.groups,
    syncs: counters.syncs,
    crashes: run.crashes.map(({ acknowledged, reopened, backAfterMs }) => ({
      acknowledged,
      recoveredLsn: reopened.flights,
      keptRecords: reopened.keptRecords,
      cutBytes: reopened.cutBytes,
      cutReason: reopened.cutReason ?? null,
      recoveryMs: round(reopened.recoveryMs),
      backAfterMs: round(backAfterMs),
    })),
    cutBytes: run.crashes.reduce((sum, crash) => sum + crash.reopened.cutBytes, 0),
    verification: {
      records: flights.records,
      bytes: flights.bytes,
      elapsedMs: round(flights.elapsedMs),
      sound: structure.sound,
    },
    busiest: rank(flights.airports, 10),
    airports: flights.airports.size,
    directory: options.directory ?? null,
  };
}

/** The summary for people. */
export function summaryLines(summary: PlainSummary, colors: Colors): string[] {
  const { crashes } = summary;
  const perGroup = summary.groups > 0 ? summary.records / summary.groups : 0;
  const lines = fieldLines([
    ["flights", `${formatCount(summary.records)}, each one durable record (LSN 1 to ${formatCount(summary.lastLsn)})`],
    [
      "bytes",
      `${formatBytes(summary.payloadBytes)} of payload, ${formatBytes(summary.groupBytes)} in the log with headers and padding`,
    ],
    [
      "durable appends",
      `${colors.bold(formatRate(summary.durableAppendsPerSecond))} from ${formatCount(summary.writers)} concurrent writers`,
    ],
    [
      "groups",
      `${formatCount(summary.groups)}, ${perGroup.toFixed(1)} flights each; ${crashes.length > 0 ? "at least " : ""}${formatCount(summary.syncs)} synced writes`,
    ],
    ["time", `${formatDuration(summary.appendMs)} appending, ${formatDuration(summary.elapsedMs)} with all restarts`],
    ["crashes", `${crashes.length} by SIGKILL, ${formatBytes(summary.cutBytes)} of torn tail cut`],
    [
      "recovery",
      crashes.length === 0 ? "none needed" : crashes.map((crash) => formatDuration(crash.recoveryMs)).join(", "),
    ],
    ["verified", `every flight, once, in order, byte for byte, in ${formatDuration(summary.verification.elapsedMs)}`],
  ]);
  const ranking = tableLines(
    [
      { head: "", align: "end" },
      { head: "airport", align: "start" },
      { head: "flights", align: "end" },
    ],
    summary.busiest.map(({ name, count }, index) => [String(index + 1), name, formatCount(count)]),
  );
  return [
    ...lines,
    "",
    `Busiest of ${summary.airports} airports (departures and arrivals), from the log; the same from the file:`,
    ...ranking.slice(1),
  ];
}

/** Microseconds are as fine as these times mean anything. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
