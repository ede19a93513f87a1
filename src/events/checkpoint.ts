/** Checkpoints in the log: how the newest are found without a scan. */
import type { Journal, LogRecord } from "../log/index.js";
import { foreignRecord } from "./errors.js";
import {
  CHECKPOINT_TYPE,
  EVENT_ID_MAX,
  type RecordHeader,
  type StoredCheckpoint,
  decodeCheckpoints,
  isBookkeeping,
  parseHeader,
} from "./format.js";

/** The header of a record, or the error for what is none. */
export function headerOf(record: LogRecord): RecordHeader {
  const header = parseHeader(record.payload);
  if (header.kind === "header" && record.type >= 1 && header.back < record.lsn) return header;
  throw foreignRecord(record.lsn, record.type, header.kind === "newer" ? header.layout : undefined);
}

/** What a journal's newest records say. */
export interface FoundCheckpoints {
  /** The LSN behind the newest record. */
  readonly nextLsn: number;
  /** The newest checkpoint; 0 where there is none. */
  readonly newestLsn: number;
  /** It and those that were kept beside it, the newest first, as far as the journal reaches back. */
  readonly kept: readonly StoredCheckpoint[];
}

/**
 * The checkpoints that were kept when the newest one was taken.
 *
 * Every record says how far back the newest checkpoint before it is, and every checkpoint names those that are kept beside it. So two records tell
 * everything, however much stands between them; nothing beside the log has to be kept, and nothing can disagree with it.
 */
export async function findCheckpoints(journal: Journal): Promise<FoundCheckpoints> {
  const { firstLsn, lastLsn } = journal;
  const last = lastLsn < firstLsn ? undefined : await recordAt(journal, lastLsn);
  const nextLsn = lastLsn + 1;
  if (last === undefined) return { nextLsn, newestLsn: 0, kept: [] };
  const { back } = headerOf(last);
  if (last.type > EVENT_ID_MAX && !isBookkeeping(last.type)) throw foreignRecord(last.lsn, last.type);
  const newestLsn = last.type === CHECKPOINT_TYPE ? last.lsn : back === 0 ? 0 : last.lsn - back;
  if (newestLsn < firstLsn) return { nextLsn, newestLsn, kept: [] };
  const record = newestLsn === last.lsn ? last : await recordAt(journal, newestLsn);
  if (record === undefined || record.type !== CHECKPOINT_TYPE) throw foreignRecord(newestLsn, record?.type ?? 0);
  const kept = decodeCheckpoints(record.payload.subarray(headerOf(record).bodyStart), newestLsn);
  if (kept === undefined) throw foreignRecord(newestLsn, record.type);
  return { nextLsn, newestLsn, kept };
}

/** One record. Not by `get`, which reads small pieces: what leads to it may be long, and is walked once. */
async function recordAt(journal: Journal, lsn: number): Promise<LogRecord | undefined> {
  for await (const record of journal.read({ from: lsn, to: lsn })) return record;
  return undefined;
}
