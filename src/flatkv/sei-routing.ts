/**
 * The databases and the key routing of sei-chain's FlatKV, as it was when each of its databases got a hash of its own: accounts, code, storage, and
 * whatever else there is.
 *
 * | first byte | rest of the key | database | row key |
 * |---|---|---|---|
 * | 0x03 | address (20), slot (32) | storage | address ‖ slot |
 * | 0x07 | address (20) | code | address |
 * | 0x08 | address (20) | account, the code hash of the row | address |
 * | 0x0a | address (20) | account, the nonce of the row | address |
 * | any, and these with another length | | legacy | the whole key |
 *
 * Nothing routes to the balance of an account: it is in the row, which can be written whole by naming the database.
 */
import { isZero } from "../base/index.js";
import {
  CODE_HASH_AT,
  CODE_HASH_BYTES,
  CODE_ROW_BYTES,
  NONCE_AT,
  NONCE_BYTES,
  PLAIN_ROW_BYTES,
  checkAccountRow,
  hasCodeHash,
  wrongLength,
} from "./account-row.js";
import type { Place, RowField, Routing } from "./routing.js";

const STORAGE_PREFIX = 0x03;
const CODE_PREFIX = 0x07;
const CODE_HASH_PREFIX = 0x08;
const NONCE_PREFIX = 0x0a;

const ADDRESS_KEY_BYTES: number = 1 + 20;
const STORAGE_KEY_BYTES: number = 1 + 20 + 32;

/**
 * The default routing. A key without bytes has no place. A nonce has 8 bytes and a code hash 32; writing other lengths is an
 * `InvalidArgumentError`. Deleting either sets it to zero, makes the row where there is none, and never removes one. A nonce of 0 reads as 8
 * zero bytes where the row exists, a code hash of zeros as absent.
 */
export const seiRouting: Routing = {
  databases: ["account", "code", "storage", "legacy"],
  route: routeSei,
};

function routeSei(key: Uint8Array): Place | undefined {
  if (key.length === 0) return undefined;
  const prefix = key[0]!;
  if (key.length === STORAGE_KEY_BYTES) {
    if (prefix === STORAGE_PREFIX) return { database: "storage", key: key.subarray(1) };
  } else if (key.length === ADDRESS_KEY_BYTES) {
    const address = key.subarray(1);
    if (prefix === CODE_PREFIX) return { database: "code", key: address };
    if (prefix === CODE_HASH_PREFIX) return { database: "account", key: address, field: new CodeHashField(address) };
    if (prefix === NONCE_PREFIX) return { database: "account", key: address, field: new NonceField(address) };
  }
  return { database: "legacy", key };
}

/** The nonce of the account with this address. */
class NonceField implements RowField {
  readonly #address: Uint8Array;

  constructor(address: Uint8Array) {
    this.#address = address;
  }

  read(row: Uint8Array): Uint8Array {
    checkAccountRow(row, this.#address);
    return row.slice(NONCE_AT, NONCE_AT + NONCE_BYTES);
  }

  write(row: Uint8Array | undefined, value: Uint8Array | undefined): Uint8Array {
    if (value !== undefined && value.length !== NONCE_BYTES)
      throw wrongLength("nonce", NONCE_BYTES, value.length, this.#address);
    const written = copyOfRow(row, this.#address);
    if (value === undefined) written.fill(0, NONCE_AT, NONCE_AT + NONCE_BYTES);
    else written.set(value, NONCE_AT);
    return written;
  }
}

/** The code hash of the account with this address. */
class CodeHashField implements RowField {
  readonly #address: Uint8Array;

  constructor(address: Uint8Array) {
    this.#address = address;
  }

  read(row: Uint8Array): Uint8Array | undefined {
    checkAccountRow(row, this.#address);
    return hasCodeHash(row) ? row.slice(CODE_HASH_AT) : undefined;
  }

  write(row: Uint8Array | undefined, value: Uint8Array | undefined): Uint8Array {
    if (value !== undefined && value.length !== CODE_HASH_BYTES)
      throw wrongLength("code hash", CODE_HASH_BYTES, value.length, this.#address);
    const before = copyOfRow(row, this.#address).subarray(0, PLAIN_ROW_BYTES);
    if (value === undefined || isZero(value)) return before.slice();
    const written = new Uint8Array(CODE_ROW_BYTES);
    written.set(before);
    written.set(value, CODE_HASH_AT);
    return written;
  }
}

/** A row to write into, in the one encoding that its contents have; zeros where there is none. */
function copyOfRow(row: Uint8Array | undefined, address: Uint8Array): Uint8Array {
  if (row === undefined) return new Uint8Array(PLAIN_ROW_BYTES);
  checkAccountRow(row, address);
  return row.slice(0, hasCodeHash(row) ? CODE_ROW_BYTES : PLAIN_ROW_BYTES);
}
