/** The header of an Ethereum block, as far as the demo needs it. */
import { keccak256 } from "../../../hash/index.js";
import type { Era1Libraries, RlpValue } from "./era1-libraries.js";

/** See the head of this file. */
export interface Header {
  /** Keccak-256 of the header's RLP. */
  readonly hash: Uint8Array;
  readonly parentHash: Uint8Array;
  /** Keccak-256 of the RLP of the block's uncles. */
  readonly unclesHash: Uint8Array;
  /** Whom the block's reward goes to, 20 bytes. */
  readonly coinbase: Uint8Array;
  readonly stateRoot: Uint8Array;
  readonly transactionsRoot: Uint8Array;
  readonly receiptsRoot: Uint8Array;
  readonly difficulty: bigint;
  readonly number: number;
}

/** Why bytes are no header, or no body. */
export class ShapeError extends Error {}

/** Fields of a header before the London fork, and the most that any header of an era1 file has. */
const fieldsMin = 15;
const fieldsMax = 16;

/** Reads a header from its RLP. Anything else is an error. */
export function decodeHeader(bytes: Uint8Array, { decodeRlp }: Era1Libraries): Header {
  return headerOf(decodeRlp(bytes), keccak256.hash(bytes));
}

/** Reads a header that stands in a list. */
export function headerOf(value: RlpValue, hash: Uint8Array): Header {
  const fields = listOf(value, "header");
  if (fields.length < fieldsMin || fields.length > fieldsMax)
    throw new ShapeError(`a header of ${fields.length} fields`);
  const number = integerOf(fields[8], "number");
  if (number > BigInt(Number.MAX_SAFE_INTEGER)) throw new ShapeError(`a header with number ${number}`);
  return {
    hash,
    parentHash: bytesOf(fields[0], 32, "parent hash"),
    unclesHash: bytesOf(fields[1], 32, "uncles hash"),
    coinbase: bytesOf(fields[2], 20, "coinbase"),
    stateRoot: bytesOf(fields[3], 32, "state root"),
    transactionsRoot: bytesOf(fields[4], 32, "transactions root"),
    receiptsRoot: bytesOf(fields[5], 32, "receipts root"),
    difficulty: integerOf(fields[7], "difficulty"),
    number: Number(number),
  };
}

/** A list, or a {@link ShapeError}. */
export function listOf(value: RlpValue | undefined, name: string): readonly RlpValue[] {
  if (value === undefined || value instanceof Uint8Array) throw new ShapeError(`no list as ${name}`);
  return value;
}

function bytesOf(value: RlpValue | undefined, length: number, name: string): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length !== length) throw new ShapeError(`no ${length} bytes as ${name}`);
  return value;
}

/** An integer as RLP has it: big-endian, without leading zeros, at most 256 bits. */
function integerOf(value: RlpValue | undefined, name: string): bigint {
  if (!(value instanceof Uint8Array) || value.length > 32 || value[0] === 0)
    throw new ShapeError(`no integer as ${name}`);
  let integer = 0n;
  for (const byte of value) integer = (integer << 8n) | BigInt(byte);
  return integer;
}
