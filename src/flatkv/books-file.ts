/** The anchor of a store: how it is opened, and read beside a writer. */
import { Anchor } from "../anchor/index.js";
import { CorruptionError, FormatError, type Held } from "../base/index.js";
import { type Books, FLAT_KV_ANCHOR_KIND, parseBooks } from "./books.js";
import type { StoreDirectory } from "./store-directory.js";

/** Opens it for writing. */
export async function openBooks(
  { vfs, anchor: path }: StoreDirectory,
  held: Held,
): Promise<{ readonly anchor: Anchor; readonly books: Books }> {
  const anchor = await Anchor.open(path, { vfs, kind: FLAT_KV_ANCHOR_KIND });
  held.add(() => anchor.close());
  return { anchor, books: booksOf(path, anchor.value) };
}

/** Reads it beside a writer, which is not disturbed. */
export async function peekBooks({ vfs, anchor: path }: StoreDirectory): Promise<Books> {
  const { value } = await Anchor.peek(path, { vfs, kind: FLAT_KV_ANCHOR_KIND });
  return booksOf(path, value);
}

function booksOf(path: string, value: Uint8Array): Books {
  const parse = parseBooks(value);
  if (parse.kind === "sound") return parse.books;
  if (parse.kind === "newer")
    throw new FormatError(
      "HF_FORMAT_NEWER",
      `${path} has format ${parse.format}, which this build does not know. Use a newer one.`,
      {
        path,
        format: parse.format,
      },
    );
  throw new CorruptionError({ path, expected: "the books of a store", found: parse.found });
}
