/**
 * Rows of the account database: `balance (32, big-endian) ‖ nonce (8, big-endian)`, and for an account with code `‖ code hash (32)`.
 *
 * The length is the only tag: 40 bytes without code, 72 with. So one account has one encoding, and an all-zero code hash is none.
 */
import { FormatError, InvalidArgumentError, isZero, toHex } from "../base/index.js";

const BALANCE_BYTES = 32;
/** Length of a nonce in bytes. */
export const NONCE_BYTES = 8;
/** Length of a code hash in bytes. */
export const CODE_HASH_BYTES = 32;

/** Where the nonce starts in a row. */
export const NONCE_AT: number = BALANCE_BYTES;
/** Where the code hash starts in a row that has one. */
export const CODE_HASH_AT: number = NONCE_AT + NONCE_BYTES;

/** Length of the row of an account without code. */
export const PLAIN_ROW_BYTES: number = NONCE_AT + NONCE_BYTES;
/** Length of the row of an account with code. */
export const CODE_ROW_BYTES: number = CODE_HASH_AT + CODE_HASH_BYTES;

/** What a row of the account database says. */
export interface Account {
  /** From 0 to 2^256 − 1. */
  readonly balance: bigint;
  /** From 0 to 2^64 − 1. */
  readonly nonce: bigint;
  /** 32 bytes; absent where the account has no code. All zeros mean the same as absent. */
  readonly codeHash?: Uint8Array | undefined;
}

/**
 * The row of an account: 40 bytes, or 72 where it has code.
 *
 * Errors: `InvalidArgumentError` (`HF_INVALID_ARGUMENT`) for a number out of range, or a code hash of another length than 32 bytes.
 *
 * ```ts
 * import { decodeAccount, encodeAccount } from "holdfast/flatkv";
 *
 * const row = encodeAccount({ balance: 10n ** 18n, nonce: 7n });
 * console.log(row.length, decodeAccount(row).nonce); // 40 7n
 * ```
 */
export function encodeAccount(account: Account): Uint8Array {
  const { codeHash } = account;
  if (codeHash !== undefined && codeHash.length !== CODE_HASH_BYTES)
    throw wrongLength("code hash", CODE_HASH_BYTES, codeHash.length);
  const hasCode = codeHash !== undefined && !isZero(codeHash);
  const row = new Uint8Array(hasCode ? CODE_ROW_BYTES : PLAIN_ROW_BYTES);
  writeBigEndian(row, 0, BALANCE_BYTES, account.balance, "balance");
  writeBigEndian(row, NONCE_AT, NONCE_BYTES, account.nonce, "nonce");
  if (hasCode) row.set(codeHash, CODE_HASH_AT);
  return row;
}

/**
 * What a row of the account database says. `address` is for the error's text.
 *
 * Errors: `FormatError` (`HF_VALUE_UNDECODABLE`) for a row of another length than 40 or 72 bytes.
 */
export function decodeAccount(row: Uint8Array, address?: Uint8Array): Account {
  checkAccountRow(row, address);
  const balance = readBigEndian(row, 0, BALANCE_BYTES);
  const nonce = readBigEndian(row, NONCE_AT, NONCE_BYTES);
  return hasCodeHash(row) ? { balance, nonce, codeHash: row.slice(CODE_HASH_AT) } : { balance, nonce };
}

/** Refuses a row that is none of the account database's. */
export function checkAccountRow(row: Uint8Array, address: Uint8Array | undefined): void {
  if (row.length === PLAIN_ROW_BYTES || row.length === CODE_ROW_BYTES) return;
  const whose = address === undefined ? "" : ` of 0x${toHex(address)}`;
  throw new FormatError(
    "HF_VALUE_UNDECODABLE",
    `The account row${whose} has ${row.length} bytes, and an account has ${PLAIN_ROW_BYTES}, or ${CODE_ROW_BYTES} with code. ` +
      "It was written past the routing, or is of another encoding: write the row again with encodeAccount.",
    { bytes: row.length, address: address === undefined ? undefined : toHex(address) },
  );
}

/** Whether a sound row has a code hash that is one. */
export function hasCodeHash(row: Uint8Array): boolean {
  return row.length === CODE_ROW_BYTES && !isZero(row, CODE_HASH_AT);
}

/** The error for a field's value that does not have the field's length. */
export function wrongLength(what: string, expected: number, found: number, address?: Uint8Array): InvalidArgumentError {
  const whose = address === undefined ? undefined : toHex(address);
  return new InvalidArgumentError(
    "HF_INVALID_ARGUMENT",
    `A ${what} has ${expected} bytes, and ${whose === undefined ? "this one" : `the one for 0x${whose}`} has ${found}.`,
    { what, expected, found, address: whose },
  );
}

function readBigEndian(bytes: Uint8Array, offset: number, length: number): bigint {
  return BigInt(`0x${toHex(bytes.subarray(offset, offset + length))}`);
}

function writeBigEndian(bytes: Uint8Array, offset: number, length: number, value: bigint, what: string): void {
  if (typeof value !== "bigint" || value < 0n || value >> BigInt(length * 8) !== 0n) {
    throw new InvalidArgumentError(
      "HF_INVALID_ARGUMENT",
      `An account's ${what} is a bigint from 0 to 2^${length * 8} − 1, not ${String(value)}.`,
      { what, value: String(value) },
    );
  }
  let rest = value;
  for (let at = offset + length - 1; rest > 0n; at--) {
    bytes[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
}
