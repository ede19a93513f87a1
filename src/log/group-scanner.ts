/**
 * Walks the groups of one segment, from a place where a group starts, and checks each: checksums, LSN after LSN, epoch, chain.
 *
 * Reads large chunks, bounded by `chunkBytes` or one group, whichever is more. What a bad group means (a torn tail, damage, the end of what
 * was written) is the caller's to decide.
 */
import { isZero } from "../base/index.js";
import {
  GROUP_HEADER_BYTES,
  type GroupFormat,
  type GroupHeader,
  RECORD_HEADER_BYTES,
  type TornMode,
  groupBodySound,
  groupBytes,
  parseGroupHeader,
} from "./format.js";
import type { ReadableFile } from "./overlay-file.js";

/** Bytes read at a time. */
export const CHUNK_BYTES: number = 256 * 1024;
/** The same where one buffer serves for all: fewer, longer reads. */
const REUSED_CHUNK_BYTES: number = 1024 * 1024;

/** A sound group. */
export interface ScannedGroup {
  readonly kind: "group";
  readonly header: GroupHeader;
  /** Byte offset of the group in its file, and of the byte behind its padding. */
  readonly offset: number;
  readonly end: number;
  /** Only with `checkPadding`: the bytes behind the body are zeros, as they were written. */
  readonly paddingZero: boolean;
  /** The body stands at `bytes[bodyStart, bodyStart + header.bodyBytes)`. Overwritten by the next step where `reuseBuffer` is set. */
  readonly bytes: Uint8Array;
  readonly bodyStart: number;
}

/** A place where a sound group was expected and is not. */
export interface BadGroup {
  readonly kind: "bad";
  readonly offset: number;
  /** LSN that a group here would start with. */
  readonly lsn: number;
  readonly expected: string;
  readonly found: string;
}

/** One step of a walk. `end`: the walk reached its limit at a group boundary. */
export type ScanStep = ScannedGroup | BadGroup | { readonly kind: "end" };

/** Where and how to walk. */
export interface ScanPlan {
  /** The segment's. */
  readonly format: GroupFormat;
  readonly torn: TornMode;
  readonly blockBytes: number;
  /** Byte offset of the first group. */
  readonly offset: number;
  /** Its LSN. */
  readonly lsn: number;
  /** What its `chain` must be; `undefined` where the walk starts in the middle and can't know. */
  readonly chain?: number | undefined;
  /** Byte offset at which the walk ends: no group may reach past it. */
  readonly end: number;
  /** Epochs that a group may carry. They never decrease along a log. */
  readonly epochMin: number;
  readonly epochMax: number;
  /**
   * Groups that end below this LSN are stepped over by their headers, whose own checksum covers where the next one is: damage in their records is
   * nothing to who does not read them. Default 0: every body is checked.
   */
  readonly bodiesFrom?: number;
  /** Reuse one buffer for all chunks. Default false: each chunk has its own, and views on it stay valid. */
  readonly reuseBuffer?: boolean;
  /** Default {@link CHUNK_BYTES}, or 1 MiB with `reuseBuffer`. */
  readonly chunkBytes?: number;
  /** Read the padding too and tell whether it is zeros. Default false. */
  readonly checkPadding?: boolean;
}

const END: ScanStep = { kind: "end" };

/** A walk over one segment. */
export class GroupScanner {
  readonly #file: ReadableFile;
  readonly #plan: ScanPlan;
  readonly #chunkBytes: number;
  #offset: number;
  #lsn: number;
  #chain: number | undefined;
  #epoch: number;
  #buffer: Uint8Array = new Uint8Array(0);
  /** File offset and count of the valid bytes in the buffer. */
  #bufferOffset = 0;
  #bufferLength = 0;

  constructor(file: ReadableFile, plan: ScanPlan) {
    this.#file = file;
    this.#plan = plan;
    this.#chunkBytes = plan.chunkBytes ?? (plan.reuseBuffer === true ? REUSED_CHUNK_BYTES : CHUNK_BYTES);
    this.#offset = plan.offset;
    this.#lsn = plan.lsn;
    this.#chain = plan.chain;
    this.#epoch = plan.epochMin;
  }

  /** Byte offset of the next group. */
  get offset(): number {
    return this.#offset;
  }

  /** LSN of the next group's first record. */
  get lsn(): number {
    return this.#lsn;
  }

  /** Header checksum of the last group; what the plan said before the first one. */
  get chain(): number | undefined {
    return this.#chain;
  }

  /** Epoch of the last group; the lowest the plan allows before the first one. */
  get epoch(): number {
    return this.#epoch;
  }

  /**
   * The next step; a promise only where bytes have to be read first, since most groups are in memory already. After a bad group the same one
   * comes again.
   */
  next(): ScanStep | Promise<ScanStep> {
    const step = this.#examine(false);
    return typeof step === "number" ? this.#nextAfterReading(step) : step;
  }

  async #nextAfterReading(length: number): Promise<ScanStep> {
    for (let wanted = length; ;) {
      const step = this.#examine(!(await this.#have(wanted)));
      if (typeof step !== "number") return step;
      wanted = step;
    }
  }

  /** The next step from the bytes that were read; how many are needed where there are too few and the file has more. */
  #examine(fileEnded: boolean): ScanStep | number {
    const plan = this.#plan;
    const offset = this.#offset;
    if (offset === plan.end) return END;
    if (plan.end - offset < GROUP_HEADER_BYTES)
      return this.#bad("a group", `${plan.end - offset} bytes before the end`);
    const start = offset - this.#bufferOffset;
    const available = start < 0 ? 0 : this.#bufferLength - start;
    if (available < GROUP_HEADER_BYTES)
      return fileEnded ? this.#bad("a group header", "the end of the file") : GROUP_HEADER_BYTES;
    const header = parseGroupHeader(this.#buffer, start, plan.format);
    if (header === undefined) return this.#bad("a group header", "bytes that are none");
    if (header.firstLsn !== this.#lsn) return this.#bad(`LSN ${this.#lsn}`, `LSN ${header.firstLsn}`);
    if (header.epoch < this.#epoch || header.epoch > plan.epochMax) {
      return this.#bad(epochRange(this.#epoch, plan.epochMax), `epoch ${header.epoch}`);
    }
    if (this.#chain !== undefined && header.chain !== this.#chain) {
      return this.#bad("the successor of the group before", "the successor of another group");
    }
    const total = groupBytes(header.bodyBytes, plan.torn, plan.blockBytes);
    if (header.count === 0 || header.bodyBytes < header.count * RECORD_HEADER_BYTES || offset + total > plan.end) {
      return this.#bad("a group that fits", `${header.count} records in ${header.bodyBytes} bytes`);
    }
    const bodyStart = start + GROUP_HEADER_BYTES;
    const bodyEnd = bodyStart + header.bodyBytes;
    const needed = plan.checkPadding === true ? total : GROUP_HEADER_BYTES + header.bodyBytes;
    if (available < needed && !fileEnded) return needed;
    if (this.#bufferLength < bodyEnd) return this.#bad("a whole group", "the end of the file");
    const isWanted = header.firstLsn + header.count > (plan.bodiesFrom ?? 0);
    if (isWanted && !groupBodySound(this.#buffer, bodyStart, header, plan.format.seed)) {
      return this.#bad("records with the group's checksum", "other bytes");
    }
    const paddingZero =
      plan.checkPadding !== true || isZero(this.#buffer, bodyEnd, Math.min(start + total, this.#bufferLength));
    this.#offset = offset + total;
    this.#lsn = header.firstLsn + header.count;
    this.#chain = header.headerCrc;
    this.#epoch = header.epoch;
    return { kind: "group", header, offset, end: this.#offset, paddingZero, bytes: this.#buffer, bodyStart };
  }

  /** Makes `length` bytes from the current offset available. False where the file ends before. */
  async #have(length: number): Promise<boolean> {
    const at = this.#offset - this.#bufferOffset;
    // What is left of the chunk moves to the front; only what follows is read.
    const left = at >= 0 && at < this.#bufferLength ? this.#bufferLength - at : 0;
    const size = Math.max(length, Math.min(this.#chunkBytes, this.#plan.end - this.#offset));
    const before = this.#buffer;
    if (this.#plan.reuseBuffer !== true || before.length < size) this.#buffer = Buffer.allocUnsafeSlow(size);
    if (left > 0) this.#buffer.set(before.subarray(at, at + left), 0);
    this.#bufferOffset = this.#offset;
    this.#bufferLength = left + (await this.#file.read(this.#buffer.subarray(left, size), this.#offset + left));
    return this.#bufferLength >= length;
  }

  #bad(expected: string, found: string): BadGroup {
    return { kind: "bad", offset: this.#offset, lsn: this.#lsn, expected, found };
  }
}

function epochRange(min: number, max: number): string {
  return min === max ? `epoch ${min}` : `an epoch from ${min} to ${max}`;
}
