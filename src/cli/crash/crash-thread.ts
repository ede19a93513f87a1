/** A thread that runs its share of the cases and posts each outcome. */
import { parentPort, workerData } from "node:worker_threads";
import { type CrashShare, runShare } from "./crash-budget.js";

const port = parentPort;
if (port !== null) {
  await runShare(workerData as CrashShare, (outcome) => {
    port.postMessage(outcome);
    return true;
  });
}
