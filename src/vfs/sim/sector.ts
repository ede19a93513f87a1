/**
 * Sectors: the unit in which the simulated disk keeps, loses and tears bytes. A sector is never changed once it exists, so any number
 * of disks, snapshots and crash states share it.
 */

/** Bytes in a sector. */
export const SECTOR_BYTES = 512;

const SECTOR_WORDS = SECTOR_BYTES / 4;
/** Sectors in a chunk: the unit of copying when a shared map is changed. */
const CHUNK_SECTORS = 64;

/** A buffer that holds whole sectors, with both of its views. */
export class SectorBuffer {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;

  constructor(sectors: number) {
    this.bytes = new Uint8Array(sectors * SECTOR_BYTES);
    this.words = new Int32Array(this.bytes.buffer);
  }
}

/** One sector of a {@link SectorBuffer}. Where bytes are all zero, `undefined` stands for the sector. */
export class Sector {
  readonly buffer: SectorBuffer;
  /** Byte offset of the sector in the buffer. */
  readonly start: number;
  #low = 0;
  #high = 0;

  constructor(buffer: SectorBuffer, start: number) {
    this.buffer = buffer;
    this.start = start;
  }

  /** The low half of a 64-bit content hash; never 0. */
  get low(): number {
    if (this.#low === 0) this.#hash();
    return this.#low;
  }

  get high(): number {
    if (this.#low === 0) this.#hash();
    return this.#high;
  }

  #hash(): void {
    const words = this.buffer.words;
    const start = this.start >> 2;
    let low = 0x811c9dc5;
    let high = 0x2545f491;
    for (let at = start; at < start + SECTOR_WORDS; at++) {
      const word = words[at] as number;
      low = Math.imul(low ^ word, 0x9e3779b1);
      low ^= low >>> 15;
      high = Math.imul((high + word) | 0, 0x85ebca77);
      high ^= high >>> 13;
    }
    this.#low = low === 0 ? 1 : low;
    this.#high = high;
  }

  isZero(): boolean {
    const words = this.buffer.words;
    const start = this.start >> 2;
    for (let at = start; at < start + SECTOR_WORDS; at++) if (words[at] !== 0) return false;
    return true;
  }
}

/** A sector, or `undefined` for zeros. */
export type SectorContent = Sector | undefined;

/** `sector`, or `undefined` when its bytes are all zero. */
export function normalizeSector(sector: Sector): SectorContent {
  return sector.isZero() ? undefined : sector;
}

/** Whether both hold the same bytes. */
export function equalSectors(a: SectorContent, b: SectorContent): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  const left = a.buffer.words;
  const right = b.buffer.words;
  const shift = (b.start >> 2) - (a.start >> 2);
  const start = a.start >> 2;
  for (let at = start; at < start + SECTOR_WORDS; at++) if (left[at] !== right[at + shift]) return false;
  return true;
}

/** A copy of a sector's bytes in a buffer of its own, to be changed before anyone sees it. */
export function copySector(content: SectorContent): Sector {
  const buffer = new SectorBuffer(1);
  if (content !== undefined)
    buffer.bytes.set(content.buffer.bytes.subarray(content.start, content.start + SECTOR_BYTES));
  return new Sector(buffer, 0);
}

/** `content` with zeros from byte `from` on. */
export function clipSector(content: SectorContent, from: number): SectorContent {
  if (content === undefined || from >= SECTOR_BYTES) return content;
  if (from <= 0) return undefined;
  const clipped = copySector(content);
  clipped.buffer.bytes.fill(0, from);
  return normalizeSector(clipped);
}

/** Mixes a position and a content hash into one summand of a map's hash. */
export function mixHash(position: number, hash: number): number {
  let mixed = Math.imul(position + 0x51ed27, 0xcc9e2d51) ^ hash;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  return mixed ^ (mixed >>> 13);
}

interface Chunk {
  readonly owner: object;
  readonly sectors: SectorContent[];
}

/** The sectors of a file by index; a missing one is zeros. Forking is cheap: chunks are copied when first changed. */
export class SectorMap {
  #chunks: (Chunk | undefined)[];
  #spineShared: boolean;
  #owner: object = {};
  /** A hash of all contents and their positions, kept up to date by every `set`. */
  low = 0;
  high = 0;

  constructor(chunks: (Chunk | undefined)[] = [], spineShared = false) {
    this.#chunks = chunks;
    this.#spineShared = spineShared;
  }

  get(index: number): SectorContent {
    const chunk = this.#chunks[(index / CHUNK_SECTORS) | 0];
    return chunk === undefined ? undefined : chunk.sectors[index % CHUNK_SECTORS];
  }

  set(index: number, content: SectorContent): void {
    const chunkIndex = (index / CHUNK_SECTORS) | 0;
    let chunk = this.#chunks[chunkIndex];
    const before = chunk === undefined ? undefined : chunk.sectors[index % CHUNK_SECTORS];
    if (before === content) return;
    if (before !== undefined) {
      this.low = (this.low - mixHash(index, before.low)) | 0;
      this.high = (this.high - mixHash(index, before.high)) | 0;
    }
    if (content !== undefined) {
      this.low = (this.low + mixHash(index, content.low)) | 0;
      this.high = (this.high + mixHash(index, content.high)) | 0;
    }
    if (this.#spineShared) {
      this.#chunks = this.#chunks.slice();
      this.#spineShared = false;
    }
    if (chunk === undefined) {
      chunk = { owner: this.#owner, sectors: new Array<SectorContent>(CHUNK_SECTORS).fill(undefined) };
      this.#chunks[chunkIndex] = chunk;
    } else if (chunk.owner !== this.#owner) {
      chunk = { owner: this.#owner, sectors: chunk.sectors.slice() };
      this.#chunks[chunkIndex] = chunk;
    }
    chunk.sectors[index % CHUNK_SECTORS] = content;
  }

  /** Calls `visit` for every sector that is not zeros, in order, from `first` on. */
  forEach(visit: (index: number, sector: Sector) => void, first = 0): void {
    for (let chunkIndex = (first / CHUNK_SECTORS) | 0; chunkIndex < this.#chunks.length; chunkIndex++) {
      const chunk = this.#chunks[chunkIndex];
      if (chunk === undefined) continue;
      for (let at = 0; at < CHUNK_SECTORS; at++) {
        const sector = chunk.sectors[at];
        const index = chunkIndex * CHUNK_SECTORS + at;
        if (sector !== undefined && index >= first) visit(index, sector);
      }
    }
  }

  /** Makes every byte from `bytes` on zero. */
  cut(bytes: number): void {
    const partial = bytes % SECTOR_BYTES;
    const first = Math.ceil(bytes / SECTOR_BYTES);
    const doomed: number[] = [];
    this.forEach((index) => doomed.push(index), first);
    for (const index of doomed) this.set(index, undefined);
    if (partial !== 0) {
      const index = first - 1;
      const content = this.get(index);
      const clipped = clipSector(content, partial);
      if (!equalSectors(content, clipped)) this.set(index, clipped);
    }
  }

  /** An independent map with the same contents. */
  fork(): SectorMap {
    this.#spineShared = true;
    this.#owner = {};
    const copy = new SectorMap(this.#chunks, true);
    copy.low = this.low;
    copy.high = this.high;
    return copy;
  }
}
