/** What the process that is killed is asked to do, whichever form of the demo it works for. */
import type { WriterMessage } from "./message.js";

/** See the head of this file. */
export interface WriterRequest<O, A> {
  readonly directory: string;
  readonly signal: AbortSignal;
  /** Tells the supervisor. */
  readonly send: (message: WriterMessage<O, A>) => Promise<void>;
}

/** The same, for the plain log. */
export interface FlightsRequest<O, A> extends WriterRequest<O, A> {
  /** The flight file, and how many of its flights to make durable. */
  readonly data: string;
  readonly records: number;
  readonly flush: "pool" | "inline";
}

/** What was written to, still open. */
export interface Written {
  close(): Promise<void>;
}
