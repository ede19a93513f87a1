/** Checkpoints in the log: what one is, and how the newest are found without a scan. */
import type { Journal, LogRecord } from "../log/index.js";
import { foreignRecord } from "./errors.js";
import {
  CHECKPOINT_TYPE,
  type CheckpointBody,
  EVENT_ID_MAX,
  type RecordHeader,
  decodeCheckpoint,
  isBookkeeping,
  parseHeader,
} from "./format.js";

/** A checkpoint, as its record says. */
export interface StoredCheckpoint extends CheckpointBody {
  readonly lsn: number;
  /** Version of its snapshot; 0 without one. */
  readonly version: number;
}

/** The header of a record, or the error for what is none. */
export function headerOf(record: LogRecord): RecordHeader {
  const header = parseHeader(record.payload);
  if (header.kind === "header" && record.type >= 1 && header.back < record.lsn) return header;
  throw foreignRecord(record.lsn, record.type, header.kind === "newer" ? header.layout : undefined);
}

/**
 * The newest checkpoints, the newest first: up to `countMax`, and the newest one with a snapshot where that is further back.
 *
 * Every record says how far back the newest checkpoint before it is. So the newest of all is one step from the last record, and each of the others one
 * step from the one after it, however much stands between them; nothing beside the log has to be kept, and nothing can disagree with it.
 */
export async function findCheckpoints(journal: Journal, countMax: number): Promise<StoredCheckpoint[]> {
  const found: StoredCheckpoint[] = [];
  if (journal.lastLsn < journal.firstLsn) return found;
  const last = await recordAt(journal, journal.lastLsn);
  if (last === undefined) return found;
  const { back } = headerOf(last);
  if (last.type > EVENT_ID_MAX && !isBookkeeping(last.type)) throw foreignRecord(last.lsn, last.type);
  let lsn = last.type === CHECKPOINT_TYPE ? last.lsn : back === 0 ? 0 : last.lsn - back;
  while (lsn >= journal.firstLsn && found.length < countMax) {
    const { checkpoint, previousLsn } = await readCheckpoint(journal, lsn);
    found.push(checkpoint);
    lsn = previousLsn;
  }
  const snapshotLsn = found[0]?.snapshotLsn ?? 0;
  if (snapshotLsn >= journal.firstLsn && !found.some(({ lsn }) => lsn === snapshotLsn))
    found.push((await readCheckpoint(journal, snapshotLsn)).checkpoint);
  return found;
}

async function readCheckpoint(
  journal: Journal,
  lsn: number,
): Promise<{ checkpoint: StoredCheckpoint; previousLsn: number }> {
  const record = await recordAt(journal, lsn);
  if (record === undefined || record.type !== CHECKPOINT_TYPE) throw foreignRecord(lsn, record?.type ?? 0);
  const { version, back, bodyStart } = headerOf(record);
  const body = decodeCheckpoint(record.payload.subarray(bodyStart), lsn);
  if (body === undefined || (body.snapshotLsn === lsn) !== version > 0) throw foreignRecord(lsn, record.type);
  return { checkpoint: { lsn, version, ...body }, previousLsn: back === 0 ? 0 : lsn - back };
}

/** One record. Not by `get`, which reads small pieces: what leads to it may be long, and is walked once. */
async function recordAt(journal: Journal, lsn: number): Promise<LogRecord | undefined> {
  for await (const record of journal.read({ from: lsn, to: lsn })) return record;
  return undefined;
}
