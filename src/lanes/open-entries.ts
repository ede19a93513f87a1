/** Opening the entries of a journal that a caller hands over, with the options that `IndexedLog` and `Chain` share. */
import { type Codec, checkInteger, checkOptions } from "../base/index.js";
import type { Journal } from "../log/index.js";
import { checkJournal } from "./arguments.js";
import { checkCodec } from "./codec.js";
import { EntryLog } from "./entry-log.js";

/** Options of {@link IndexedLog.open}. */
export interface IndexedLogOptions<T> {
  /** How values become bytes. */
  readonly codec: Codec<T>;
  /** The index of the first entry of a journal that was never written. Default 0. */
  readonly firstIndex?: number;
  /** What messages call it. Default `"the lane"`. */
  readonly name?: string;
}

/** Checks everything before any effect. `name` is what messages call it where the options don't say. */
export async function openEntries<T>(
  where: string,
  journal: Journal,
  options: IndexedLogOptions<T>,
  name: string,
): Promise<{ readonly entries: EntryLog; readonly codec: Codec<T> }> {
  checkJournal(where, journal);
  const given = checkOptions<IndexedLogOptions<T>>(where, options, ["codec", "firstIndex", "name"]);
  const codec = checkCodec(where, "codec", given.codec);
  const firstIndex = checkInteger(where, "firstIndex", given.firstIndex, { min: 0 }, 0);
  return { entries: await EntryLog.open(journal, given.name ?? name, firstIndex), codec };
}
