/**
 * Snappy's framing format: an identifier, then chunks. Each chunk is a type (u8), a length (u24, little-endian) and that many bytes:
 *
 *     type         what it holds
 *     0xff         the identifier "sNaPpY"; comes first, and may come again
 *     0x00         masked CRC-32C (u32) of what the block uncompresses to, at most 65,536 bytes, then the snappy block
 *     0x01         masked CRC-32C (u32), then at most 65,536 bytes as they are
 *     0x80..0xfe   to be skipped
 *     0x02..0x7f   unknown, and not to be skipped
 *
 * A block begins with its uncompressed length as a varint. That length is checked before anything is allocated, and every checksum before the bytes are
 * used: a library's answer to a damaged block is never trusted.
 */
import { equalBytes, readU32 } from "../../../base/index.js";
import { crc32c } from "../../../checksum/index.js";

/** Uncompresses one snappy block, or throws. */
export type Uncompress = (block: Uint8Array, length: number) => Uint8Array;

/** What is wrong with framed bytes, and where. */
export class FrameError extends Error {
  /** Offset of the chunk. */
  readonly at: number;

  constructor(at: number, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.at = at;
  }
}

const identifier = new TextEncoder().encode("sNaPpY");
const chunkHeaderBytes = 4;
const checksumBytes = 4;
const chunkBytesMax = 65_536;

/** What the frames hold, at most `bytesMax` bytes. Anything else is a {@link FrameError}. */
export function unframe(framed: Uint8Array, bytesMax: number, uncompress: Uncompress): Uint8Array {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  let at = 0;
  while (at < framed.length) {
    const chunk = chunkAt(framed, at);
    if (at === 0 && chunk.type !== 0xff) throw new FrameError(at, "no stream identifier");
    if (chunk.type === 0xff) {
      if (!equalBytes(chunk.body, identifier)) throw new FrameError(at, "another stream identifier");
    } else if (chunk.type <= 1) {
      const part = chunkData(chunk, at, bytesMax - bytes, uncompress);
      bytes += part.length;
      parts.push(part);
    } else if (chunk.type < 0x80) {
      throw new FrameError(at, `a chunk of the unknown type ${chunk.type}`);
    }
    at += chunkHeaderBytes + chunk.body.length;
  }
  if (at === 0) throw new FrameError(at, "no bytes at all");
  return join(parts, bytes);
}

/** A checksum as the format stores it. */
export function maskedChecksum(data: Uint8Array): number {
  const checksum = crc32c(data);
  return (((checksum >>> 15) | (checksum << 17)) + 0xa282ead8) >>> 0;
}

interface Chunk {
  readonly type: number;
  readonly body: Uint8Array;
}

function chunkAt(framed: Uint8Array, at: number): Chunk {
  const start = at + chunkHeaderBytes;
  if (start > framed.length) throw new FrameError(at, "the beginning of a chunk");
  const header = readU32(framed, at);
  const length = header >>> 8;
  if (length > framed.length - start)
    throw new FrameError(at, `a chunk of ${length} bytes in the last ${framed.length - start}`);
  return { type: header & 0xff, body: framed.subarray(start, start + length) };
}

function chunkData({ type, body }: Chunk, at: number, bytesMax: number, uncompress: Uncompress): Uint8Array {
  if (body.length < checksumBytes) throw new FrameError(at, `a chunk of ${body.length} bytes without a checksum`);
  const block = body.subarray(checksumBytes);
  const length = type === 1 ? block.length : blockLength(block, at);
  if (length > chunkBytesMax) throw new FrameError(at, `a chunk that holds ${length} bytes`);
  if (length > bytesMax) throw new FrameError(at, "more bytes than this entry may have");
  const data = type === 1 ? block : uncompressChecked(block, length, at, uncompress);
  if (maskedChecksum(data) !== readU32(body, 0)) throw new FrameError(at, "a chunk whose checksum differs");
  return data;
}

/** The varint at the beginning of a block. */
function blockLength(block: Uint8Array, at: number): number {
  let length = 0;
  for (let index = 0; index < 5; index++) {
    const byte = block[index];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return length;
  }
  throw new FrameError(at, "a block without a length");
}

function uncompressChecked(block: Uint8Array, length: number, at: number, uncompress: Uncompress): Uint8Array {
  let data: Uint8Array;
  try {
    data = uncompress(block, length);
  } catch (error) {
    throw new FrameError(at, "a block that can't be uncompressed", error);
  }
  if (data.length !== length) throw new FrameError(at, `${data.length} bytes in a block of ${length}`);
  return data;
}

function join(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const joined = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
