/** What the anchor of a store holds: facts that are fixed when it is made. Written last, it makes a directory a store. Pure. */
import { CorruptionError, FormatError, readU16, writeU16 } from "../base/index.js";
import { STORE_ID_BYTES } from "./row-format.js";

/** Tag of an anchor that belongs to such a store: "TRI1" as it stands on disk. */
export const MERKLE_ANCHOR_KIND = 0x3149_5254;

const BOOKS_VERSION = 1;
const NAME_BYTES_MAX = 64;

/** See the head of this file. */
export interface Books {
  readonly storeId: Uint8Array;
  /** Names of the engine and of the hash function. */
  readonly engine: string;
  readonly hasher: string;
}

/** What was read. */
type BooksParse =
  | { readonly kind: "sound"; readonly books: Books }
  | { readonly kind: "newer"; readonly format: number }
  | { readonly kind: "damaged"; readonly found: string };

/** Layout: format (u16), store id (16 bytes), then engine and hasher, each a length (u16) and so many bytes of UTF-8. */
export function encodeBooks({ storeId, engine, hasher }: Books): Uint8Array {
  const names = [engine, hasher].map((name) => new TextEncoder().encode(name));
  const bytes = new Uint8Array(2 + STORE_ID_BYTES + names.reduce((sum, name) => sum + 2 + name.length, 0));
  writeU16(bytes, 0, BOOKS_VERSION);
  bytes.set(storeId, 2);
  let at = 2 + STORE_ID_BYTES;
  for (const name of names) {
    writeU16(bytes, at, name.length);
    bytes.set(name, at + 2);
    at += 2 + name.length;
  }
  return bytes;
}

function parseBooks(bytes: Uint8Array): BooksParse {
  if (bytes.length < 2 + STORE_ID_BYTES) return { kind: "damaged", found: `${bytes.length} bytes` };
  const format = readU16(bytes, 0);
  if (format > BOOKS_VERSION) return { kind: "newer", format };
  if (format !== BOOKS_VERSION) return { kind: "damaged", found: `format ${format}` };
  const names: string[] = [];
  let at = 2 + STORE_ID_BYTES;
  for (; names.length < 2 && bytes.length - at >= 2;) {
    const length = readU16(bytes, at);
    at += 2;
    if (length < 1 || length > NAME_BYTES_MAX || length > bytes.length - at) break;
    names.push(new TextDecoder().decode(bytes.subarray(at, at + length)));
    at += length;
  }
  const [engine, hasher] = names;
  if (engine === undefined || hasher === undefined || at !== bytes.length)
    return { kind: "damaged", found: "names that do not end where the value does" };
  return { kind: "sound", books: { storeId: bytes.slice(2, 2 + STORE_ID_BYTES), engine, hasher } };
}

/** Reads an anchor's value, whose checksum was checked. `path` names the anchor. */
export function decodeBooks(path: string, value: Uint8Array): Books {
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
