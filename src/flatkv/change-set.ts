/** What callers hand in, and the checks that it can be stored at all. */
import { InvalidArgumentError, LimitError, invalid, toHex } from "../base/index.js";
import { unknownDatabase } from "./options.js";
import { KEY_BYTES_MAX } from "./row-format.js";
import type { Place, Routing } from "./routing.js";

/** A key and what it becomes. */
export interface Change {
  readonly key: Uint8Array;
  /** Absent: the key is deleted. An empty value is refused, because the hash does not cover one. */
  readonly value?: Uint8Array | undefined;
}

/** Changes that belong together. Where one key is named twice, the later counts. */
export interface ChangeSet {
  /** Keys are keys of rows in this database. Absent: each goes where the store's routing sends it. */
  readonly database?: string | undefined;
  readonly changes: readonly Change[];
}

/** Where a change goes. */
export interface PlacedChange {
  readonly place: Place;
  readonly value: Uint8Array | undefined;
}

/** The longest value. */
const VALUE_BYTES_MAX: number = 1 << 26;

/** Refuses what can't be stored, before any effect, and finds the place of each change. */
export function placeChanges(
  sets: readonly ChangeSet[],
  names: readonly string[],
  routing: Routing | undefined,
): PlacedChange[] {
  const where = "FlatKv.applyChangeSets";
  if (!Array.isArray(sets)) throw invalid(where, "sets", sets, "a list of change sets");
  const placed: PlacedChange[] = [];
  for (const set of sets) {
    if (typeof set !== "object" || set === null || !Array.isArray(set.changes))
      throw invalid(where, "sets", set, "a list of change sets, each with a list of changes");
    for (const { key, value } of set.changes) {
      const place = placeOf(where, key, set.database, names, routing);
      if (value !== undefined) checkRowValue(where, key, value);
      placed.push({ place, value });
    }
  }
  return placed;
}

/** Where a key's value is. `database`: the key is that of a row there. */
export function placeOf(
  where: string,
  key: Uint8Array,
  database: string | undefined,
  names: readonly string[],
  routing: Routing | undefined,
): Place {
  if (!(key instanceof Uint8Array) || key.length === 0)
    throw invalid(where, "key", key, "a Uint8Array with at least one byte");
  let place: Place | undefined;
  if (database !== undefined) {
    if (!names.includes(database)) throw unknownDatabase(where, database, names);
    place = { database, key };
  } else {
    if (routing === undefined) throw unknownDatabase(where, "absent", names);
    place = routing.route(key);
    if (place === undefined)
      throw new InvalidArgumentError("HF_INVALID_ARGUMENT", `${where}: the key ${toHex(key)} has no place.`, {
        where,
        key: toHex(key),
      });
    if (!names.includes(place.database)) throw unknownDatabase(where, place.database, names);
  }
  if (place.key.length === 0 || place.key.length > KEY_BYTES_MAX)
    throw new LimitError(
      "HF_VALUE_TOO_LARGE",
      `${where}: a key has ${place.key.length} bytes, and may have 1 to ${KEY_BYTES_MAX}.`,
      { where, bytes: place.key.length, bytesMax: KEY_BYTES_MAX },
    );
  return place;
}

/** Refuses a value that no row may have. */
export function checkRowValue(where: string, key: Uint8Array, value: Uint8Array): void {
  if (!(value instanceof Uint8Array)) throw invalid(where, "value", value, "a Uint8Array, or absent to delete the key");
  if (value.length === 0)
    throw new InvalidArgumentError(
      "HF_INVALID_ARGUMENT",
      `${where}: the value of ${toHex(key)} is empty, which the hash would not cover. Delete the key, or store a byte.`,
      { where, key: toHex(key) },
    );
  if (value.length > VALUE_BYTES_MAX)
    throw new LimitError(
      "HF_VALUE_TOO_LARGE",
      `${where}: a value has ${value.length} bytes, and may have ${VALUE_BYTES_MAX}.`,
      { where, bytes: value.length, bytesMax: VALUE_BYTES_MAX },
    );
}
