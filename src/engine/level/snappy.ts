/** Decompresses Snappy's raw format: the length, then literals and copies of what came before. Pure. */
import { Fields } from "./fields.js";

/** Of an index. LevelDB writes tables of 2 MiB, whose index takes a few KiB. */
const BYTES_MAX: number = 64 * 1024 * 1024;

/** The bytes that `stored` stands for; `undefined` where it stands for none. */
export function unsnap(stored: Uint8Array): Uint8Array | undefined {
  const head = new Fields(stored);
  const length = head.varint();
  if (head.failed || length > BYTES_MAX) return undefined;
  const bytes = new Uint8Array(length);
  let to = 0;
  for (let at = head.at; at < stored.length;) {
    const tag = stored[at++] as number;
    const kind = tag & 3;
    const extra = kind === 0 ? Math.max(0, (tag >>> 2) - 59) : kind === 3 ? 4 : kind;
    let number = 0;
    for (let byte = 0; byte < extra; byte++) number += (stored[at + byte] ?? 0) * 256 ** byte;
    at += extra;
    if (kind === 0) {
      const count = extra === 0 ? (tag >>> 2) + 1 : number + 1;
      if (at + count > stored.length || to + count > length) return undefined;
      bytes.set(stored.subarray(at, at + count), to);
      at += count;
      to += count;
      continue;
    }
    const count = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    const back = kind === 1 ? (tag >>> 5) * 256 + number : number;
    if (at > stored.length || back < 1 || back > to || to + count > length) return undefined;
    // A copy may reach into what it writes.
    for (let byte = 0; byte < count; byte++, to++) bytes[to] = bytes[to - back] as number;
  }
  return to === length ? bytes : undefined;
}
