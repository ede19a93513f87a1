/**
 * Walks through one segment file with bounded memory: a chunk, or one entry where that is larger.
 *
 * An entry that is cut off by the end of the last segment is a torn tail: a write that a crash stopped. Anywhere else, and anything that the
 * library does not write, is damage.
 */
import { CorruptionError, LimitError } from "../base/index.js";
import type { VfsFile } from "../vfs/index.js";
import {
  LENGTH_CUT,
  LENGTH_WRONG,
  type TidwallFormat,
  decodeJson,
  isTornJson,
  lengthBytes,
  lineEnd,
  readLength,
} from "./format.js";
import type { EmptyEntries } from "./options.js";

/** One entry. */
export interface TidwallEntry {
  readonly index: number;
  readonly data: Uint8Array;
  /** The segment file that it stands in. */
  readonly path: string;
  /** Where it starts in that file, in bytes, its length or line included. */
  readonly offset: number;
}

/** What a crash left at the end of the last segment. The library refuses to open such a directory, but for zeros in the binary format. */
export interface TornTail {
  readonly path: string;
  /** Where the sound entries end. */
  readonly offset: number;
  /** From there to the end of the file. */
  readonly bytes: number;
  /** `"entry"`: the beginning of an entry. `"zeros"`: nothing but zeros. */
  readonly kind: "entry" | "zeros";
}

/** What to scan, and how. */
export interface ScanPlan {
  readonly path: string;
  readonly firstIndex: number;
  readonly format: TidwallFormat;
  /** Where to stop: the file's size, or the start of its torn tail. */
  readonly end: number;
  /** The last segment, in which a tail may be torn. */
  readonly isLast: boolean;
  readonly emptyEntries: EmptyEntries;
  readonly entryBytesMax: number;
  /** Default 256 KiB. */
  readonly chunkBytes?: number;
}

/** How a scan ended. */
export interface ScanEnd {
  readonly nextIndex: number;
  readonly tornTail: TornTail | undefined;
}

/** One step: an entry, or how many bytes are needed to see the next one, or zeros where an entry without bytes would be. */
type Step = { readonly data: Uint8Array; readonly next: number } | { readonly needs: number } | "zero";

const ADVICE = "The library has no checksums and does not notice; restore a copy of the directory.";

/** Yields the entries, a chunk of them at a time; their data stay valid. Ends with what is behind them. */
export async function* scanSegment(file: VfsFile, plan: ScanPlan): AsyncGenerator<TidwallEntry[], ScanEnd, undefined> {
  const { path, end, entryBytesMax } = plan;
  const chunkBytes = plan.chunkBytes ?? 256 * 1024;
  let index = plan.firstIndex;
  let offset = 0;
  let carried = new Uint8Array(0);
  let wanted = chunkBytes;
  while (offset < end) {
    // A buffer of its own for each chunk, because the entries are views of it.
    const bytes = await fill(file, path, offset, carried, Math.min(wanted, end - offset));
    const entries: TidwallEntry[] = [];
    let at = 0;
    let step: Step = { needs: 1 };
    while (at < bytes.length) {
      step =
        plan.format === "json" ? stepJson(bytes, at, index, plan, offset) : stepBinary(bytes, at, index, plan, offset);
      if (step === "zero" || "needs" in step) break;
      entries.push({ index, data: step.data, path, offset: offset + at });
      index += 1;
      at = step.next;
    }
    if (entries.length > 0) yield entries;
    offset += at;
    carried = bytes.subarray(at);
    if (step === "zero") return await zeroTail(file, plan, offset, index);
    if (at === bytes.length) {
      wanted = chunkBytes;
    } else if ("needs" in step) {
      if (offset + bytes.length - at >= end) return cutOff(carried, plan, offset, index);
      if (plan.format === "json" && carried.length > lineBytesMax(entryBytesMax)) throw tooLarge(plan, offset, index);
      wanted = Math.max(chunkBytes, step.needs);
    }
  }
  return { nextIndex: index, tornTail: undefined };
}

/** Reads until `bytes` are there, the first of them `carried`. */
async function fill(
  file: VfsFile,
  path: string,
  offset: number,
  carried: Uint8Array,
  bytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const buffer = new Uint8Array(bytes);
  buffer.set(carried.subarray(0, bytes));
  const kept = Math.min(carried.length, bytes);
  const read = kept < bytes ? await file.read(buffer.subarray(kept), offset + kept) : 0;
  if (kept + read < bytes) {
    throw new CorruptionError({
      path,
      offset: offset + kept + read,
      expected: "a file that stays as long as it was",
      found: "its end",
      advice: "Something writes to the directory. Stop the program that does, and try again.",
    });
  }
  return buffer;
}

function stepBinary(bytes: Uint8Array, at: number, index: number, plan: ScanPlan, base: number): Step {
  const length = readLength(bytes, at);
  if (length === LENGTH_CUT) return { needs: bytes.length - at + 16 };
  if (length === LENGTH_WRONG) throw damage(plan, base + at, index, "its length", "bytes that are no length");
  if (length === 0 && plan.emptyEntries !== "keep") {
    if (plan.emptyEntries === "cut" && plan.isLast) return "zero";
    throw damage(
      plan,
      base + at,
      index,
      "its length",
      "a zero, which the library reads as an entry without bytes and a crash leaves behind",
      plan.isLast
        ? 'If the program wrote empty entries, read with emptyEntries "keep" (--empty-entries keep); if these are the zeros of a crash, with "cut".'
        : 'If the program wrote empty entries, read with emptyEntries "keep" (--empty-entries keep).',
    );
  }
  const start = at + lengthBytes(length);
  if (length > plan.entryBytesMax) {
    if (base + start + length <= plan.end) throw tooLarge(plan, base + at, index);
    throw damage(
      plan,
      base + at,
      index,
      `a length of at most ${plan.entryBytesMax}`,
      `${length}, past the end of the file`,
    );
  }
  if (start + length > bytes.length) return { needs: start + length - at };
  return { data: bytes.subarray(start, start + length), next: start + length };
}

function stepJson(bytes: Uint8Array, at: number, index: number, plan: ScanPlan, base: number): Step {
  const newline = lineEnd(bytes, at);
  if (newline === -1) return { needs: 2 * (bytes.length - at) };
  if (newline - at > lineBytesMax(plan.entryBytesMax)) throw tooLarge(plan, base + at, index);
  const data = decodeJson(bytes.subarray(at, newline), index);
  if (!(data instanceof Uint8Array)) throw damage(plan, base + at, index, "its line", data.wrong);
  if (data.length > plan.entryBytesMax) throw tooLarge(plan, base + at, index);
  return { data, next: newline + 1 };
}

/** The longest line of an entry: every byte escaped as `\u0000`, and what is around them. */
function lineBytesMax(entryBytesMax: number): number {
  return 6 * entryBytesMax + 64;
}

/** The file ends inside the entry that starts at `offset`. */
function cutOff(rest: Uint8Array, plan: ScanPlan, offset: number, index: number): ScanEnd {
  const torn = plan.isLast && (plan.format === "binary" || isTornJson(rest, index));
  if (!torn) throw damage(plan, offset, index, "all of it", `${rest.length} bytes and the end of the file`);
  const kind = rest.every((byte) => byte === 0) ? "zeros" : "entry";
  return { nextIndex: index, tornTail: { path: plan.path, offset, bytes: rest.length, kind } };
}

/** A zero at `offset` where zeros may only be a tail. */
async function zeroTail(file: VfsFile, plan: ScanPlan, offset: number, index: number): Promise<ScanEnd> {
  const buffer = new Uint8Array(64 * 1024);
  for (let at = offset; at < plan.end;) {
    const part = await fill(file, plan.path, at, new Uint8Array(0), Math.min(buffer.length, plan.end - at));
    const other = part.findIndex((byte) => byte !== 0);
    if (other !== -1)
      throw damage(plan, offset, index, "zeros up to the end of the file", `something else at byte ${at + other}`);
    at += part.length;
  }
  return {
    nextIndex: index,
    tornTail: { path: plan.path, offset, bytes: plan.end - offset, kind: "zeros" },
  };
}

function damage(
  plan: ScanPlan,
  offset: number,
  index: number,
  expected: string,
  found: string,
  advice: string = ADVICE,
): CorruptionError {
  return new CorruptionError({ path: plan.path, offset, expected: `entry ${index}, ${expected}`, found, advice });
}

function tooLarge(plan: ScanPlan, offset: number, index: number): LimitError {
  return new LimitError(
    "HF_RECORD_TOO_LARGE",
    `Entry ${index} in ${plan.path} at byte ${offset} has more than ${plan.entryBytesMax} bytes. Read it with a larger entryBytesMax.`,
    { path: plan.path, offset, index, bytesMax: plan.entryBytesMax },
  );
}
