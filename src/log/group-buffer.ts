/**
 * One group in the making: records are encoded into it as they are accepted, so that nothing is allocated per record but the promise
 * its caller gets.
 */
import { GROUP_HEADER_BYTES, encodeRecord, recordBytes } from "./format.js";

const CAPACITY_BYTES_MIN = 64 * 1024;
/** A buffer that grew past this for one large group is let go afterwards. */
const CAPACITY_BYTES_KEPT = 8 << 20;

/** A filling or flying group. */
export class GroupBuffer {
  /** Header, body and padding. The header is written when the group is sealed. Nothing is allocated before the first record. */
  bytes: Uint8Array = new Uint8Array(0);
  /** LSN of the first record. */
  firstLsn = 0;
  /** Number of records. */
  count = 0;
  /** How many of them nobody waits for. */
  enqueuedCount = 0;
  /** Bytes of the records' payloads. */
  payloadBytes = 0;
  /** Offset behind the last record. */
  #length = GROUP_HEADER_BYTES;
  #done!: Promise<void>;
  #resolve!: () => void;
  #reject!: (error: unknown) => void;

  constructor() {
    this.#renew();
  }

  get bodyBytes(): number {
    return this.#length - GROUP_HEADER_BYTES;
  }

  /** Settles when the group is acknowledged or lost. */
  get done(): Promise<void> {
    return this.#done;
  }

  get lastLsn(): number {
    return this.firstLsn + this.count - 1;
  }

  /** Whether records that take `bytes` in the body may join. A group takes anything as its first. */
  fits(bytes: number, bodyBytesMax: number): boolean {
    return this.count === 0 || this.bodyBytes + bytes <= bodyBytesMax;
  }

  /** Adds a record. The caller has checked `fits`. */
  add(type: number, payload: Uint8Array): void {
    const end = this.#length + recordBytes(payload.length);
    if (end > this.bytes.length) this.#grow(end);
    this.#length = encodeRecord(this.bytes, this.#length, type, payload);
    this.payloadBytes += payload.length;
    this.count += 1;
  }

  /** The group as it goes to the disk: `total` bytes, the padding zeroed. */
  padded(total: number): Uint8Array {
    if (total > this.bytes.length) this.#grow(total);
    this.bytes.fill(0, this.#length, total);
    return this.bytes.subarray(0, total);
  }

  /** Acknowledges every record of the group and empties it. */
  acknowledge(): void {
    const resolve = this.#resolve;
    this.#renew();
    resolve();
  }

  /** Rejects every record of the group and empties it. */
  fail(error: unknown): void {
    const reject = this.#reject;
    this.#renew();
    reject(error);
  }

  #renew(): void {
    this.count = 0;
    this.enqueuedCount = 0;
    this.payloadBytes = 0;
    this.#length = GROUP_HEADER_BYTES;
    if (this.bytes.length > CAPACITY_BYTES_KEPT) this.bytes = Buffer.alloc(CAPACITY_BYTES_MIN);
    this.#done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever appended holds a promise of its own; records that were only enqueued have nobody to tell.
    this.#done.catch(() => undefined);
  }

  #grow(needed: number): void {
    let capacity = Math.max(CAPACITY_BYTES_MIN, this.bytes.length * 2);
    while (capacity < needed) capacity *= 2;
    const larger = Buffer.alloc(capacity);
    larger.set(this.bytes.subarray(0, Math.min(this.#length, this.bytes.length)));
    this.bytes = larger;
  }
}
