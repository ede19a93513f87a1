/** Reading a whole log from the page cache, every checksum verified, beside reading the same files and looking at nothing. */
import path from "node:path";
import { rate, times } from "../format.mjs";
import { Log } from "../holdfast.mjs";
import { readFiles } from "../read-files.mjs";
import { median } from "../statistics.mjs";
import { makePayloads } from "../writers.mjs";

const GIGABYTE = 1e9;

/** @type {import("../context.js").Workload} */
export const replay = {
  name: "replay",
  title: "replay, warm cache, every checksum verified",
  needBytes: ({ quick }) => (quick ? 2 ** 28 : 3 * 2 ** 30),
  run,
};

/**
 * How the log was written and is read. `batch`: records in a group.
 *
 * @typedef {object} Form
 * @property {number} payloadBytes
 * @property {number} records
 * @property {number} batch
 * @property {"readBatches" | "read"} by
 * @property {"records" | "bytes"} unit
 * @property {number | undefined} asked records or bytes a second
 */

/**
 * @param {boolean} quick
 * @returns {Form[]}
 */
function formsOf(quick) {
  const few = quick ? 200_000 : 3_000_000;
  const large = quick ? 8_000 : 120_000;
  return [
    { payloadBytes: 100, records: few, batch: 1000, by: "readBatches", unit: "records", asked: 5_000_000 },
    { payloadBytes: 100, records: few, batch: 1000, by: "read", unit: "records", asked: undefined },
    { payloadBytes: 100, records: few, batch: 64, by: "readBatches", unit: "records", asked: 5_000_000 },
    { payloadBytes: 100, records: few, batch: 64, by: "read", unit: "records", asked: undefined },
    { payloadBytes: 4096, records: large, batch: 64, by: "readBatches", unit: "bytes", asked: 1.5 * GIGABYTE },
    { payloadBytes: 4096, records: large, batch: 64, by: "read", unit: "bytes", asked: undefined },
  ];
}

/**
 * @param {import("../context.js").Context} context
 * @returns {Promise<import("../context.js").Outcome>}
 */
async function run({ directory, rounds, quick, progress }) {
  /** @type {Map<string, Log>} */
  const logs = new Map();
  const forms = formsOf(quick).map((form) => ({
    form,
    perSecond: /** @type {number[]} */ ([]),
    plain: /** @type {number[]} */ ([]),
  }));
  for (const { form } of forms) {
    const key = `${form.payloadBytes}-${form.batch}`;
    if (logs.has(key)) continue;
    progress(`writing ${form.records.toLocaleString("en")} records of ${form.payloadBytes} B`);
    logs.set(key, await write(path.join(directory, key), form));
  }
  // The first round warms cache and code, and is not counted.
  for (let round = 0; round <= rounds; round++) {
    if (round > 0) progress(`round ${round} of ${rounds}`);
    for (const { form, perSecond, plain } of forms) {
      const log = /** @type {Log} */ (logs.get(`${form.payloadBytes}-${form.batch}`));
      const amount = form.unit === "records" ? form.records : form.records * form.payloadBytes;
      const took = form.by === "read" ? await readAll(log, form) : await readAllBatches(log, form);
      const least = readFiles(log.directory, log.stats().writtenBytes);
      if (round === 0) continue;
      perSecond.push((amount * 1000) / took);
      plain.push((amount * 1000) / least);
    }
  }
  for (const log of logs.values()) await log.close();

  const rows = forms.map(({ form, perSecond, plain }) => {
    const ours = median(perSecond);
    const show = (/** @type {number} */ amount) =>
      form.unit === "records" ? rate(amount) : `${(amount / GIGABYTE).toFixed(2)} GB/s`;
    return {
      what: `replay of ${form.payloadBytes === 100 ? "100 B" : "4 KiB"} records, groups of ${form.batch.toLocaleString("en")}, ${form.by}`,
      measured: show(ours),
      beside: `${show(median(plain))} to read the files`,
      ratio: times(ours / median(plain)),
      asked: form.asked === undefined ? "" : `≥ ${show(form.asked)}`,
      reached: form.asked === undefined ? undefined : ours >= form.asked,
    };
  });
  return { rows, notes: ["Each payload is taken as a view and one of its bytes read."], rounds: forms };
}

/**
 * @param {string} directory
 * @param {Form} form
 * @returns {Promise<Log>} an open log that holds `form.records`
 */
async function write(directory, form) {
  const log = await Log.open(directory, { durability: "os" });
  const payloads = makePayloads(form.batch, form.payloadBytes);
  for (let left = form.records; left > 0; left -= form.batch) {
    await log.appendAll(left >= form.batch ? payloads : payloads.slice(0, left));
  }
  await log.sync();
  return log;
}

/**
 * @param {Log} log
 * @param {Form} form
 * @returns {Promise<number>} milliseconds
 */
async function readAllBatches(log, { records, payloadBytes }) {
  let seen = 0;
  let bytes = 0;
  let sum = 0;
  const start = performance.now();
  for await (const batch of log.readBatches()) {
    for (let index = 0, { count } = batch; index < count; index++) {
      const payload = batch.payload(index);
      bytes += payload.length;
      sum += /** @type {number} */ (payload[0]);
    }
    seen += batch.count;
  }
  const took = performance.now() - start;
  checkSeen(seen, bytes, sum, records, payloadBytes);
  return took;
}

/**
 * @param {Log} log
 * @param {Form} form
 * @returns {Promise<number>} milliseconds
 */
async function readAll(log, { records, payloadBytes }) {
  let seen = 0;
  let bytes = 0;
  let sum = 0;
  const start = performance.now();
  for await (const { payload } of log.read()) {
    seen++;
    bytes += payload.length;
    sum += /** @type {number} */ (payload[0]);
  }
  const took = performance.now() - start;
  checkSeen(seen, bytes, sum, records, payloadBytes);
  return took;
}

/**
 * @param {number} seen
 * @param {number} bytes
 * @param {number} sum
 * @param {number} records
 * @param {number} payloadBytes
 */
function checkSeen(seen, bytes, sum, records, payloadBytes) {
  if (seen === records && bytes === records * payloadBytes && sum > 0) return;
  throw new Error(`The replay gave ${seen} records and ${bytes} bytes, not ${records} and ${records * payloadBytes}.`);
}
