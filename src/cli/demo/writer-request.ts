/** What the process that is killed is asked to do, whichever form of the demo it works for. */
import type { Reached, WriterMessage } from "./message.js";

/** See the head of this file. */
export interface WriterRequest<O extends Reached, A extends Reached> {
  readonly directory: string;
  /** The flight file, and how many of its flights to make durable. */
  readonly data: string;
  readonly records: number;
  readonly flush: "pool" | "inline";
  readonly signal: AbortSignal;
  /** Tells the supervisor. */
  readonly send: (message: WriterMessage<O, A>) => Promise<void>;
}

/** What was written to, still open. */
export interface Written {
  close(): Promise<void>;
}
