/**
 * A block: the flights of one round that leave from one airport, in the lane of that airport. Little-endian:
 *
 *      0          8          16          20         24                  56
 *      +----------+----------+-----------+----------+-------------------+---------------------------+
 *      |  number  |  round   |  airport  |  flights | hash of the block |  flights, 32 bytes each   |
 *      |   u64    |   u64    |  char[4]  |    u32   | before, 32 bytes  |                           |
 *      +----------+----------+-----------+----------+-------------------+---------------------------+
 *
 * `number` counts the blocks of the lane from 0. The first block has 32 zero bytes where others have the hash of the one before. So the hash of a block
 * stands for all that its lane ever held.
 */
import { type Codec, readU32, readU64, writeU32, writeU64 } from "../../../base/index.js";
import { airportAt, flightBytes, writeAirport } from "../flight.js";
import { hashBytes, hashOf } from "./hash.js";
import { DemoMismatchError } from "../mismatch.js";

const numberAt = 0;
const roundAt = 8;
const airportOffset = 16;
const flightsAt = 20;
const previousAt = 24;
const headerBytes: number = previousAt + hashBytes;

/** What a block is made of. */
export interface BlockParts {
  readonly number: number;
  readonly round: number;
  readonly airport: string;
  readonly previous: Uint8Array;
  /** Encoded flights, one after the other. */
  readonly flights: Uint8Array;
}

/** See the head of this file. A view of its bytes. */
export class Block {
  readonly bytes: Uint8Array;
  #hash: Uint8Array | undefined;

  constructor(bytes: Uint8Array) {
    const isBlock =
      bytes.length >= headerBytes && bytes.length === headerBytes + readU32(bytes, flightsAt) * flightBytes;
    if (!isBlock) throw new DemoMismatchError(`An entry of a lane has ${bytes.length} bytes, which no block has.`);
    this.bytes = bytes;
  }

  static of({ number, round, airport, previous, flights }: BlockParts): Block {
    const bytes = new Uint8Array(headerBytes + flights.length);
    writeU64(bytes, numberAt, number);
    writeU64(bytes, roundAt, round);
    writeAirport(bytes, airportOffset, airport);
    writeU32(bytes, flightsAt, flights.length / flightBytes);
    bytes.set(previous, previousAt);
    bytes.set(flights, headerBytes);
    return new Block(bytes);
  }

  get number(): number {
    return readU64(this.bytes, numberAt);
  }

  get round(): number {
    return readU64(this.bytes, roundAt);
  }

  get airport(): string {
    return airportAt(this.bytes, airportOffset);
  }

  /** How many flights it has. */
  get flights(): number {
    return readU32(this.bytes, flightsAt);
  }

  /** Hash of the block before it in its lane. */
  get previous(): Uint8Array {
    return this.bytes.subarray(previousAt, headerBytes);
  }

  /** The encoded flights, one after the other. */
  get flightBytes(): Uint8Array {
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
