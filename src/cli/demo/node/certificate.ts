/**
 * The certificate of a round: which block each lane got. Certificates are the node's chain. Little-endian:
 *
 *      0         8              16          20        24                  56
 *      +---------+--------------+-----------+---------+-------------------+-----------------------------------------+
 *      |  round  | first record |  records  |  blocks | hash of the one   | for each block: number u64 | records u32|
 *      |   u64   |     u64      |    u32    |   u32   | before, 32 bytes  | | lane char[4] | its hash, 32 bytes  |
 *      +---------+--------------+-----------+---------+-------------------+-----------------------------------------+
 *
 * Blocks are sorted by lane. The hash of a certificate stands for every record of its round and of all rounds before.
 */
import { type Codec, readU32, readU64, writeU32, writeU64 } from "../../../base/index.js";
import type { Block } from "./block.js";
import { codeAt, writeCode } from "../flight.js";
import { hashBytes, hashOf } from "./hash.js";
import { DemoMismatchError } from "../mismatch.js";

const roundAt = 0;
const firstRecordAt = 8;
const recordsAt = 16;
const blocksAt = 20;
const previousAt = 24;
const headerBytes: number = previousAt + hashBytes;
const numberIn = 0;
const recordsIn = 8;
const laneIn = 12;
const hashIn = 16;
const entryBytes: number = hashIn + hashBytes;

/** A block, as a certificate names it. */
export interface CertifiedBlock {
  readonly lane: string;
  readonly number: number;
  readonly records: number;
  readonly hash: Uint8Array;
}

/** What a certificate is made of. */
export interface CertificateParts {
  readonly round: number;
  /** Number of the first record of the round. */
  readonly firstRecord: number;
  readonly records: number;
  readonly previous: Uint8Array;
  readonly blocks: readonly Block[];
}

/** See the head of this file. A view of its bytes. */
export class Certificate {
  readonly bytes: Uint8Array;
  #hash: Uint8Array | undefined;

  constructor(bytes: Uint8Array) {
    const isOne = bytes.length >= headerBytes && bytes.length === headerBytes + readU32(bytes, blocksAt) * entryBytes;
    if (!isOne)
      throw new DemoMismatchError(`An entry of the chain has ${bytes.length} bytes, which no certificate has.`);
    this.bytes = bytes;
  }

  static of({ round, firstRecord, records, previous, blocks }: CertificateParts): Certificate {
    const bytes = new Uint8Array(headerBytes + blocks.length * entryBytes);
    writeU64(bytes, roundAt, round);
    writeU64(bytes, firstRecordAt, firstRecord);
    writeU32(bytes, recordsAt, records);
    writeU32(bytes, blocksAt, blocks.length);
    bytes.set(previous, previousAt);
    for (const [index, block] of blocks.entries()) {
      const at = headerBytes + index * entryBytes;
      writeU64(bytes, at + numberIn, block.number);
      writeU32(bytes, at + recordsIn, block.records);
      writeCode(bytes, at + laneIn, block.lane);
      bytes.set(block.hash, at + hashIn);
    }
    return new Certificate(bytes);
  }

  get round(): number {
    return readU64(this.bytes, roundAt);
  }

  get firstRecord(): number {
    return readU64(this.bytes, firstRecordAt);
  }

  get records(): number {
    return readU32(this.bytes, recordsAt);
  }

  /** Hash of the certificate before it. */
  get previous(): Uint8Array {
    return this.bytes.subarray(previousAt, headerBytes);
  }

  /** Sorted by lane. */
  get blocks(): CertifiedBlock[] {
    const blocks: CertifiedBlock[] = [];
    for (let at = headerBytes; at < this.bytes.length; at += entryBytes) {
      blocks.push({
        lane: codeAt(this.bytes, at + laneIn),
        number: readU64(this.bytes, at + numberIn),
        records: readU32(this.bytes, at + recordsIn),
        hash: this.bytes.subarray(at + hashIn, at + entryBytes),
      });
    }
    return blocks;
  }

  /** Computed from the bytes when it is first asked for. */
  get hash(): Uint8Array {
    this.#hash ??= hashOf(this.bytes);
    return this.#hash;
  }
}

/** A certificate is stored as its bytes. */
export const certificateCodec: Codec<Certificate> = {
  encode: ({ bytes }) => bytes,
  decode: (bytes) => new Certificate(bytes),
};
