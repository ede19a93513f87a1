import { createHash } from "node:crypto";
import { seededDraw } from "./seed.js";

/**
 * What the commits of a store put into it: a function of the seed and the commit's serial number, which no two commits share. The serial is
 * a row itself, so that a store says which commit it stands at.
 */
export const DATABASES = ["a", "b", "c"] as const;
export const SERIAL_DATABASE = "a";
export const SERIAL_KEY = "serial";
/** Serials of one process. */
export const SERIALS_PER_GENERATION = 1_000_000;
const KEYS = 300;
const VALUE_BYTES_MAX = 400;

/** A row, or its end. */
export interface ModelChange {
  readonly database: string;
  readonly key: string;
  readonly value: Buffer | undefined;
}

/** Keys and values by database. */
export type ModelRows = Map<string, Map<string, Buffer>>;

/** The changes of a commit, in the calls in which they are staged; a later one may change what an earlier one did. */
export function changesOf(seed: number, serial: number): ModelChange[][] {
  const draw = seededDraw(`commit ${seed} ${serial}`);
  const calls: ModelChange[][] = [];
  for (let call = 0, count = 1 + draw(3); call < count; call++) {
    const database = DATABASES[draw(DATABASES.length)] ?? SERIAL_DATABASE;
    calls.push(
      Array.from({ length: draw(9) }, (_, at) => {
        const key = `k${String(draw(KEYS)).padStart(4, "0")}`;
        const isDelete = draw(4) === 0;
        const bytes = 1 + draw(VALUE_BYTES_MAX);
        return { database, key, value: isDelete ? undefined : Buffer.alloc(bytes, `${serial}.${call}.${at}.`) };
      }),
    );
  }
  calls.push([{ database: SERIAL_DATABASE, key: SERIAL_KEY, value: Buffer.from(String(serial)) }]);
  return calls;
}

/** A store with nothing in it. */
export function noRows(): ModelRows {
  return new Map(DATABASES.map((name) => [name, new Map<string, Buffer>()]));
}

/** Carries out a commit. */
export function applyCommit(rows: ModelRows, seed: number, serial: number): void {
  for (const { database, key, value } of changesOf(seed, serial).flat()) {
    if (value === undefined) rows.get(database)?.delete(key);
    else rows.get(database)?.set(key, value);
  }
}

/** SHA-256 of all rows, database by database in key order. */
export class RowsDigest {
  readonly #hash = createHash("sha256");

  add(database: string, key: Uint8Array, value: Uint8Array): void {
    this.#hash.update(`${database} ${key.length} ${value.length} `).update(key).update(value);
  }

  hex(): string {
    return this.#hash.digest("hex");
  }
}
