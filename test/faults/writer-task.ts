import type { LogOptions } from "holdfast/log";
import type { GenerationStarts } from "./records.js";

/** What a writer process is told to do. */
export interface WriterTask {
  readonly directory: string;
  readonly options: Omit<LogOptions, "vfs">;
  readonly seed: number;
  /** This process; above those that wrote before it. */
  readonly generation: number;
  /** Who wrote what is there. */
  readonly starts: GenerationStarts;
  /** Reads and checks every record from this LSN on; `undefined` reads nothing. */
  readonly verifyFrom: number | undefined;
  /** After that: append, keep the log open and do nothing, or close it. */
  readonly afterwards: "write" | "hold" | "close";
  /** Concurrent writers. */
  readonly writers: number;
  /** Stop after so many acknowledged records. */
  readonly records: number;
  /** Drop the older half whenever the log holds more records than this; 0 never does. */
  readonly truncateAbove: number;
}
