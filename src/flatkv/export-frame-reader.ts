/**
 * Finds the frames of an export in whatever chunks it comes, and checks that each is whole and continues the one before.
 *
 * A length is believed only behind the checksum of the frame's header, and even then memory grows with the bytes that arrive, never with what they
 * announce. A frame that is whole in its chunk is not copied.
 */
import { CorruptionError, FormatError, LimitError } from "../base/index.js";
import { payloadBounds } from "./export-format.js";
import {
  EXPORT_VERSION,
  FRAME_HEADER_BYTES,
  FRAME_TRAILER_BYTES,
  type FrameHeader,
  PREAMBLE_BYTES,
  frameChecksum,
  parseFrameHeader,
  parsePreamble,
} from "./export-frame.js";

/** Up to this many bytes, the memory for a frame is taken at once. */
const HELD_BYTES: number = 256 * 1024;
const NOTHING: Uint8Array = new Uint8Array(0);

/** A sound frame: its payload is `bytes[start, end)`, valid as long as the chunk is. */
export interface Frame {
  readonly number: number;
  readonly type: number;
  /** Where the payload starts in the stream. */
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** Chunks in, frames out: `feed`, then `next` until it has none. */
export class FrameReader {
  readonly #name: string;
  readonly #payloadBytesMax: number;
  #chunk = NOTHING;
  #chunkAt = 0;
  /** The part of an item that came in earlier chunks. An item is the preamble or a frame. */
  #held = NOTHING;
  #heldBytes = 0;
  #isPreambleRead = false;
  #header: FrameHeader | undefined;
  #offset = 0;
  #number = 0;
  #chain = 0;

  constructor(name: string, payloadBytesMax: number) {
    this.#name = name;
    this.#payloadBytesMax = payloadBytesMax;
  }

  /** Where the next frame starts in the stream. */
  get offset(): number {
    return this.#offset;
  }

  /** Number of the next frame. */
  get number(): number {
    return this.#number;
  }

  /** Checksum of everything before the next frame. */
  get checksum(): number {
    return this.#chain;
  }

  /** Whether the chunk was not read to its end. */
  get hasUnread(): boolean {
    return this.#chunkAt < this.#chunk.length;
  }

  /** Adds the next bytes of the stream. Those before must have been read to their end. */
  feed(chunk: Uint8Array): void {
    // Rows are views of it, and a Buffer takes several times as long to make one.
    this.#chunk = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#chunkAt = 0;
  }

  /** The next frame, or `undefined` where that needs more bytes. */
  next(): Frame | undefined {
    if (!this.#isPreambleRead && !this.#readPreamble()) return undefined;
    const header = this.#header ?? this.#readHeader();
    if (header === undefined) return undefined;
    const frameBytes = FRAME_HEADER_BYTES + header.payloadBytes + FRAME_TRAILER_BYTES;
    const item = this.#item(frameBytes);
    if (item === undefined) return undefined;
    const start = item.start + FRAME_HEADER_BYTES;
    const chain = frameChecksum(item.bytes, start, header);
    const offset = this.#offset + FRAME_HEADER_BYTES;
    if (chain === undefined) throw this.damage(offset, `the payload of frame ${this.#number}`, "a wrong checksum");
    this.#consume(frameBytes);
    this.#header = undefined;
    this.#chain = chain;
    this.#number++;
    const { number, type, payloadBytes } = header;
    return { number, type, offset, bytes: item.bytes, start, end: start + payloadBytes };
  }

  /** The error for a stream that ends here. */
  truncated(): CorruptionError {
    const missing = this.#isPreambleRead ? `frame ${this.#number}` : "the beginning of an export";
    return this.damage(this.#offset + this.#heldBytes, missing, "the end of the stream");
  }

  /** The error for damage at `offset` in the stream. */
  damage(offset: number, expected: string, found: string): CorruptionError {
    const advice = "Transfer the stream again, or export again.";
    return new CorruptionError({ path: this.#name, offset, expected, found, advice });
  }

  #readPreamble(): boolean {
    const item = this.#item(PREAMBLE_BYTES);
    if (item === undefined) return false;
    const preamble = parsePreamble(item.bytes, item.start);
    if (preamble.kind === "damaged") throw this.damage(0, "the beginning of an export", preamble.found);
    if (preamble.kind === "unknown")
      throw this.#format("HF_FORMAT_UNKNOWN", 0, "does not start like an export. Check what was given to be imported.");
    if (preamble.kind === "newer") {
      const versions = `is an export of format ${preamble.version}, and this build reads up to ${EXPORT_VERSION}`;
      throw this.#format("HF_FORMAT_NEWER", 0, `${versions}. Import it with a newer build.`);
    }
    this.#consume(PREAMBLE_BYTES);
    this.#chain = preamble.chain;
    this.#isPreambleRead = true;
    return true;
  }

  #readHeader(): FrameHeader | undefined {
    const item = this.#item(FRAME_HEADER_BYTES);
    if (item === undefined) return undefined;
    const header = parseFrameHeader(item.bytes, item.start, this.#chain);
    const which = `frame ${this.#number}`;
    if (header === undefined)
      throw this.damage(this.#offset, `${which}, continuing what came before`, "a wrong checksum");
    const { number, type, payloadBytes } = header;
    if (number !== this.#number) throw this.damage(this.#offset, which, `frame ${number}`);
    const bounds = payloadBounds(type);
    if (bounds === undefined)
      throw this.#format("HF_FORMAT_UNKNOWN", this.#offset, `has a frame of type ${type}, which no build writes.`);
    if (payloadBytes < bounds[0] || payloadBytes > bounds[1])
      throw this.damage(this.#offset, `${which} with ${bounds[0]} to ${bounds[1]} bytes`, `${payloadBytes} bytes`);
    if (payloadBytes > this.#payloadBytesMax) {
      const sizes = { payloadBytes, frameBytesMax: this.#payloadBytesMax };
      throw new LimitError(
        "HF_VALUE_TOO_LARGE",
        `${this.#name} has a frame of ${payloadBytes} bytes at byte ${this.#offset}, above frameBytesMax (${sizes.frameBytesMax}). ` +
          "Raise that if the stream comes from a source you trust.",
        { path: this.#name, offset: this.#offset, ...sizes },
      );
    }
    this.#header = header;
    return header;
  }

  #format(code: string, offset: number, what: string): FormatError {
    return new FormatError(code, `${this.#name} ${what}`, { path: this.#name, offset });
  }

  /** The next `length` bytes, not consumed; `undefined` where they are not there yet. */
  #item(length: number): { readonly bytes: Uint8Array; readonly start: number } | undefined {
    const here = this.#chunk.length - this.#chunkAt;
    if (this.#heldBytes === 0 && here >= length) return { bytes: this.#chunk, start: this.#chunkAt };
    const taken = Math.min(length - this.#heldBytes, here);
    this.#grow(length, this.#heldBytes + taken);
    this.#held.set(this.#chunk.subarray(this.#chunkAt, this.#chunkAt + taken), this.#heldBytes);
    this.#heldBytes += taken;
    this.#chunkAt += taken;
    return this.#heldBytes === length ? { bytes: this.#held, start: 0 } : undefined;
  }

  /** Makes room for `needed` bytes of an item of `length`. */
  #grow(length: number, needed: number): void {
    if (this.#held.length >= needed) return;
    const size = Math.min(length, Math.max(needed, this.#held.length * 2, HELD_BYTES));
    const held = new Uint8Array(size);
    held.set(this.#held.subarray(0, this.#heldBytes));
    this.#held = held;
  }

  /** Passes over an item that was found whole. Its bytes stay as they are: a frame's user may have views of them. */
  #consume(length: number): void {
    if (this.#heldBytes === 0) {
      this.#chunkAt += length;
    } else {
      this.#held = NOTHING;
      this.#heldBytes = 0;
    }
    this.#offset += length;
  }
}
