/** The anchor of a store: how it is opened. */
import { Anchor } from "../anchor/index.js";
import type { Held } from "../base/index.js";
import { type Books, PAGES_ANCHOR_KIND, decodeBooks } from "./books.js";
import type { PagesDirectory } from "./pages-directory.js";

/** Opens it for writing. */
export async function openBooks(
  { vfs, anchor: path }: PagesDirectory,
  held: Held,
): Promise<{ readonly anchor: Anchor; readonly books: Books }> {
  const anchor = await Anchor.open(path, { vfs, kind: PAGES_ANCHOR_KIND });
  held.add(() => anchor.close());
  return { anchor, books: decodeBooks(path, anchor.value) };
}
