/** Checking a whole log, byte by byte, without changing it. */
import { CorruptionError, LockedError, checkOptions, invalid } from "../base/index.js";
import type { Vfs } from "../vfs/index.js";
import { GROUP_HEADER_BYTES } from "./format.js";
import { GroupScanner, type ScannedGroup } from "./group-scanner.js";
import { LogDirectory } from "./log-directory.js";
import { LogReader } from "./log-reader.js";
import { vfsOf } from "./options.js";
import { type ReadableFile, openOverlaid } from "./overlay-file.js";
import { RecordBatch } from "./record-batch.js";
import { checkAnchoredGroup, decideTail, findTail } from "./recovery.js";
import { missingSegment, readSegmentHeader } from "./segment-file.js";
import type { Segment } from "./segment-table.js";
import type { LogState } from "./state.js";
import { type LogProblem, problemOf, surveyLog } from "./survey.js";

/** How far a long check got. */
export interface VerifyProgress {
  readonly segments: number;
  readonly segmentsTotal: number;
  readonly bytes: number;
  readonly records: number;
}

/** Options of `verifyLog`. */
export interface VerifyOptions {
  /** The file system. Default: the real one. */
  readonly vfs?: Vfs;
  /** Aborts with `signal.reason`. */
  readonly signal?: AbortSignal;
  /** Called a few times a second at most, and at the end of each segment. */
  readonly onProgress?: (progress: VerifyProgress) => void;
}

/** What a check found. */
export interface VerifyReport {
  readonly directory: string;
  /** Every record that was ever acknowledged and not dropped is there, as it was. */
  readonly sound: boolean;
  readonly problems: readonly LogProblem[];
  readonly segments: number;
  readonly groups: number;
  readonly records: number;
  /** Bytes of groups that were read and checked. */
  readonly bytes: number;
  readonly firstLsn: number;
  /** Newest LSN found sound. */
  readonly lastLsn: number;
  /** A writer holds the log: what it was writing meanwhile was not looked at. */
  readonly besideWriter: boolean;
  /** Bytes of an unacknowledged tail that the next opening will cut. */
  readonly tornTailBytes: number;
}

/** So often a check beside a writer is repeated when it finds something. */
const LOOKS_MAX = 3;

interface Totals {
  groups: number;
  records: number;
  bytes: number;
  lastLsn: number;
  tornTailBytes: number;
}

/**
 * Checks every byte of the log in `directory`: anchor, headers, each group's checksums, order, chain and padding. Takes the lock where it can, so
 * that nothing moves meanwhile; beside a live writer it checks what was acknowledged when it began. Errors: `InvalidArgumentError` where there is no
 * log, `IoError` where a file can't be read. Damage is no error but a problem in the report.
 */
export async function verifyLog(path: string, options?: VerifyOptions): Promise<VerifyReport> {
  const where = "verifyLog";
  const { vfs: given, signal, onProgress } = checkOptions(where, options, ["vfs", "signal", "onProgress"]);
  if (typeof path !== "string" || path === "") throw invalid(where, "directory", path, "a path");
  const directory = new LogDirectory(vfsOf(given), path);
  await surveyLog(directory, where);
  const lock = await directory.vfs.lock(directory.lock).catch((error: unknown) => {
    if (error instanceof LockedError) return undefined;
    throw error;
  });
  try {
    for (let looks = 1; ; looks++) {
      const report = await verifyBooks(directory, { besideWriter: lock === undefined, signal, onProgress });
      // Beside a writer a segment may be pruned between two of our reads: a problem counts only if it is there at the next look too.
      if (report.sound || lock !== undefined || looks === LOOKS_MAX) return report;
    }
  } finally {
    await lock?.release();
  }
}

/** How `verifyBooks` checks. */
export interface VerifyCourse {
  /** Nobody holds the writer still. */
  readonly besideWriter: boolean;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: VerifyOptions["onProgress"] | undefined;
}

/** The check itself, for callers that hold the lock or can't. */
export async function verifyBooks(directory: LogDirectory, course: VerifyCourse): Promise<VerifyReport> {
  const { state, table, problems: found } = await surveyLog(directory, "verifyLog");
  const problems = [...found];
  const totals: Totals = { groups: 0, records: 0, bytes: 0, lastLsn: (state?.firstLsn ?? 1) - 1, tornTailBytes: 0 };
  const all = table?.all ?? [];
  const report = (segments: number): void =>
    course.onProgress?.({ segments, segmentsTotal: all.length, bytes: totals.bytes, records: totals.records });
  let chain: number | undefined;
  for (const [index, segment] of all.entries()) {
    const onGroup = throttled(directory.vfs, () => report(index));
    try {
      await verifySegment(directory, state!, segment, {
        ...course,
        chain,
        isActive: segment === table?.active,
        totals,
        problems,
        onGroup,
      });
    } catch (error) {
      if (course.signal?.aborted === true) throw error;
      problems.push(
        problemOf(missingSegment(segment.path, segment.number, segment.firstLsn, error) ?? error, segment.path),
      );
    }
    ({ chain } = segment);
    report(index + 1);
  }
  return {
    directory: directory.path,
    sound: problems.every(({ harmless }) => harmless),
    problems,
    segments: all.length,
    groups: totals.groups,
    records: totals.records,
    bytes: totals.bytes,
    firstLsn: state?.firstLsn ?? 1,
    lastLsn: totals.lastLsn,
    besideWriter: course.besideWriter,
    tornTailBytes: totals.tornTailBytes,
  };
}

interface SegmentCheck extends VerifyCourse {
  /** Header checksum of the last group of the segment before; `undefined` for the first. */
  readonly chain: number | undefined;
  readonly isActive: boolean;
  readonly totals: Totals;
  readonly problems: LogProblem[];
  readonly onGroup: () => void;
}

/** Checks one segment from its first group to its end. */
async function verifySegment(
  directory: LogDirectory,
  state: LogState,
  segment: Segment,
  check: SegmentCheck,
): Promise<void> {
  const { totals } = check;
  // A clean log needs no images, and old ones must not be laid over it.
  const crashed = check.isActive && !state.clean && !check.besideWriter;
  const file = crashed
    ? await openOverlaid(directory.vfs, segment, directory.doubleWrite)
    : await directory.vfs.open(segment.path, { access: "read" });
  try {
    await readSegmentHeader(file, segment, state);
    const end = check.isActive ? await activeEnd(directory, file, segment, state, check) : segment.end;
    const scanner = new GroupScanner(file, {
      format: segment,
      torn: state.torn,
      blockBytes: state.blockBytes,
      offset: state.blockBytes,
      lsn: segment.firstLsn,
      chain: check.chain,
      end,
      epochMin: 0,
      epochMax: state.epoch,
      reuseBuffer: true,
      checkPadding: true,
    });
    for (;;) {
      check.signal?.throwIfAborted();
      const step = await scanner.next();
      if (step.kind === "bad") throw new CorruptionError({ path: segment.path, ...step });
      if (step.kind === "end") break;
      const batch = RecordBatch.of(
        step,
        segment.path,
        Math.max(state.firstLsn, step.header.firstLsn),
        Number.MAX_SAFE_INTEGER,
      );
      totals.groups += 1;
      totals.records += batch?.count ?? 0;
      totals.bytes += step.end - step.offset;
      totals.lastLsn = scanner.lsn - 1;
      if (!step.paddingZero) check.problems.push(paddingProblem(segment, step));
      check.onGroup();
    }
    if (!check.isActive && scanner.chain !== undefined && scanner.chain !== segment.chain) {
      const { offset, lsn } = scanner;
      throw new CorruptionError({
        path: segment.path,
        offset,
        lsn,
        expected: "the last group that the next segment names",
        found: "another one",
      });
    }
  } finally {
    await file.close();
  }
}

/** Where the active segment's readable part ends; throws where its tail is damaged. */
async function activeEnd(
  directory: LogDirectory,
  file: ReadableFile,
  segment: Segment,
  state: LogState,
  check: SegmentCheck,
): Promise<number> {
  if (check.besideWriter) return await visibleEnd(directory, segment, state);
  await checkAnchoredGroup(file, segment, state);
  if (state.clean) return state.tail.offset;
  const findings = await findTail(directory, file, segment, state);
  const decision = decideTail(findings);
  if (decision.kind === "damaged") {
    check.problems.push(
      problemOf(
        new CorruptionError({
          path: segment.path,
          offset: findings.end.offset,
          lsn: findings.end.lsn,
          expected: decision.expected,
          found: decision.found,
        }),
        segment.path,
      ),
    );
  }
  check.totals.tornTailBytes = decision.kind === "cut" ? findings.trailingBytes : 0;
  return findings.end.offset;
}

/** How far a reader beside the writer may see into the active segment. */
async function visibleEnd(directory: LogDirectory, segment: Segment, state: LogState): Promise<number> {
  const reader = await LogReader.open(directory.path, { vfs: directory.vfs });
  try {
    const { number, end } = reader.position();
    return number === segment.number ? end : state.tail.offset;
  } finally {
    await reader.close();
  }
}

/** Padding is covered by no checksum; it is zeros, or something wrote there that should not. */
function paddingProblem(segment: Segment, group: ScannedGroup): LogProblem {
  return {
    path: segment.path,
    offset: group.offset + GROUP_HEADER_BYTES + group.header.bodyBytes,
    lsn: group.header.firstLsn,
    code: "HF_CORRUPTION",
    message: `The padding behind the group at byte ${group.offset} is not zero. No record is harmed.`,
    harmless: true,
  };
}

/** At most a few calls a second. */
function throttled(vfs: Vfs, act: () => void): () => void {
  let lastMs = vfs.nowMs();
  return () => {
    const nowMs = vfs.nowMs();
    if (nowMs - lastMs < 200) return;
    lastMs = nowMs;
    act();
  };
}
