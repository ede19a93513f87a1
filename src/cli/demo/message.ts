/** What the process that is killed tells its supervisor: one JSON document per line on its stdout. */
import type { ExitCode } from "../exit-code.js";

/**
 * One message. `O` is what a process found when it opened its files, `A` what it acknowledges. `done`: how much of its work is durable, flights or
 * blocks, counted as the kills are planned.
 */
export type WriterMessage<O, A> =
  | { readonly kind: "opened"; readonly done: number; readonly opening: O }
  | { readonly kind: "acknowledged"; readonly done: number; readonly acknowledged: A }
  /** Everything is durable; the files stay open until the supervisor says `close`. */
  | { readonly kind: "finished" }
  | { readonly kind: "failed"; readonly code: string; readonly message: string; readonly exitCode: ExitCode };

/** The line that a supervisor writes to have the files closed. */
export const closeRequest = "close";

/** Cuts a stream of text into messages. A line that a kill cut short never comes out. */
export class MessageDecoder<O, A> {
  #rest = "";

  push(text: string): WriterMessage<O, A>[] {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    return lines.map((line) => JSON.parse(line) as WriterMessage<O, A>);
  }
}

/** Counters of two processes together. */
export function addCounters<C extends { readonly [name in keyof C]: number }>(a: C, b: C): C {
  const names = Object.keys(a) as (keyof C)[];
  return Object.fromEntries(names.map((name) => [name, a[name] + b[name]])) as C;
}
