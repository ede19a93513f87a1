/** Reading by the keys of callers, from whatever has the rows: the open store, or a copy of it. */
import { invalid } from "../base/index.js";
import type { EngineRow } from "../engine/index.js";
import { placeOf } from "./change-set.js";
import { damagedRow } from "./database.js";
import { unknownDatabase } from "./options.js";
import type { IterateOptions } from "./range.js";
import type { Routing } from "./routing.js";
import { decodeRow, rowKeyOf } from "./row-format.js";

/** Which database's rows a key is one of; absent: the store's routing says. */
export interface KeyOptions {
  readonly database?: string | undefined;
}

/** A row as it is read. */
export interface FlatKvRow {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Reads rows of one database, all as of the moment of the call. */
export type RowReader = (database: string, keys: readonly Uint8Array[]) => Promise<(Uint8Array | undefined)[]>;

/** The values of keys, in their order. All reads begin at once, so they are of one version. */
export async function readValues(
  where: string,
  keys: readonly Uint8Array[],
  database: string | undefined,
  { names, routing }: { readonly names: readonly string[]; readonly routing: Routing | undefined },
  readRows: RowReader,
): Promise<(Uint8Array | undefined)[]> {
  if (!Array.isArray(keys)) throw invalid(where, "keys", keys, "a list of keys");
  const places = keys.map((key) => placeOf(where, key, database, names, routing));
  const wanted = new Map<string, number[]>();
  for (const [at, place] of places.entries()) {
    const list = wanted.get(place.database);
    if (list === undefined) wanted.set(place.database, [at]);
    else list.push(at);
  }
  const values: (Uint8Array | undefined)[] = new Array(keys.length).fill(undefined);
  await Promise.all(
    [...wanted].map(async ([name, ats]) => {
      const rows = await readRows(
        name,
        ats.map((at) => places[at]!.key),
      );
      for (const [index, at] of ats.entries()) {
        const row = rows[index];
        const { field } = places[at]!;
        values[at] = row === undefined || field === undefined ? row : field.read(row);
      }
    }),
  );
  return values;
}

/** The database that an iteration is about. */
export function iteratedDatabase(where: string, { database }: IterateOptions, names: readonly string[]): string {
  const name = database ?? (names.length === 1 ? names[0] : undefined);
  if (name === undefined || !names.includes(name)) throw unknownDatabase(where, name, names);
  return name;
}

/** The rows in an engine's chunks. */
export async function* decodeRows(
  { path, name }: { readonly path: string; readonly name: string },
  chunks: AsyncIterable<readonly EngineRow[]>,
): AsyncGenerator<FlatKvRow, void, undefined> {
  for await (const chunk of chunks) {
    for (const [engineKey, stored] of chunk) {
      const value = decodeRow(engineKey, stored);
      if (value === undefined) throw damagedRow(path, name, engineKey);
      yield { key: rowKeyOf(engineKey), value };
    }
  }
}
