/** Names of journals as names of folders: readable, the same on file systems that do not tell upper case from lower, and never a path. */
import { InvalidArgumentError } from "../base/index.js";

const SAFE = /^[a-z0-9_-]$/;
const FOLDER_CHARS_MAX = 240;

/** The folder for a name: lower-case letters, digits, `_` and `-` stand for themselves, every other byte of its UTF-8 is `%` and two digits. */
export function folderOf(name: string): string {
  let folder = "";
  for (const byte of new TextEncoder().encode(name)) {
    const char = String.fromCharCode(byte);
    folder += SAFE.test(char) ? char : `%${byte.toString(16).padStart(2, "0")}`;
  }
  if (folder.length === 0 || folder.length > FOLDER_CHARS_MAX || nameOf(folder) !== name) {
    throw new InvalidArgumentError(
      "HF_INVALID_ARGUMENT",
      `${JSON.stringify(name.slice(0, 80))} can't be the name of a journal: it must be sound Unicode, and take 1 to ${FOLDER_CHARS_MAX} characters as "${folder.slice(0, 80)}".`,
      { name: name.slice(0, 80), charsMax: FOLDER_CHARS_MAX },
    );
  }
  return folder;
}

/** The name that a folder stands for; `undefined` where it is none that {@link folderOf} makes. */
export function nameOf(folder: string): string | undefined {
  if (folder.length === 0 || folder.length > FOLDER_CHARS_MAX) return undefined;
  const bytes: number[] = [];
  for (let at = 0; at < folder.length; at++) {
    const char = folder[at]!;
    if (SAFE.test(char)) bytes.push(char.charCodeAt(0));
    else {
      const digits = folder.slice(at + 1, at + 3);
      if (char !== "%" || !/^[0-9a-f]{2}$/.test(digits)) return undefined;
      const byte = Number.parseInt(digits, 16);
      if (SAFE.test(String.fromCharCode(byte))) return undefined;
      bytes.push(byte);
      at += 2;
    }
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(new Uint8Array(bytes));
  } catch {
    return undefined;
  }
}
