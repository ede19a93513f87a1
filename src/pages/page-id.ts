/**
 * Ids of pages: the path from the root page, six bits of the key a step.
 *
 * In memory an id is a string with one UTF-16 unit (code 0 to 63) for each step, so that ids are keys of maps, sort like their paths, and the id of
 * a child is the parent's and one more. On disk it is 32 bytes: each step shifts by six bits and adds the step plus one, big-endian. Every number up to
 * that of the last page at depth 42 is the encoding of exactly one id.
 */

/** The path of a page; "" is the root page. */
export type PageId = string;

/** The page that holds the first six bits of every key. */
export const ROOT_PAGE_ID: PageId = "";

/** Steps to the deepest page, which holds the bits 252 to 255 of keys. */
export const PAGE_DEPTH_MAX = 42;

/** Children of a page. */
export const PAGE_CHILDREN = 64;

export const ENCODED_ID_BYTES = 32;

const STEP_BITS = 6;
const STEP_MASK = 63;

/** Steps as strings, so that no id is built from a character that is made for it alone. */
const STEPS: readonly string[] = Array.from({ length: PAGE_CHILDREN }, (_, child) => String.fromCharCode(child));

/** The id of child page `child`, 0 to 63. The parent's depth is below {@link PAGE_DEPTH_MAX}. */
export function childPageId(id: PageId, child: number): PageId {
  return id + STEPS[child]!;
}

/** The page at `depth` on the path of a key of 32 bytes. */
export function pageIdOfKey(key: Uint8Array, depth: number): PageId {
  let id = "";
  for (let step = 0; step < depth; step++) {
    const bit = step * STEP_BITS;
    const byte = bit >>> 3;
    const pair = (key[byte]! << 8) | (key[byte + 1] ?? 0);
    id += STEPS[(pair >>> (10 - (bit & 7))) & STEP_MASK]!;
  }
  return id;
}

/** Writes the 32 bytes of an id at `at`. */
export function encodePageIdInto(id: PageId, target: Uint8Array, at: number): void {
  target.fill(0, at, at + ENCODED_ID_BYTES);
  let carry = 0;
  let byte = at + ENCODED_ID_BYTES - 1;
  let pending = 0;
  let bits = 0;
  // From the last step, which is the lowest six bits, to the first; a step of 63 adds 64, and carries.
  for (let step = id.length - 1; step >= -1; step--) {
    const sum = step >= 0 ? id.charCodeAt(step) + 1 + carry : carry;
    carry = sum >>> STEP_BITS;
    pending |= (sum & STEP_MASK) << bits;
    bits += STEP_BITS;
    while (bits >= 8) {
      target[byte--] = pending;
      pending >>>= 8;
      bits -= 8;
    }
  }
  if (byte >= at && bits > 0) target[byte] = pending;
}

/** The 32 bytes of an id. */
export function encodePageId(id: PageId): Uint8Array {
  const bytes = new Uint8Array(ENCODED_ID_BYTES);
  encodePageIdInto(id, bytes, 0);
  return bytes;
}

/** The id whose 32 bytes are at `at`; `undefined` where they are above the last one's. */
export function decodePageId(bytes: Uint8Array, at: number = 0): PageId | undefined {
  let top = 0;
  while (top < ENCODED_ID_BYTES && bytes[at + top] === 0) top++;
  let bitsLeft = (ENCODED_ID_BYTES - top) * 8;
  if (bitsLeft > 0) bitsLeft -= Math.clz32(bytes[at + top]!) - 24;
  let id = "";
  let borrow = 0;
  for (let bit = 0; bit < bitsLeft; bit += STEP_BITS) {
    const last = at + ENCODED_ID_BYTES - 1 - (bit >>> 3);
    const above = last > at ? bytes[last - 1]! : 0;
    let step = ((((above << 8) | bytes[last]!) >>> (bit & 7)) & STEP_MASK) - borrow;
    // The borrow may have used up the highest step.
    if (step === 0 && bit + STEP_BITS >= bitsLeft) break;
    step -= 1;
    borrow = step < 0 ? 1 : 0;
    if (id.length === PAGE_DEPTH_MAX) return undefined;
    id = STEPS[step & STEP_MASK]! + id;
  }
  return id;
}

/** An id for people: its steps, or `root`. */
export function describePageId(id: PageId): string {
  return id === ROOT_PAGE_ID ? "root" : Array.from(id, (step) => step.charCodeAt(0)).join("/");
}
