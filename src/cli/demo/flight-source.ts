/** Flights in order, decoded ahead of their use on a thread of their own. */
import { Worker } from "node:worker_threads";
import { FormatError } from "../../base/index.js";
import type { FlightChunk } from "./flight-file.js";

/** What the thread is asked to read. */
export interface FlightRequest {
  readonly path: string;
  readonly first: number;
  readonly last: number;
}

/** One answer of the thread. */
export type FlightReply =
  | { readonly kind: "chunk"; readonly chunk: FlightChunk }
  | { readonly kind: "end" }
  | { readonly kind: "error"; readonly code: string | undefined; readonly message: string };

/** Chunks decoded or being decoded beyond the one in use. Each is up to 9 MB, and some 100 MB while it is decoded. */
const aheadMax = 2;

/** Reads flights `first` to `last` of a file. Ends its thread when the loop over it ends, however it ends. */
export async function* readFlightsAhead(request: FlightRequest): AsyncGenerator<FlightChunk, void, undefined> {
  if (request.first > request.last) return;
  const thread = new Worker(new URL("./flight-thread.js", import.meta.url), { workerData: request });
  const replies: FlightReply[] = [];
  let failure: unknown;
  let failed = false;
  let wake: () => void = () => undefined;
  const fail = (error: unknown): void => {
    failure ??= error;
    failed = true;
    wake();
  };
  thread.on("message", (reply: FlightReply) => {
    replies.push(reply);
    wake();
  });
  thread.on("error", fail);
  thread.on("exit", () => fail(new Error("the thread that reads the flights ended early")));
  try {
    for (let ahead = 0; ahead < aheadMax; ahead++) thread.postMessage("next");
    for (;;) {
      while (replies.length === 0) {
        if (failed) throw failure;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const reply = replies.shift();
      if (reply === undefined || reply.kind === "end") return;
      if (reply.kind === "error") {
        throw reply.code === undefined
          ? new Error(reply.message)
          : new FormatError(reply.code, reply.message, { path: request.path });
      }
      thread.postMessage("next");
      yield reply.chunk;
    }
  } finally {
    await thread.terminate();
  }
}
