/** What `expected.json` says of each golden directory. */
import { createHash } from "node:crypto";
import type { TornMode } from "../../src/log/index.js";

export interface ExpectedRecord {
  readonly lsn: number;
  readonly type: number;
  readonly payloadBytes: number;
  readonly payloadSha256: string;
}

/** A record as `expected.json` tells it. */
export function expectedRecord(lsn: number, type: number, payload: Uint8Array): ExpectedRecord {
  return { lsn, type, payloadBytes: payload.length, payloadSha256: createHash("sha256").update(payload).digest("hex") };
}

export interface ExpectedLog {
  readonly directory: string;
  readonly torn: TornMode;
  readonly blockBytes: number;
  readonly segmentBytes: number;
  readonly firstLsn: number;
  readonly lastLsn: number;
  /** It was closed cleanly. */
  readonly clean: boolean;
  /** Its last write was torn and was never acknowledged. */
  readonly cutsTail: boolean;
  readonly records: readonly ExpectedRecord[];
}
