/** Errors that several calls of the store have in common. */
import { FormatError, StateError } from "../base/index.js";
import type { OlderMetadata } from "./recovery.js";

/** It could only be done later, so it can't be part of what a journal is gathering. */
export function notWithin(what: string): StateError {
  return new StateError("HF_BUSY", `${what} Do it before or after.`);
}

/** Rows whose hash nobody knows are there. They are not taken for hashed, nor for none. */
export function noHashes(path: string, found: string, older?: OlderMetadata): FormatError {
  return new FormatError(
    "HF_HASHES_MISSING",
    `${path} holds ${found}: rows without version and hash as this build keeps them. \`rebuildHashes\` reads all rows and makes a store of them; nothing was changed.`,
    { path, found, ...(older === undefined ? {} : { older }) },
  );
}
