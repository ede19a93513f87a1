/** What the process that is killed tells its supervisor: one JSON document per line on its stdout. */
import type { ExitCode } from "../exit-code.js";

/** How far a process is. */
export interface Reached {
  /** Every flight up to this one is durable: it was told so. */
  readonly flights: number;
}

/** One message. `O` is what a process found when it opened its files, `A` what it acknowledges. */
export type WriterMessage<O extends Reached, A extends Reached> =
  | { readonly kind: "opened"; readonly opening: O }
  | { readonly kind: "acknowledged"; readonly acknowledged: A }
  /** Everything is durable; the files stay open until the supervisor says `close`. */
  | { readonly kind: "finished" }
  | { readonly kind: "failed"; readonly code: string; readonly message: string; readonly exitCode: ExitCode };

/** The line that a supervisor writes to have the files closed. */
export const closeRequest = "close";

/** Cuts a stream of text into messages. A line that a kill cut short never comes out. */
export class MessageDecoder<O extends Reached, A extends Reached> {
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
