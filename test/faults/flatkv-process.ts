import path from "node:path";
import type { FlatKvTask, StoreReport } from "./flatkv-task.js";
import { LineProcess, type ReportedError } from "./line-process.js";

/** The compiled program; made by the run's global setup. */
export const FLATKV_PROGRAM: string = path.resolve(".tmp", "faults", "flatkv-program.mjs");

/** Something that the process called or that resolved, in its order. */
export type FlatKvEvent =
  | { readonly kind: "commit"; readonly version: number; readonly serial: number }
  | { readonly kind: "rollback"; readonly version: number }
  | { readonly kind: "import" }
  | { readonly kind: "resolved" };

/** What a process with a commit store has said so far. Only what was read from it before a power cut counts as acknowledged. */
export class FlatKvProcess extends LineProcess {
  readonly events: FlatKvEvent[] = [];
  readonly looks: Omit<StoreReport, "recovery">[] = [];
  opened: StoreReport | undefined;
  failed: { readonly first: ReportedError; readonly later: Readonly<Record<string, ReportedError>> } | undefined;
  done = false;
  exportedVersion: number | undefined;
  acknowledgements = 0;
  rollbacks = 0;
  snapshots = 0;
  busy = 0;
  /** What is on its way: nothing, or what was called last. */
  doing: "nothing" | "commit" | "rollback" | "snapshot" | "import" = "nothing";

  constructor(task: FlatKvTask, wrap: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
    super(FLATKV_PROGRAM, task, wrap, env);
  }

  protected override hear(word: string, facts: string): void {
    const called = { i: "commit", r: "rollback", s: "snapshot", m: "import" } as const;
    this.doing = word in called ? called[word as keyof typeof called] : "nothing";
    if (word === "i")
      this.events.push({ kind: "commit", ...(JSON.parse(facts) as { version: number; serial: number }) });
    else if (word === "r") this.events.push({ kind: "rollback", version: Number(facts) });
    else if (word === "m") this.events.push({ kind: "import" });
    else if (word === "a" || word === "R" || word === "M") this.events.push({ kind: "resolved" });
    else if (word === "open") this.opened = JSON.parse(facts) as StoreReport;
    else if (word === "refused") this.refused = JSON.parse(facts) as ReportedError;
    else if (word === "failed") this.failed = JSON.parse(facts) as FlatKvProcess["failed"];
    else if (word === "exported") this.exportedVersion = Number(facts);
    else if (word === "look") this.looks.push(JSON.parse(facts) as StoreReport);
    else if (word === "done") this.done = true;
    if (word === "a") this.acknowledgements++;
    else if (word === "R") this.rollbacks++;
    else if (word === "S") this.snapshots++;
    else if (word === "busy") this.busy++;
  }

  protected override said(): unknown {
    const { opened, refused, failed, doing, acknowledgements } = this;
    return { opened, refused, failed, doing, acknowledgements };
  }
}
