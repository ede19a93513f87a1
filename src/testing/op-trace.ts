/** The record of one run: each change of the disk at its beginning and end, with the disk at that moment, and the model events between. */
import type { DiskOperation, DiskSnapshot, SimDisk } from "../vfs/index.js";

/** One beginning or end. */
export interface TraceEntry {
  readonly phase: "begin" | "end";
  readonly operation: DiskOperation;
  readonly snapshot: DiskSnapshot;
  /** How many questions about the last crash had been answered by then. */
  readonly answers: number;
}

/** Records a run. Point `n` of a trace is the moment after its first `n` entries, and after the notes that follow them. */
export class OpTrace<E> {
  readonly entries: TraceEntry[] = [];
  readonly notes: { readonly after: number; readonly event: E }[] = [];
  readonly #initial: DiskSnapshot;
  readonly #initialAnswers: number;

  constructor(disk: SimDisk, answered: () => number) {
    this.#initial = disk.snapshot();
    this.#initialAnswers = answered();
    disk.recorder = {
      record: (phase, operation) => {
        this.entries.push({ phase, operation, snapshot: disk.snapshot(), answers: answered() });
      },
    };
  }

  note(event: E): void {
    this.notes.push({ after: this.entries.length, event });
  }

  get points(): number {
    return this.entries.length + 1;
  }

  snapshotAt(point: number): DiskSnapshot {
    return point === 0 ? this.#initial : (this.entries[point - 1] as TraceEntry).snapshot;
  }

  answersAt(point: number): number {
    return point === 0 ? this.#initialAnswers : (this.entries[point - 1] as TraceEntry).answers;
  }

  /** How many events had been noted at a point. */
  eventsAt(point: number): number {
    let count = 0;
    for (const note of this.notes) if (note.after <= point) count++;
    return count;
  }

  /**
   * Whether a power cut at the next point leaves everything that one at this point can: nothing became certain in between, and no event
   * was noted.
   */
  isCoveredByNext(point: number): boolean {
    const next = this.entries[point];
    return next !== undefined && !makesCertain(next) && !this.notes.some((note) => note.after === point + 1);
  }

  /** Whether a kill at this point can leave something that a kill just before could not. */
  isKillPoint(point: number): boolean {
    if (point === this.entries.length || this.notes.some((note) => note.after === point)) return true;
    const entry = this.entries[point - 1];
    return entry !== undefined && entry.phase === "begin" && !entry.operation.operation.startsWith("sync");
  }
}

function makesCertain(entry: TraceEntry): boolean {
  if (entry.operation.failed !== undefined) return true;
  return entry.phase === "end" && (entry.operation.durable === true || entry.operation.operation.startsWith("sync"));
}
