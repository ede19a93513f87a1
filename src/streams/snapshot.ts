/**
 * The book as bytes, for checkpoints: next stream id and number of streams; for each stream its id, name, the physical LSN of its state record, first LSN,
 * number of entries, and for each entry how far its physical LSN is from that of the one before it. All numbers are variable-length: seven bits a
 * byte, the lowest first, the high bit set on all but the last; distances alternate in sign (0, -1, 1, -2, …).
 */
import { NAME_BYTES_MAX, decodeName } from "./format.js";
import { StreamBook, StreamState } from "./book.js";
import type { SegmentUse } from "./segment-use.js";

class NumberWriter {
  bytes: Uint8Array = new Uint8Array(4096);
  length = 0;

  number(value: number): void {
    if (this.length + 8 > this.bytes.length) this.#grow(this.length + 8);
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.bytes[this.length++] = rest;
  }

  signed(value: number): void {
    this.number(value < 0 ? -2 * value - 1 : 2 * value);
  }

  raw(source: Uint8Array): void {
    if (this.length + source.length > this.bytes.length) this.#grow(this.length + source.length);
    this.bytes.set(source, this.length);
    this.length += source.length;
  }

  #grow(needed: number): void {
    const larger = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}

/** Thrown and caught in this file: the bytes are no snapshot. */
class NoSnapshot extends Error {}

class NumberReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  number(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 56; scale *= 0x80) {
      if (this.#at >= this.#bytes.length) throw new NoSnapshot();
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new NoSnapshot();
  }

  signed(): number {
    const value = this.number();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  raw(length: number): Uint8Array {
    if (length > this.left) throw new NoSnapshot();
    this.#at += length;
    return this.#bytes.slice(this.#at - length, this.#at);
  }
}

/** The book as it stands: acknowledged records only. */
export function encodeSnapshot(book: StreamBook): Uint8Array {
  const writer = new NumberWriter();
  writer.number(book.nextId);
  writer.number(book.byId.size);
  for (const { id, nameBytes, statePhysical, index } of book.byId.values()) {
    writer.number(id);
    writer.number(nameBytes.length);
    writer.raw(nameBytes);
    writer.number(statePhysical);
    writer.number(index.first);
    writer.number(index.count);
    let before = 0;
    for (let lsn = index.first; lsn < index.end; lsn++) {
      const physical = index.get(lsn);
      writer.signed(physical - before);
      before = physical;
    }
  }
  return writer.bytes.subarray(0, writer.length);
}

/** The book of a snapshot that is true up to the physical LSN `asOf`; `undefined` where the bytes are none. */
export function decodeSnapshot(bytes: Uint8Array, asOf: number, use: SegmentUse): StreamBook | undefined {
  try {
    return readBook(new NumberReader(bytes), asOf, use);
  } catch (error) {
    if (error instanceof NoSnapshot) return undefined;
    throw error;
  }
}

function readBook(reader: NumberReader, asOf: number, use: SegmentUse): StreamBook {
  const book = new StreamBook(use);
  const nextId = reader.number();
  const streams = reader.number();
  for (let count = 0; count < streams; count++) {
    const id = reader.number();
    const nameBytes = reader.number();
    demand(id >= 1 && id < nextId && nameBytes >= 1 && nameBytes <= NAME_BYTES_MAX);
    const nameUtf8 = reader.raw(nameBytes);
    const name = decodeName(nameUtf8);
    const statePhysical = reader.number();
    const first = reader.number();
    const entries = reader.number();
    if (name === undefined) throw new NoSnapshot();
    demand(!book.byId.has(id) && !book.byName.has(name) && statePhysical >= 1 && statePhysical <= asOf);
    // An entry takes at least a byte here, which bounds what is allocated.
    demand(first >= 1 && entries <= reader.left);
    const stream = new StreamState(id, name, nameUtf8);
    book.add(stream);
    book.applyState(stream, statePhysical, first, first);
    let physical = 0;
    for (let entry = 0; entry < entries; entry++) {
      physical += reader.signed();
      demand(physical >= 1 && physical <= asOf);
      book.applyEntry(stream, physical);
    }
  }
  demand(reader.left === 0);
  book.nextId = nextId;
  return book;
}

function demand(holds: boolean): void {
  if (!holds) throw new NoSnapshot();
}
