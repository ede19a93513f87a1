/** The directories in `test/fixtures/tidwall`, which the real library wrote, and what it reads in them. */
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { TidwallFormat } from "./index.js";

const root = fileURLToPath(new URL("../../test/fixtures/tidwall/", import.meta.url));

/** What the library found when it opened a directory. */
export interface LibraryView {
  readonly format: TidwallFormat;
  readonly segmentBytes: number;
  readonly openError?: string;
  readonly readError?: string;
  /** 0 where the log is empty and new. */
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** Base64. */
  readonly entries: readonly string[];
}

/** All of them, by name. */
export const libraryViews: Readonly<Record<string, LibraryView>> = (
  JSON.parse(await readFile(path.join(root, "expected.json"), "utf8")) as { logs: Record<string, LibraryView> }
).logs;

/** The directory of one. */
export function fixture(name: string): string {
  return path.join(root, name);
}

/** The files of a directory by name, directories left out. */
export async function filesOf(directory: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const entry of (await readdir(directory, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.isFile()) files.set(entry.name, await readFile(path.join(directory, entry.name), "latin1"));
  }
  return files;
}
