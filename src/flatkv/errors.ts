/** Errors that several calls of the store have in common. */
import { FormatError } from "../base/index.js";
import type { OlderMetadata } from "./recovery.js";

/** Rows whose hash nobody knows are there. They are not taken for hashed, nor for none. */
export function noHashes(path: string, found: string, older?: OlderMetadata): FormatError {
  return new FormatError(
    "HF_HASHES_MISSING",
    `${path} holds ${found}: rows without version and hash as this build keeps them. \`rebuildHashes\` reads all rows and makes a store of them; nothing was changed.`,
    { path, found, ...(older === undefined ? {} : { older }) },
  );
}
