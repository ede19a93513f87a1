/** What the writer process tells its supervisor: one JSON document per line on its stdout. */
import type { ExitCode } from "../exit-code.js";

/** How a log was opened, as the demo shows it. */
export interface ReopenReport {
  readonly lastLsn: number;
  readonly clean: boolean;
  readonly epoch: number;
  readonly keptRecords: number;
  readonly cutBytes: number;
  readonly cutReason: string | undefined;
  readonly recoveryMs: number;
}

/** Counters of one writer process, from its start. */
export interface WriterCounters {
  /** Groups written. */
  readonly groups: number;
  /** Synced writes to the device. */
  readonly syncs: number;
  /** Time since the first append. */
  readonly appendMs: number;
  /** The part of it in which the appends waited for the flight file. */
  readonly sourceWaitMs: number;
}

/** One message. */
export type WriterMessage =
  | { readonly kind: "opened"; readonly report: ReopenReport }
  /** Every flight up to `lsn` is durable: its append has resolved. */
  | { readonly kind: "acknowledged"; readonly lsn: number; readonly counters: WriterCounters }
  /** All flights are durable; the log stays open until the supervisor says `close`. */
  | { readonly kind: "finished" }
  | { readonly kind: "failed"; readonly code: string; readonly message: string; readonly exitCode: ExitCode };

/** The line that a supervisor writes to have the log closed. */
export const closeRequest = "close";

/** Cuts a stream of text into messages. A line that a kill cut short never comes out. */
export class MessageDecoder {
  #rest = "";

  push(text: string): WriterMessage[] {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    return lines.map((line) => JSON.parse(line) as WriterMessage);
  }
}
