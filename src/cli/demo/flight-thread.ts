/** The thread that reads the flight file, so that the thread that appends never waits for the decoder. See `flight-source.ts`. */
import { parentPort, workerData } from "node:worker_threads";
import { HoldfastError } from "../../base/index.js";
import { openFlightFile } from "./flight-file.js";
import type { FlightReply, FlightRequest } from "./flight-source.js";

const port = parentPort;
if (port === null) throw new Error("flight-thread runs as a worker thread only");

const { path, first, last } = workerData as FlightRequest;
const file = await openFlightFile(path);
const chunks = file.read(first, last);

// One reply for each request, in order: the requests are the bound on what is read ahead.
let turn: Promise<void> = Promise.resolve();
port.on("message", () => {
  turn = turn.then(async () => {
    try {
      const next = await chunks.next();
      const reply: FlightReply = next.done === true ? { kind: "end" } : { kind: "chunk", chunk: next.value };
      port.postMessage(reply, reply.kind === "chunk" ? [reply.chunk.bytes.buffer] : []);
    } catch (error) {
      const code = error instanceof HoldfastError ? error.code : undefined;
      const reply: FlightReply = {
        kind: "error",
        code,
        message: error instanceof Error ? error.message : String(error),
      };
      port.postMessage(reply);
    }
  });
});
