/** A directory without books is new, or it is something else, which must not be taken for new. */
import { FormatError } from "../base/index.js";
import { noHashes } from "./errors.js";
import type { StoreDirectory } from "./store-directory.js";

/** What older layouts have in a store's directory, beside directories named like databases. */
const OLDER_NAMES = ["working", "current"];

/** Refuses a directory with anything that no store of this kind puts there. `names`: of the databases. */
export async function refuseForeign(directory: StoreDirectory, names: readonly string[]): Promise<void> {
  const { foreign } = await directory.list();
  const { path } = directory;
  const older = foreign.filter((name) => names.includes(name) || OLDER_NAMES.includes(name));
  if (older.length > 0) throw noHashes(path, `${older.join(", ")}, and no books`);
  if (foreign.length > 0)
    throw new FormatError(
      "HF_FORMAT_UNKNOWN",
      `${path} holds ${foreign.join(", ")}, and is no store of this kind. Choose an empty directory.`,
      { path, found: foreign.join(", ") },
    );
}
