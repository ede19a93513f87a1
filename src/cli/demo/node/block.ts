/**
 * A block: the records of one round that go into one lane. Little-endian:
 *
 *      0          8          16          20         24          28                  60
 *      +----------+----------+-----------+----------+-----------+-------------------+-------------+
 *      |  number  |  round   |   lane    | records  |   bytes   | hash of the block |   records   |
 *      |   u64    |   u64    |  char[4]  |   u32    |    u32    | before, 32 bytes  |             |
 *      +----------+----------+-----------+----------+-----------+-------------------+-------------+
 *
 * `number` counts the blocks of the lane from 0. The first block has 32 zero bytes where others have the hash of the one before. So the hash of a block
 * stands for all that its lane ever held.
 */
import { type Codec, readU32, readU64, writeU32, writeU64 } from "../../../base/index.js";
import { codeAt, writeCode } from "../flight.js";
import { hashBytes, hashOf } from "./hash.js";
import { DemoMismatchError } from "../mismatch.js";

const numberAt = 0;
const roundAt = 8;
const laneOffset = 16;
const recordsAt = 20;
const bodyBytesAt = 24;
const previousAt = 28;
const headerBytes: number = previousAt + hashBytes;

/** What a block is made of. */
export interface BlockParts {
  readonly number: number;
  readonly round: number;
  readonly lane: string;
  readonly previous: Uint8Array;
  /** How many records it has, and all of them, one after the other. */
  readonly records: number;
  readonly body: Uint8Array;
}

/** See the head of this file. A view of its bytes. */
export class Block {
  readonly bytes: Uint8Array;
  #hash: Uint8Array | undefined;

  constructor(bytes: Uint8Array) {
    const isBlock = bytes.length >= headerBytes && bytes.length === headerBytes + readU32(bytes, bodyBytesAt);
    if (!isBlock) throw new DemoMismatchError(`An entry of a lane has ${bytes.length} bytes, which no block has.`);
    this.bytes = bytes;
  }

  static of({ number, round, lane, previous, records, body }: BlockParts): Block {
    const bytes = new Uint8Array(headerBytes + body.length);
    writeU64(bytes, numberAt, number);
    writeU64(bytes, roundAt, round);
    writeCode(bytes, laneOffset, lane);
    writeU32(bytes, recordsAt, records);
    writeU32(bytes, bodyBytesAt, body.length);
    bytes.set(previous, previousAt);
    bytes.set(body, headerBytes);
    return new Block(bytes);
  }

  get number(): number {
    return readU64(this.bytes, numberAt);
  }

  get round(): number {
    return readU64(this.bytes, roundAt);
  }

  get lane(): string {
    return codeAt(this.bytes, laneOffset);
  }

  /** How many records it has. */
  get records(): number {
    return readU32(this.bytes, recordsAt);
  }

  /** Hash of the block before it in its lane. */
  get previous(): Uint8Array {
    return this.bytes.subarray(previousAt, headerBytes);
  }

  /** The records, one after the other. */
  get body(): Uint8Array {
    return this.bytes.subarray(headerBytes);
  }

  /** Computed from the bytes when it is first asked for. */
  get hash(): Uint8Array {
    this.#hash ??= hashOf(this.bytes);
    return this.#hash;
  }
}

/** A block is stored as its bytes. */
export const blockCodec: Codec<Block> = { encode: ({ bytes }) => bytes, decode: (bytes) => new Block(bytes) };
