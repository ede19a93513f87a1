/** Durable appends of events by 64 writers, beside a log that is given the very payloads that the event log makes of them. */
import path from "node:path";
import { EVENT_BYTES, bankEvents, makeEvents } from "../bank-events.mjs";
import { besideLog, segmentBytesOf } from "../beside-log.mjs";
import { EventLog, Log } from "../holdfast.mjs";

const WRITERS = 64;

/** @type {import("../context.js").Workload} */
export const eventsAppend = {
  name: "events-append",
  title: `durable appends of events, ${WRITERS} writers × ${EVENT_BYTES} B of JSON`,
  needBytes: () => 2 * 2 ** 30,
  run,
};

/**
 * @param {import("../context.js").Context} context
 * @returns {Promise<import("../context.js").Outcome>}
 */
async function run(context) {
  const events = makeEvents(WRITERS);
  const payloads = await payloadsOf(path.join(context.directory, "payloads"), events);
  const segmentBytes = segmentBytesOf(context);
  const rivals = [];
  for (const flush of /** @type {const} */ (["pool", "inline"])) {
    const log = await Log.open(path.join(context.directory, `log-${flush}`), { flush, segmentBytes });
    const directory = path.join(context.directory, `events-${flush}`);
    const eventLog = await EventLog.open(directory, { events: bankEvents, log: { flush, segmentBytes } });
    rivals.push({
      flush,
      log: {
        what: "a log",
        directory: log.directory,
        append: (/** @type {number} */ writer) => log.append(/** @type {Uint8Array} */ (payloads[writer]), 1),
        prune: () => log.truncateBefore(log.lastLsn),
        close: () => log.close(),
      },
      stores: [
        {
          what: `${WRITERS} writers × ${EVENT_BYTES} B events`,
          directory,
          append: (/** @type {number} */ writer) =>
            eventLog.append("opened", /** @type {import("../bank-events.mjs").BankEvent} */ (events[writer])),
          prune: () => eventLog.truncateBefore(eventLog.lastLsn),
          close: () => eventLog.close(),
        },
      ],
    });
  }
  return await besideLog(context, WRITERS, rivals, "≥ 0.6 ×");
}

/**
 * What an event log makes of events.
 *
 * @param {string} directory
 * @param {readonly import("../bank-events.mjs").BankEvent[]} events
 * @returns {Promise<Uint8Array[]>}
 */
async function payloadsOf(directory, events) {
  const log = await Log.open(directory);
  const eventLog = await EventLog.on(log, { events: bankEvents });
  await eventLog.appendAll(events.map((data) => ({ type: "opened", data })));
  const payloads = [];
  for await (const { payload } of log.read()) payloads.push(payload);
  await eventLog.close();
  await log.close();
  return payloads;
}
