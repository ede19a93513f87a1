/** Durable appends of 100 bytes by 64 writers to a stream of a shared log, and to 64 streams of it, beside a log of their own. */
import path from "node:path";
import { besideLog, segmentBytesOf } from "../beside-log.mjs";
import { Log, SharedLog } from "../holdfast.mjs";
import { makePayloads } from "../writers.mjs";

const WRITERS = 64;
const PAYLOAD_BYTES = 100;

/** @type {import("../context.js").Workload} */
export const streams = {
  name: "streams",
  title: `durable appends to a shared log, ${WRITERS} writers × ${PAYLOAD_BYTES} B`,
  needBytes: () => 3 * 2 ** 30,
  run,
};

/**
 * @param {import("../context.js").Context} context
 * @returns {Promise<import("../context.js").Outcome>}
 */
async function run(context) {
  const payloads = makePayloads(WRITERS, PAYLOAD_BYTES);
  const segmentBytes = segmentBytesOf(context);
  const rivals = [];
  for (const flush of /** @type {const} */ (["pool", "inline"])) {
    const log = await Log.open(path.join(context.directory, `log-${flush}`), { flush, segmentBytes });
    rivals.push({
      flush,
      log: {
        what: "a log",
        directory: log.directory,
        append: (/** @type {number} */ writer) => log.append(payloadOf(payloads, writer)),
        prune: () => log.truncateBefore(log.lastLsn),
        close: () => log.close(),
      },
      stores: [
        await openShared(path.join(context.directory, `one-${flush}`), { flush, segmentBytes }, payloads, 1),
        await openShared(path.join(context.directory, `many-${flush}`), { flush, segmentBytes }, payloads, WRITERS),
      ],
    });
  }
  return await besideLog(context, WRITERS, rivals, "≥ 0.8 ×");
}

/**
 * @param {string} directory
 * @param {import("../../dist/streams/index.js").SharedLogOptions} options
 * @param {readonly Uint8Array[]} payloads one for each writer
 * @param {number} count of streams, which the writers share out
 * @returns {Promise<import("../beside-log.mjs").Appender>}
 */
async function openShared(directory, options, payloads, count) {
  const shared = await SharedLog.open(directory, options);
  const all = await Promise.all(Array.from({ length: count }, (_, index) => shared.stream(`stream ${index}`)));
  const ofWriter = payloads.map((_, writer) => /** @type {(typeof all)[number]} */ (all[writer % count]));
  return {
    what: `${WRITERS} writers × ${PAYLOAD_BYTES} B to ${count === 1 ? "a stream" : `${count} streams`}`,
    directory,
    append: (writer) => /** @type {(typeof all)[number]} */ (ofWriter[writer]).append(payloadOf(payloads, writer)),
    prune: () => Promise.all(all.map((stream) => stream.truncateBefore(stream.lastLsn + 1))),
    close: () => shared.close(),
  };
}

/**
 * @param {readonly Uint8Array[]} payloads
 * @param {number} writer
 * @returns {Uint8Array}
 */
function payloadOf(payloads, writer) {
  return /** @type {Uint8Array} */ (payloads[writer]);
}
