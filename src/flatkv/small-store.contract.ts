/** Small stores on the simulated disk, for tests. */
import { memoryEngine } from "../engine/index.js";
import { LtHash } from "../hash/index.js";
import type { SimVfs } from "../vfs/index.js";
import type { ChangeSet } from "./change-set.js";
import type { FlatKv } from "./flat-kv.js";
import type { FlatKvOptions } from "./options.js";

const text = new TextEncoder();
/** UTF-8. */
export const bytes = (value: string): Uint8Array => text.encode(value);

/** A store of databases `a` and `b`. */
export function options(vfs: SimVfs, more: Partial<FlatKvOptions> = {}): FlatKvOptions {
  return {
    vfs,
    engine: memoryEngine({ vfs }),
    databases: ["a", "b"],
    log: { segmentBytes: 65_536, blockBytes: 512 },
    ...more,
  };
}

/** Puts rows, and deletes those that are `undefined`. */
export function put(database: string, rows: Record<string, string | undefined>): ChangeSet {
  const changes = Object.entries(rows).map(([key, value]) => ({
    key: bytes(key),
    value: value === undefined ? undefined : bytes(value),
  }));
  return { database, changes };
}

/** All rows of a database. */
export async function rowsOf(store: Pick<FlatKv, "iterate">, database: string): Promise<Record<string, string>> {
  const rows: Record<string, string> = {};
  for await (const { key, value } of store.iterate({ database }))
    rows[new TextDecoder().decode(key)] = new TextDecoder().decode(value);
  return rows;
}

/** The hash that rows must have. */
export function hashOf(rows: Record<string, string>): LtHash {
  const hash = new LtHash();
  for (const [key, value] of Object.entries(rows)) hash.add(bytes(key), bytes(value));
  return hash;
}
