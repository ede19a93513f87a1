/** Which operations of the simulated disk fail, and how. */
import type { SyncFailure } from "./file-state.js";

/** What a program can ask of the simulated disk. `"write"` includes `writeNow`. */
export type SimOperation =
  | "open"
  | "read"
  | "write"
  | "sync-data"
  | "truncate"
  | "preallocate"
  | "size"
  | "make-directory"
  | "list"
  | "stat"
  | "rename"
  | "remove"
  | "remove-directory"
  | "sync-directory"
  | "lock";

/** How one operation fails. */
export interface Fault {
  /** The errno name of the `IoError`. Absent: the operation lies, it reports success and makes nothing durable. */
  readonly errno?: string;
  /** For `"write"`: how many bytes were written before the error. Default 0. */
  readonly writtenBytes?: number;
  /**
   * For `"sync-data"`, and for a write to a file with `durableWrites` (which then fails in its sync): what becomes of the
   * bytes. Default `{ pages: "kept", reached: "none" }` for syncs; a durable write without it fails as a write.
   */
  readonly sync?: SyncFailure;
}

/** A fault and when it strikes. */
export interface FaultRule extends Fault {
  /** Operations of this kind; default any. */
  readonly operation?: SimOperation;
  /** Operations on a path that contains this text, or matches; default any. */
  readonly path?: string | RegExp;
  /** Strikes at the `at`-th matching operation, counted from 1. Default 1. */
  readonly at?: number;
  /** Keeps striking from then on. Default false. */
  readonly sticky?: boolean;
  /** A sticky fault (a full disk) ends when a file is removed. Default false. */
  readonly healsOnRemove?: boolean;
}

/** A list of rules with their counters. Use one plan for one run. */
export class FaultPlan {
  readonly #rules: { readonly rule: FaultRule; seen: number; healed: boolean }[];
  /** How many operations were struck. */
  injected = 0;
  /** The operation struck first, for reports. */
  first: { readonly operation: SimOperation; readonly path: string } | undefined;

  constructor(rules: readonly FaultRule[]) {
    this.#rules = rules.map((rule) => ({ rule, seen: 0, healed: false }));
  }

  /** The fault for the next operation, if one strikes. Counts the operation. */
  next(operation: SimOperation, path: string): Fault | undefined {
    let fault: Fault | undefined;
    for (const entry of this.#rules) {
      const { rule } = entry;
      if (operation === "remove" && rule.healsOnRemove === true && entry.seen >= (rule.at ?? 1)) entry.healed = true;
      if (rule.operation !== undefined && rule.operation !== operation) continue;
      if (rule.path !== undefined && !(typeof rule.path === "string" ? path.includes(rule.path) : rule.path.test(path)))
        continue;
      entry.seen++;
      if (entry.healed || fault !== undefined) continue;
      const at = rule.at ?? 1;
      if (entry.seen === at || (rule.sticky === true && entry.seen > at)) fault = rule;
    }
    if (fault !== undefined) {
      this.injected++;
      this.first ??= { operation, path };
    }
    return fault;
  }
}
