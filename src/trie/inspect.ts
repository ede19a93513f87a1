/** What a Merkle store looks like from outside: what it was made with, and the books of its pages, without a lock, and without changing a byte. */
import { Anchor } from "../anchor/index.js";
import { CorruptionError, FormatError, checkOptions, invalid, toHex } from "../base/index.js";
import { type PagesInspection, inspectPages } from "../pages/index.js";
import { type Vfs, nodeVfs } from "../vfs/index.js";
import { MERKLE_ANCHOR_KIND, decodeBooks } from "./books.js";
import { StoreDirectory } from "./store-directory.js";

/** Options of `inspectMerkle`. */
export interface InspectMerkleOptions {
  /** The file system. Default: the real one. */
  readonly vfs?: Vfs;
}

/** See `inspectMerkle`. */
export interface MerkleInspection {
  readonly directory: string;
  /** In hexadecimal. */
  readonly storeId: string;
  /** Names of the engine that holds the values, and of the hash function. */
  readonly engine: string;
  readonly hasher: string;
  /** `undefined` where there are none, which is damage. */
  readonly pages: PagesInspection | undefined;
  /** Names that are none of the store's. */
  readonly foreign: readonly string[];
}

/**
 * Reads the books of the Merkle store in `directory`; `undefined` where there is no such store. Works beside a writer, and opens neither pages nor values,
 * so it knows the newest checkpoint only: `MerkleStore.open` knows the newest commit.
 *
 * Errors: `InvalidArgumentError`; `CorruptionError` where the books can't be read; `FormatError`; `IoError`.
 */
export async function inspectMerkle(
  directory: string,
  options?: InspectMerkleOptions,
): Promise<MerkleInspection | undefined> {
  const where = "inspectMerkle";
  if (typeof directory !== "string" || directory === "") throw invalid(where, "directory", directory, "a path");
  const { vfs = nodeVfs } = checkOptions(where, options, ["vfs"]);
  const files = new StoreDirectory(vfs, directory);
  if ((await vfs.stat(files.anchor))?.kind !== "file") return undefined;
  const value = await peek(files);
  if (value === undefined) return undefined;
  const { storeId, engine, hasher } = decodeBooks(files.anchor, value);
  const pages = (await vfs.stat(files.pages)) === undefined ? undefined : await inspectPages(files.pages, { vfs });
  return { directory, storeId: toHex(storeId), engine, hasher, pages, foreign: await files.foreign() };
}

/** The anchor's value; `undefined` where it is something else's. */
async function peek(files: StoreDirectory): Promise<Uint8Array | undefined> {
  try {
    return (await Anchor.peek(files.anchor, { vfs: files.vfs, kind: MERKLE_ANCHOR_KIND })).value;
  } catch (error) {
    if (!(error instanceof CorruptionError || error instanceof FormatError)) throw error;
    // An anchor that can't be read does not say whose it is; pages beside values do.
    if (error.code === "HF_FORMAT_FOREIGN") return undefined;
    const names = new Set(await files.vfs.list(files.path));
    if (!names.has("pages") || !names.has("values")) return undefined;
    throw error;
  }
}
