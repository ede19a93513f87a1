/** Which faults an operation can have. */
import { InvalidArgumentError } from "../base/index.js";
import type { Fault, SimOperation } from "../vfs/index.js";

/** One operation of a fault-free run. */
export interface SeenOperation {
  readonly operation: SimOperation;
  readonly path: string;
  readonly durable: boolean;
  /** The how-manyth operation of its kind it is, from 1. */
  readonly ofKind: number;
}

/** One way in which one operation fails. */
export interface FaultCase {
  /** For ids: `EIO`, `ENOSPC+sticky`, `EIO+kept-part`, … */
  readonly label: string;
  readonly fault: Fault;
  readonly sticky: boolean;
}

/** The errnos that are tried for each operation. */
export const DEFAULT_ERRNOS: Readonly<Record<SimOperation, readonly string[]>> = {
  open: ["EIO", "EMFILE", "EACCES", "ENOSPC", "EROFS"],
  read: ["EIO"],
  write: ["EIO", "ENOSPC", "EDQUOT", "EFBIG"],
  "sync-data": ["EIO", "ENOSPC", "EDQUOT"],
  truncate: ["EIO", "ENOSPC", "EROFS"],
  preallocate: ["EIO", "ENOSPC", "EFBIG"],
  size: ["EIO"],
  "make-directory": ["EIO", "ENOSPC", "EACCES", "EROFS"],
  list: ["EIO", "EMFILE"],
  stat: ["EIO", "EACCES"],
  rename: ["EIO", "ENOSPC", "EROFS"],
  remove: ["EIO", "EACCES", "EROFS"],
  "remove-directory": ["EIO", "EACCES", "EROFS"],
  "sync-directory": ["EIO", "ENOSPC"],
  lock: ["EIO", "EMFILE", "EACCES", "EROFS"],
};

const SYNC_FAILURES = [
  { pages: "kept", reached: "none" },
  { pages: "kept", reached: "part" },
  { pages: "reverted", reached: "none" },
  { pages: "reverted", reached: "part" },
] as const;
/** Bytes that a short write gets done before its error. Not a whole number of sectors, so that one is half written. */
const SHORT_WRITE_BYTES = 100;

/** Every way in which an operation may fail. */
export function faultCases(
  seen: SeenOperation,
  errnos: Readonly<Partial<Record<SimOperation, readonly string[]>>>,
): FaultCase[] {
  const cases: FaultCase[] = [];
  for (const errno of errnos[seen.operation] ?? DEFAULT_ERRNOS[seen.operation]) {
    for (const sticky of [false, true]) {
      const label = `${errno}${sticky ? "+sticky" : ""}`;
      const syncs = seen.operation === "sync-data" || (seen.operation === "write" && seen.durable);
      if (seen.operation !== "sync-data") cases.push({ label, fault: { errno }, sticky });
      if (seen.operation === "write" && !sticky)
        cases.push({ label: `${label}+short`, fault: { errno, writtenBytes: SHORT_WRITE_BYTES }, sticky });
      // What becomes of the pages does not depend on the errno, so only the first one is tried with all four outcomes.
      const outcomes = errno === "EIO" ? SYNC_FAILURES : SYNC_FAILURES.slice(0, 1);
      if (syncs)
        for (const sync of outcomes)
          cases.push({ label: `${label}+${sync.pages}-${sync.reached}`, fault: { errno, sync }, sticky });
    }
  }
  return cases;
}

/** Where a fault strikes, and what happens to the disk afterwards. */
export interface FaultId {
  readonly seed: number;
  readonly steps: number | undefined;
  /** Undefined: the workload is struck. Otherwise the recovery from a crash at this moment of it. */
  readonly point: number | undefined;
  /** The how-manyth operation fails, from 1. */
  readonly operation: number;
  readonly label: string;
  /** `reopen`, `reopen-cut`, `cut-nothing`, `cut-all`, `cut-<n>`; `run` when the struck run itself fails. */
  readonly after: string;
}

/** `seed[/steps]:fault:operation:case:after`, or `…:fault-recovery:point:operation:case:after`. */
export function formatFaultId(id: FaultId): string {
  const seed = id.steps === undefined ? `${id.seed}` : `${id.seed}/${id.steps}`;
  const where = id.point === undefined ? "fault" : `fault-recovery:${id.point}`;
  return `${seed}:${where}:${id.operation}:${id.label}:${id.after}`;
}

/** Reads a fault id. `InvalidArgumentError` when it is not one. */
export function parseFaultId(text: string): FaultId {
  const match =
    /^(\d{1,15})(?:\/(\d{1,9}))?:(?:fault|fault-recovery:(\d{1,9})):(\d{1,9}):([A-Za-z+-]+):([a-z0-9-]+)$/.exec(
      text.trim(),
    );
  if (match === null) {
    throw new InvalidArgumentError(
      "HF_INVALID_ARGUMENT",
      `${JSON.stringify(text)} is not a fault. One looks like 1:fault:17:EIO+sticky:reopen.`,
      { argument: "id" },
    );
  }
  const optional = (digits: string | undefined): number | undefined =>
    digits === undefined ? undefined : Number(digits);
  return {
    seed: Number(match[1]),
    steps: optional(match[2]),
    point: optional(match[3]),
    operation: Number(match[4]),
    label: match[5] as string,
    after: match[6] as string,
  };
}
