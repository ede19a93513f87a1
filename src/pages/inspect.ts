/** What a page store looks like from outside: its books and the bounds of its log, without a lock, and without changing a byte. */
import { Anchor } from "../anchor/index.js";
import { CorruptionError, FormatError, HoldfastError, checkOptions, invalid } from "../base/index.js";
import { LogReader } from "../log/index.js";
import { type Vfs, nodeVfs } from "../vfs/index.js";
import { PAGES_ANCHOR_KIND, type PageState, decodeBooks } from "./books.js";
import { PagesDirectory } from "./pages-directory.js";

/** Options of `inspectPages`. */
export interface InspectPagesOptions {
  /** The file system. Default: the real one. */
  readonly vfs?: Vfs;
}

/** See `inspectPages`. */
export interface PagesInspection {
  readonly directory: string;
  /** Name of the live table's file. */
  readonly table: string;
  /** Its buckets. */
  readonly capacity: number;
  /** What the table holds at least; commits after it are in the log. */
  readonly checkpoint: PageState;
  /** Bounds of the log in the store's directory; `undefined` where there is none (the commits are in a journal elsewhere), or where it can't be read. */
  readonly log: { readonly firstLsn: number; readonly lastLsn: number } | undefined;
  /** Tables that the books do not name: one that is being filled, or left by a crash. The next opening removes them. */
  readonly unnamed: readonly string[];
  /** Names that are none of the store's. */
  readonly foreign: readonly string[];
  /** What is wrong with the log, for people. */
  readonly problems: readonly string[];
}

/**
 * Reads the books of the page store in `directory` and the bounds of its log; `undefined` where there is no such store. Works beside a writer, whose next
 * checkpoint may make it a little old. Errors: `InvalidArgumentError`; `CorruptionError` where the books can't be read; `FormatError`; `IoError`.
 */
export async function inspectPages(
  directory: string,
  options?: InspectPagesOptions,
): Promise<PagesInspection | undefined> {
  const where = "inspectPages";
  if (typeof directory !== "string" || directory === "") throw invalid(where, "directory", directory, "a path");
  const { vfs = nodeVfs } = checkOptions(where, options, ["vfs"]);
  const files = new PagesDirectory(vfs, directory);
  if ((await vfs.stat(files.anchor))?.kind !== "file") return undefined;
  const value = await peek(files);
  if (value === undefined) return undefined;
  const { table, capacity, checkpoint } = decodeBooks(files.anchor, value);
  const { tables, foreign } = await files.list();
  const nameOf = (number: number): string => files.table(number).slice(files.path.length + 1);
  return {
    directory,
    table: nameOf(table),
    capacity,
    checkpoint,
    ...(await lookAtLog(files)),
    unnamed: tables.filter((number) => number !== table).map(nameOf),
    foreign,
  };
}

/** The anchor's value; `undefined` where it is something else's. */
async function peek(files: PagesDirectory): Promise<Uint8Array | undefined> {
  try {
    return (await Anchor.peek(files.anchor, { vfs: files.vfs, kind: PAGES_ANCHOR_KIND })).value;
  } catch (error) {
    if (!(error instanceof CorruptionError || error instanceof FormatError)) throw error;
    // An anchor that can't be read does not say whose it is; tables do.
    if (error.code === "HF_FORMAT_FOREIGN" || (await files.list()).tables.length === 0) return undefined;
    throw error;
  }
}

async function lookAtLog({ vfs, log: path }: PagesDirectory): Promise<Pick<PagesInspection, "log" | "problems">> {
  if ((await vfs.stat(path)) === undefined) return { log: undefined, problems: [] };
  try {
    const reader = await LogReader.open(path, { vfs });
    const { firstLsn, lastLsn } = reader;
    await reader.close();
    return { log: { firstLsn, lastLsn }, problems: [] };
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return { log: undefined, problems: [error.message] };
  }
}
