/** The process that verifies, exports or imports, and watches its own memory meanwhile. */
import fs from "node:fs";
import { FlatKv, importFlatKv } from "../holdfast.mjs";

const SAMPLE_MS = 20;
const PIECE_BYTES = 256 * 1024;

const [task = "", directory = "", file = ""] = process.argv.slice(2);
/** @type {import("./scans.mjs").Sample[]} */
const samples = [];
let rows = 0;
const onProgress = (/** @type {{ rows?: number, count?: number }} */ progress) => {
  rows = progress.rows ?? progress.count ?? 0;
};

const store = task === "import" ? undefined : await FlatKv.open(directory);
const startBytes = process.memoryUsage.rss();
const sampler = setInterval(() => samples.push({ rows, bytes: process.memoryUsage.rss() }), SAMPLE_MS);
const start = performance.now();
let total = 0;
if (store === undefined) {
  const source = fs.createReadStream(file, { highWaterMark: PIECE_BYTES });
  ({ rows: total } = await importFlatKv(directory, source, { onProgress }));
} else if (task === "export") {
  const handle = await fs.promises.open(file, "w");
  for await (const piece of store.export({ onProgress })) await handle.write(piece);
  await handle.close();
  total = rows;
} else {
  const report = await store.verify({ journal: false, onProgress });
  if (!report.sound) throw new Error("The store is not sound.");
  total = report.databases.reduce((sum, one) => sum + one.rows, 0);
}
const ms = performance.now() - start;
clearInterval(sampler);
const peakBytes = samples.reduce((most, { bytes }) => Math.max(most, bytes), startBytes);
await store?.close();
process.send?.({ ms, rows: total, startBytes, peakBytes, samples });
process.disconnect?.();
