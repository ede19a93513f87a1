import path from "node:path";
import { LineProcess, type ReportedError } from "./line-process.js";

/** The compiled program; made by the run's global setup. */
export const MERKLE_PROGRAM: string = path.resolve(".tmp", "faults", "merkle-program.mjs");

/** What a process that has a Merkle store is told to do. */
export interface MerkleTask {
  readonly directory: string;
  readonly seed: number;
  /** This process; above those that wrote before it. */
  readonly generation: number;
  readonly checkpoint: "every-commit" | { readonly dirtyPagesMax?: number };
  readonly cacheBytes: number;
  readonly rollbacksPerMille: number;
  readonly afterwards: "write" | "close";
}

/** What a store is when a process has opened it. */
export interface MerkleReport {
  readonly sequence: number;
  /** Hexadecimal. */
  readonly root: string;
  /** Of all rows, by `digestOfRows`. */
  readonly digest: string;
  readonly problems: readonly string[];
  readonly redone: number;
}

/** Something that the process called or that resolved, in its order. */
export type MerkleEvent =
  | { readonly kind: "commit"; readonly serial: number }
  | { readonly kind: "rollback"; readonly commits: number }
  | { readonly kind: "resolved"; readonly sequence: number };

/** What a process with a Merkle store has said so far. Only what was read from it before a power cut counts as acknowledged. */
export class MerkleProcess extends LineProcess {
  readonly events: MerkleEvent[] = [];
  opened: MerkleReport | undefined;
  failed: { readonly first: ReportedError; readonly later: Readonly<Record<string, ReportedError>> } | undefined;
  acknowledgements = 0;

  constructor(task: MerkleTask) {
    super(MERKLE_PROGRAM, task, [], {});
  }

  protected override hear(word: string, facts: string): void {
    if (word === "i") this.events.push({ kind: "commit", serial: Number(facts) });
    else if (word === "r") this.events.push({ kind: "rollback", commits: Number(facts) });
    else if (word === "a" || word === "R") {
      this.events.push({ kind: "resolved", sequence: Number(facts) });
      this.acknowledgements++;
    } else if (word === "open") this.opened = JSON.parse(facts) as MerkleReport;
    else if (word === "refused") this.refused = JSON.parse(facts) as ReportedError;
    else if (word === "failed") this.failed = JSON.parse(facts) as MerkleProcess["failed"];
  }

  protected override said(): unknown {
    const { opened, refused, failed, acknowledgements } = this;
    return { opened, refused, failed, acknowledgements };
  }
}
