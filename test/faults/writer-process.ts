import path from "node:path";
import { LineProcess, type ReportedError } from "./line-process.js";
import type { WriterTask } from "./writer-task.js";

/** The compiled writer program; made by the run's global setup. */
export const WRITER_PROGRAM: string = path.resolve(".tmp", "faults", "writer-program.mjs");

export interface OpenReport {
  readonly firstLsn: number;
  readonly lastLsn: number;
  readonly recovery: Readonly<Record<string, unknown>>;
}

export interface FailureReport {
  readonly first: ReportedError;
  readonly others: readonly ReportedError[];
  readonly later: Readonly<Record<string, ReportedError>>;
}

/** What a writer process has said so far. Only what was read from it before a power cut counts as acknowledged. */
export class WriterProcess extends LineProcess {
  opened: OpenReport | undefined;
  verified: { readonly firstLsn: number; readonly lastLsn: number } | undefined;
  failed: FailureReport | undefined;
  done = false;
  /** The highest acknowledged LSN; 0 before the first. */
  acknowledgedLsn = 0;
  acknowledgements = 0;
  /** The highest LSN that `truncateBefore` was called with, and the highest with which it resolved. */
  truncationIssued = 0;
  truncationDone = 0;

  constructor(task: WriterTask, wrap: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
    super(WRITER_PROGRAM, task, wrap, env);
  }

  protected override hear(word: string, facts: string): void {
    if (word === "a") {
      this.acknowledgedLsn = Math.max(this.acknowledgedLsn, Number(facts));
      this.acknowledgements++;
    } else if (word === "T") this.truncationIssued = Math.max(this.truncationIssued, Number(facts));
    else if (word === "t") this.truncationDone = Math.max(this.truncationDone, Number(facts));
    else if (word === "open") this.opened = JSON.parse(facts) as OpenReport;
    else if (word === "verified") this.verified = JSON.parse(facts) as { firstLsn: number; lastLsn: number };
    else if (word === "refused") this.refused = JSON.parse(facts) as ReportedError;
    else if (word === "failed") this.failed = JSON.parse(facts) as FailureReport;
    else if (word === "done") this.done = true;
  }

  protected override said(): unknown {
    const { opened, refused, failed, acknowledgedLsn } = this;
    return { opened, refused, failed, acknowledgedLsn };
  }
}
