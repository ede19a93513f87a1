/** Memory in which the records of single entries are put together. The log copies them when it accepts them at once, so one piece serves many. */
import { ENTRY_HEADER_BYTES, writeEntryHeader } from "./format.js";

const SCRATCH_BYTES = 32 * 1024;

/** See the head of this file. */
export class EntryScratch {
  /** Records are put together at its front. */
  #memory: Uint8Array = new Uint8Array(SCRATCH_BYTES);
  /** The part of it that the last record took: records often are of one size, and a view costs as much as its bytes. */
  #part: Uint8Array = this.#memory;

  /** The record of an entry: good until the next one, unless it is left. */
  put(stream: number, lsn: number, payload: Uint8Array, type: number): Uint8Array {
    const length = ENTRY_HEADER_BYTES + payload.length;
    let record = this.#part;
    if (record.length !== length) {
      if (length > SCRATCH_BYTES) {
        record = new Uint8Array(length);
      } else {
        if (length > this.#memory.length) this.#memory = new Uint8Array(SCRATCH_BYTES);
        record = this.#part = this.#memory.subarray(0, length);
      }
    }
    writeEntryHeader(record, stream, type, lsn);
    record.set(payload, ENTRY_HEADER_BYTES);
    return record;
  }

  /** Leaves a record to who keeps it. The next one goes behind it: many may wait, and each is to cost its own bytes only. */
  leave(record: Uint8Array): void {
    if (record.buffer === this.#memory.buffer) this.#memory = this.#part = this.#memory.subarray(record.length);
  }
}
