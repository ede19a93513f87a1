/**
 * How deep the lists of some RLP nest, found without recursion and without copying. The library that decodes RLP copies a list at every level, so
 * deep nesting in a large entry would keep it busy for minutes: whoever decodes asks here first.
 */

/** Whether no list stands in more than `depthMax` lists. What is no RLP counts up to where it stops being so; the decoder refuses it. */
export function isRlpShallow(bytes: Uint8Array, depthMax: number): boolean {
  /** Where the lists end that the current place stands in. */
  const ends: number[] = [];
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at] ?? 0;
    at += 1;
    if (first < 0x80) {
      // A byte that stands for itself.
    } else {
      const short = first & 0x3f;
      const isList = first >= 0xc0;
      const lengthBytes = Math.max(0, short - 55);
      let length = lengthBytes === 0 ? short : 0;
      for (let index = 0; index < lengthBytes; index++) length = length * 256 + (bytes[at + index] ?? 0);
      at += lengthBytes;
      if (isList) {
        ends.push(at + length);
        if (ends.length > depthMax + 1) return false;
      } else {
        at += length;
      }
    }
    while (ends.length > 0 && at >= (ends.at(-1) ?? 0)) ends.pop();
  }
  return true;
}
