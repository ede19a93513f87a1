/** What LevelDB's files are written in: varints, and CRC-32Cs that are masked because they may stand in what is checked by another. Pure. */

const MASK_DELTA = 0xa282_ead8;

/** Reads varints; past the end, or beyond what a number holds, it fails and gives zeros. */
export class Fields {
  failed = false;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** How far it has read. */
  get at(): number {
    return this.#at;
  }

  get more(): boolean {
    return !this.failed && this.#at < this.#bytes.length;
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 63; factor *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) break;
      value += (byte & 127) * factor;
      if (byte < 128 && Number.isSafeInteger(value)) return value;
      if (byte < 128) break;
    }
    this.failed = true;
    return 0;
  }

  skip(bytes: number): void {
    this.#at += bytes;
    if (this.#at > this.#bytes.length) this.failed = true;
  }

  skipText(): void {
    this.skip(this.varint());
  }
}

/** The CRC-32C that was masked. */
export function unmask(masked: number): number {
  const rotated = (masked - MASK_DELTA) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}
