/** The process whose memory is measured: appends, samples its own resident size, and reports to its parent. */
import fs from "node:fs";
import { Log } from "../holdfast.mjs";
import { makePayloads } from "../writers.mjs";

const WRITERS = 64;
const SAMPLE_MS = 50;

const [directory = "", payloadText, totalText] = process.argv.slice(2);
const payloadBytes = Number(payloadText);
const totalBytes = Number(totalText);

const startBytes = process.memoryUsage.rss();
const log = await Log.open(directory);
const payloads = makePayloads(WRITERS, payloadBytes);
/** @type {import("./memory.mjs").Sample[]} */
const samples = [];
let appendedBytes = 0;
let peakBytes = startBytes;
const sampler = setInterval(() => {
  const residentBytes = process.memoryUsage.rss();
  peakBytes = Math.max(peakBytes, residentBytes);
  samples.push({ appendedBytes, residentBytes });
}, SAMPLE_MS);
const start = performance.now();
await Promise.all(
  payloads.map(async (payload) => {
    while (appendedBytes < totalBytes) {
      appendedBytes += payloadBytes;
      await log.append(payload);
    }
  }),
);
const elapsedMs = performance.now() - start;
clearInterval(sampler);
await log.close();
process.send?.({ startBytes, peakBytes: kernelPeakBytes() ?? peakBytes, elapsedMs, samples });
process.disconnect?.();

/** @returns {number | undefined} the high-water mark that the kernel keeps, where there is one to read */
function kernelPeakBytes() {
  try {
    const found = /^VmHWM:\s+(\d+) kB$/m.exec(fs.readFileSync("/proc/self/status", "utf8"));
    return found ? Number(found[1]) * 1024 : undefined;
  } catch {
    return undefined;
  }
}
