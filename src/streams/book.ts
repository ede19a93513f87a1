/**
 * What a shared log holds, in memory: its streams and where their entries stand. The same methods apply a record when it is acknowledged and when it is
 * read again by an opening, so that both come to the same.
 */
import { Visibility } from "./visibility.js";
import { LsnIndex } from "./lsn-index.js";
import type { SegmentUse } from "./segment-use.js";

/** One stream. */
export class StreamState {
  readonly id: number;
  readonly name: string;
  readonly nameBytes: Uint8Array;
  /** The acknowledged entries. */
  index: LsnIndex = new LsnIndex(1);
  /** The physical LSN of the newest record of its state: the one record about it, beside its entries, that is needed. 0 before the first. */
  statePhysical = 0;
  /** The bounds once everything is acknowledged that was accepted. */
  acceptedFirst = 1;
  acceptedNext = 1;
  /** Truncations on their way, and the lowest LSN that those of them which cut take away. */
  pendingTruncations = 0;
  pendingCutLsn: number = Number.POSITIVE_INFINITY;
  /** How often its newest entries were cut, and above which LSN the last time. */
  cuts = 0;
  cutLsn = 0;
  /** No crash takes away an entry up to this one, or brings its number back. */
  durableFloor = 0;
  /** It was dropped, or its dropping is on its way. */
  dropped = false;
  readonly visibility: Visibility = new Visibility();

  constructor(id: number, name: string, nameBytes: Uint8Array) {
    this.id = id;
    this.name = name;
    this.nameBytes = nameBytes;
  }

  get firstLsn(): number {
    return this.index.first;
  }

  get lastLsn(): number {
    return this.index.end - 1;
  }

  /** Takes the acknowledged bounds for the accepted ones: nothing is on its way. */
  settle(): void {
    this.acceptedFirst = this.index.first;
    this.acceptedNext = this.index.end;
    this.durableFloor = this.index.end - 1;
    this.cuts = 0;
  }
}

/** See the head of this file. */
export class StreamBook {
  readonly byId: Map<number, StreamState> = new Map();
  readonly byName: Map<string, StreamState> = new Map();
  /** The id that the next new stream gets. Never given again while a record of the stream is left. */
  nextId = 1;
  readonly use: SegmentUse;

  constructor(use: SegmentUse) {
    this.use = use;
  }

  /** Adds a stream whose first record is still to come. */
  add(stream: StreamState): void {
    this.byId.set(stream.id, stream);
    this.byName.set(stream.name, stream);
    this.nextId = Math.max(this.nextId, stream.id + 1);
  }

  /** The next entry of the stream stands at `physical`. */
  applyEntry(stream: StreamState, physical: number): void {
    stream.index.push(physical);
    this.use.add(physical);
  }

  /** An entry stands at `physical` now. */
  applyMoved(stream: StreamState, lsn: number, physical: number): void {
    const from = stream.index.get(lsn);
    stream.index.set(lsn, physical);
    this.use.add(physical);
    if (from !== 0) this.use.remove(from);
  }

  /** The stream holds `[first, next)` from the record at `physical` on. */
  applyState(stream: StreamState, physical: number, first: number, next: number): void {
    if (stream.statePhysical !== 0) this.use.remove(stream.statePhysical);
    stream.statePhysical = physical;
    this.use.add(physical);
    if (next < stream.index.end) {
      stream.cuts += 1;
      stream.cutLsn = next - 1;
    }
    stream.index.setRange(first, next, (dropped) => this.use.remove(dropped));
    stream.durableFloor = Math.min(stream.durableFloor, next - 1);
  }

  /** The stream is no more. */
  applyDrop(stream: StreamState): void {
    stream.dropped = true;
    this.use.remove(stream.statePhysical);
    stream.index.setRange(stream.index.end, stream.index.end, (dropped) => this.use.remove(dropped));
    this.byId.delete(stream.id);
    if (this.byName.get(stream.name) === stream) this.byName.delete(stream.name);
  }
}
