/**
 * Where the entries of one stream stand in the physical log: a ring of numbers, four bytes a place, at most half of them unused once it has grown.
 *
 *      first                          end
 *      |  12 | 13 | 17 | – | 40 | 41 |          physical LSNs; "–" is an entry that is not known yet, which only recovery meets
 *
 * Physical LSNs are kept as distances from a base. Should they ever be 2^32 apart, the ring goes over to eight bytes a place.
 */

const NONE = new Uint32Array(0);
const CAPACITY_MIN = 8;
/** A ring up to this size is not made smaller. */
const CAPACITY_KEPT = 64;
const DISTANCE_MAX = 0xffff_fffe;

/** See the head of this file. */
export class LsnIndex {
  #first: number;
  #end: number;
  /** Distance from the base plus one; 0 for what is not known. The place of an LSN is its remainder by the length, a power of two. */
  #slots: Uint32Array | Float64Array = NONE;
  #base = 0;

  /** An empty index whose next LSN is `nextLsn`. */
  constructor(nextLsn: number) {
    this.#first = nextLsn;
    this.#end = nextLsn;
  }

  /** The oldest LSN; `end` where there is none. */
  get first(): number {
    return this.#first;
  }

  /** The LSN behind the newest. */
  get end(): number {
    return this.#end;
  }

  get count(): number {
    return this.#end - this.#first;
  }

  /** Bytes in memory. */
  get bytes(): number {
    return this.#slots.byteLength;
  }

  /** The physical LSN of an entry; 0 where it is not there, or not known. */
  get(lsn: number): number {
    if (lsn < this.#first || lsn >= this.#end) return 0;
    const slot = this.#slots[lsn % this.#slots.length]!;
    return slot === 0 ? 0 : slot - 1 + this.#base;
  }

  /** Adds the next entry. */
  push(physical: number): void {
    if (this.count === this.#slots.length) this.#resize(Math.max(CAPACITY_MIN, this.#slots.length * 2));
    if (this.count === 0) this.#base = physical;
    this.#end += 1;
    this.#put(this.#end - 1, physical);
  }

  /** Says where an entry in `[first, end)` stands. */
  set(lsn: number, physical: number): void {
    this.#put(lsn, physical);
  }

  /** Makes `[first, end)` the range: entries outside are told to `onDrop` and forgotten, entries inside that are new are not known yet. */
  setRange(first: number, end: number, onDrop: (physical: number) => void): void {
    if (end < this.#end) this.#drop(Math.max(end, this.#first), this.#end, onDrop);
    if (first > this.#first) this.#drop(this.#first, Math.min(first, Math.min(this.#end, end)), onDrop);
    const keptFirst = Math.min(Math.max(this.#first, first), end);
    const keptEnd = Math.max(keptFirst, Math.min(this.#end, end));
    const isEmpty = keptEnd === keptFirst;
    this.#first = isEmpty ? first : keptFirst;
    this.#end = isEmpty ? first : keptEnd;
    const needed = end - first;
    if (needed > this.#slots.length) {
      let capacity = Math.max(CAPACITY_MIN, this.#slots.length);
      while (capacity < needed) capacity *= 2;
      this.#resize(capacity);
    }
    // Places outside of the range are always 0.
    this.#first = first;
    this.#end = end;
    if (this.#slots.length > CAPACITY_KEPT && needed * 4 < this.#slots.length) {
      let capacity = CAPACITY_KEPT;
      while (capacity < needed) capacity *= 2;
      this.#resize(needed === 0 ? 0 : capacity);
    } else if (needed === 0) this.#slots = NONE;
  }

  #put(lsn: number, physical: number): void {
    const distance = physical - this.#base;
    if (distance < 0 || (distance > DISTANCE_MAX && this.#slots instanceof Uint32Array)) this.#rebase(physical);
    this.#slots[lsn % this.#slots.length] = physical - this.#base + 1;
  }

  #drop(from: number, end: number, onDrop: (physical: number) => void): void {
    const slots = this.#slots;
    for (let lsn = from; lsn < end; lsn++) {
      const at = lsn % slots.length;
      if (slots[at] !== 0) onDrop(slots[at]! - 1 + this.#base);
      slots[at] = 0;
    }
  }

  #resize(capacity: number): void {
    const wide = this.#slots instanceof Float64Array;
    const slots = wide ? new Float64Array(capacity) : new Uint32Array(capacity);
    for (let lsn = this.#first; lsn < this.#end; lsn++) slots[lsn % capacity] = this.#slots[lsn % this.#slots.length]!;
    this.#slots = slots;
  }

  /** Makes room for `physical`, below the base or far above it. */
  #rebase(physical: number): void {
    const slots = new Float64Array(this.#slots.length);
    for (let at = 0; at < slots.length; at++) if (this.#slots[at] !== 0) slots[at] = this.#slots[at]! + this.#base;
    let highest = physical;
    for (const slot of slots) highest = Math.max(highest, slot);
    const lowest = Math.min(physical, this.#base);
    // Half of the reach below, so that a row of falling numbers does not come here each time.
    this.#base = highest - lowest < DISTANCE_MAX / 2 ? Math.max(0, lowest - 2 ** 20) : 0;
    const narrow = highest - this.#base < DISTANCE_MAX;
    const next = narrow ? new Uint32Array(slots.length) : slots;
    for (let at = 0; at < slots.length; at++) if (slots[at] !== 0) next[at] = slots[at]! - this.#base;
    this.#slots = next;
  }
}
