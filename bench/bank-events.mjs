/** What the workloads of events append: events of a bank, of eight types, each 200 bytes of JSON. */
import { defineEvents, event, json } from "./holdfast.mjs";

export const EVENT_BYTES = 200;
export const ACCOUNTS = 10_000;

/**
 * @typedef {object} BankEvent
 * @property {number} id
 * @property {string} account
 * @property {number} cents
 * @property {string} currency
 * @property {number} atMs
 * @property {string} memo as long as it takes to reach {@link EVENT_BYTES}
 */

/** One type out of eight. Each has an eighth of the events. */
export const TYPES = /** @type {const} */ ([
  "opened",
  "deposited",
  "withdrawn",
  "transferred",
  "frozen",
  "released",
  "charged",
  "closed",
]);

const codec = /** @type {typeof json<BankEvent>} */ (json)();

export const bankEvents = defineEvents({
  opened: event({ id: 1, codec }),
  deposited: event({ id: 2, codec }),
  withdrawn: event({ id: 3, codec }),
  transferred: event({ id: 4, codec }),
  frozen: event({ id: 5, codec }),
  released: event({ id: 6, codec }),
  charged: event({ id: 7, codec }),
  closed: event({ id: 8, codec }),
});

/** @typedef {import("../dist/events/index.js").EventLog<typeof bankEvents.types, any>} BankLog */

/**
 * @param {number} count
 * @returns {BankEvent[]} no two the same
 */
export function makeEvents(count) {
  const at = Date.UTC(2026, 0, 1);
  return Array.from({ length: count }, (_, index) => {
    const account = `account-${String((index * 7919) % ACCOUNTS).padStart(5, "0")}`;
    const bare = { id: index, account, cents: (index * 31) % 100_000, currency: "EUR", atMs: at + index, memo: "" };
    const room = EVENT_BYTES - JSON.stringify(bare).length;
    return { ...bare, memo: "standing order, reference 0123456789 ".repeat(5).slice(0, room) };
  });
}

/**
 * Appends events, the types in turn, as an importer would: enqueued, and written by the batch.
 *
 * @param {BankLog} log
 * @param {number} count
 * @param {number} startIndex how many events there are before
 */
export async function fill(log, count, startIndex = 0) {
  const events = makeEvents(Math.min(count, ACCOUNTS));
  for (let index = startIndex; index < startIndex + count; index++) {
    const type = /** @type {(typeof TYPES)[number]} */ (TYPES[index % TYPES.length]);
    log.enqueue(type, /** @type {BankEvent} */ (events[index % events.length]));
    // What is not durable yet is bounded.
    if (index % 10_000 === 0) await log.flush();
  }
  await log.flush();
}
