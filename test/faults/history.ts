import type { GenerationStarts } from "./records.js";
import type { WriterProcess } from "./writer-process.js";
import type { WriterTask } from "./writer-task.js";

/**
 * What the writers of one directory were promised so far, and the check that the next one finds it. Generations count up; each
 * writes records that no other writes.
 */
export class History {
  readonly seed: number;
  /** Highest LSN that must be there: acknowledged, or shown by an open log. */
  floorLsn = 0;
  generation = 0;
  acknowledgements = 0;
  #starts: [number, number][] = [];
  #truncationIssued = 0;
  #truncationDone = 0;

  constructor(seed: number) {
    this.seed = seed;
  }

  /** The task of the next process. */
  next(task: Omit<WriterTask, "seed" | "generation" | "starts">): WriterTask {
    this.generation++;
    const starts: GenerationStarts = this.#starts;
    return { ...task, seed: this.seed, generation: this.generation, starts };
  }

  /** Checks the bounds that a process found; from here on its own records follow them. Throws when something is missing. */
  opened(writer: WriterProcess): void {
    const { opened } = writer;
    if (opened === undefined)
      throw new Error(`the log did not open: ${JSON.stringify(writer.refused)} ${writer.stderr}`);
    const { firstLsn, lastLsn } = opened;
    if (lastLsn < this.floorLsn) throw new LostRecordsError(this.floorLsn, lastLsn);
    if (firstLsn < Math.max(1, this.#truncationDone)) {
      throw new Error(`LSN ${firstLsn} is back, and everything before ${this.#truncationDone} had been dropped`);
    }
    if (firstLsn > Math.max(1, this.#truncationIssued)) {
      throw new Error(`the log starts at ${firstLsn}, and only what is before ${this.#truncationIssued} was dropped`);
    }
    // What an open log shows counts as acknowledged (R3).
    this.floorLsn = lastLsn;
    this.#starts = this.#starts.filter(([, start]) => start <= lastLsn);
    this.#starts.push([this.generation, lastLsn + 1]);
  }

  /** Takes over what a process was promised, as far as it has been read by now. */
  take(writer: WriterProcess): void {
    this.floorLsn = Math.max(this.floorLsn, writer.acknowledgedLsn);
    this.acknowledgements += writer.acknowledgements;
    this.#truncationDone = Math.max(this.#truncationDone, writer.truncationDone);
    this.noteIssued(writer);
  }

  /** What was asked for may have happened, whether or not it was acknowledged. */
  noteIssued(writer: WriterProcess): void {
    this.#truncationIssued = Math.max(this.#truncationIssued, writer.truncationIssued);
  }
}

/** Acknowledged records are gone. */
export class LostRecordsError extends Error {
  constructor(floorLsn: number, lastLsn: number) {
    super(`LSN ${floorLsn} had been acknowledged, and the log ends at ${lastLsn}`);
    this.name = "LostRecordsError";
  }
}
