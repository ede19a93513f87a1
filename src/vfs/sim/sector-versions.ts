/** What one undecided sector may hold after a power cut. */
import { SeededRandom } from "../../base/index.js";
import type { SectorContent } from "./sector.js";
import { clipSector, copySector, equalSectors, normalizeSector, SECTOR_BYTES } from "./sector.js";

/** Which bytes of a torn write may be garbage: none, those written, the whole sector, or the whole block of `garbageBytes`. */
export type Garbage = "none" | "written" | "sector";

/**
 * The contents of a sector, in the order of the writes to it: `contents[0]` is what was durable, `contents[i]` what it held after the
 * i-th write since. A power cut leaves one of them, or a torn mixture of two neighbours. Never changed once it is shared.
 */
export class SectorVersions {
  readonly contents: SectorContent[];
  /** `ids[i]` is the operation that made `contents[i + 1]`. */
  readonly ids: number[];
  readonly #ranges: number[];
  /** What lies in the blocks that a lost write would have filled, in the stale profile. */
  stale: SectorContent;
  #torn: SectorContent[] | undefined;
  #distinct: number[] | undefined;

  constructor(durable: SectorContent) {
    this.contents = [durable];
    this.ids = [];
    this.#ranges = [];
  }

  /** Adds the content after one more write, which covered bytes [from, to) of the sector. */
  add(id: number, content: SectorContent, from: number, to: number): void {
    this.contents.push(content);
    this.ids.push(id);
    this.#ranges.push(from, to);
    this.#torn = undefined;
    this.#distinct = undefined;
  }

  /** The indexes in `contents` of what was durable, of every content that differs from all before it, and of the last. */
  distinct(): readonly number[] {
    if (this.#distinct !== undefined) return this.#distinct;
    const distinct: number[] = [];
    for (let at = 0; at < this.contents.length; at++) {
      const content = this.contents[at];
      if (!distinct.some((other) => equalSectors(this.contents[other], content))) distinct.push(at);
    }
    const last = this.contents.length - 1;
    if (!equalSectors(this.contents[distinct.at(-1) as number], this.contents[last])) distinct.push(last);
    this.#distinct = distinct;
    return distinct;
  }

  /** Whether the stale blocks hold something that no write made. */
  hasStale(): boolean {
    return this.stale !== undefined && !this.contents.some((content) => equalSectors(content, this.stale));
  }

  /** A copy that can be added to; every content ends at `bytes` of the sector. */
  copy(bytes: number): SectorVersions {
    const copy = new SectorVersions(clipSector(this.contents[0], bytes));
    for (let at = 0; at < this.ids.length; at++) {
      copy.add(
        this.ids[at] as number,
        clipSector(this.contents[at + 1], bytes),
        this.#ranges[at * 2] as number,
        this.#ranges[at * 2 + 1] as number,
      );
    }
    copy.stale = clipSector(this.stale, bytes);
    return copy;
  }

  /** The torn contents, none equal to another or to a whole one. */
  torn(garbage: Garbage, sector: number): readonly SectorContent[] {
    if (this.#torn !== undefined) return this.#torn;
    const torn: SectorContent[] = [];
    const offer = (candidate: SectorContent): void => {
      if (
        this.contents.some((whole) => equalSectors(whole, candidate)) ||
        torn.some((other) => equalSectors(other, candidate))
      )
        return;
      torn.push(candidate);
    };
    for (let at = 0; at < this.ids.length; at++) {
      const before = this.contents[at];
      const after = this.contents[at + 1];
      const from = this.#ranges[at * 2] as number;
      const to = this.#ranges[at * 2 + 1] as number;
      for (const cut of new Set([1, 8, (to - from) >> 1, to - from - 1])) {
        if (cut <= 0 || cut >= to - from) continue;
        const mixture = copySector(before);
        mixture.buffer.bytes.set(copySector(after).buffer.bytes.subarray(from, from + cut), from);
        offer(normalizeSector(mixture));
      }
      if (garbage !== "none") {
        const random = new SeededRandom(sector * 65_536 + ((this.ids[at] as number) & 0xffff)).fork("garbage");
        const trashed = copySector(after);
        if (garbage === "written") trashed.buffer.bytes.set(random.bytes(to - from), from);
        else trashed.buffer.bytes.set(random.bytes(SECTOR_BYTES));
        offer(normalizeSector(trashed));
      }
    }
    this.#torn = torn;
    return torn;
  }
}
