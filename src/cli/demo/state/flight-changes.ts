/**
 * What a block of flights does to the state. An airport is an account with a code; its address is its code's four bytes behind 16 zero bytes.
 *
 *     database  key                                     row
 *     account   address of the airport                  balance: miles of all its departures; nonce: how many; hash of its code
 *     code      address                                 the airport's code in ASCII, written with its first block
 *     storage   address | slot: day since 1970          32 bytes: departures u64, miles u64, late minutes u64, newest flight u64, big-endian
 *     storage   address | slot 2^255                    32 bytes: number of its newest flight, big-endian
 *     legacy    "flight/" | number of that flight, u64  the flight as the file has it; goes when a newer one comes
 *
 * Every database gets new rows, changed ones and, in `legacy`, deleted ones. A block touches rows of its own airport alone, so the blocks of a round can be
 * applied in any order.
 */
import { keccak256 } from "../../../hash/index.js";
import { FormatError } from "../../../base/index.js";
import { decodeFlight, flightBytes, writeCode } from "../flight.js";
import { type Account, type Change, decodeAccount, encodeAccount } from "../../../flatkv/index.js";
import type { RowReader, StateChangeSet } from "./change-set.js";

/** A block, as far as the state is concerned: flights that leave from one airport, which the lane is named after, encoded one after the other. */
export interface StateBlock {
  readonly lane: string;
  readonly body: Uint8Array;
}

const addressBytes = 20;
const wordBytes = 32;
const noAccount: Account = { balance: 0n, nonce: 0n };
const dayMicros = 86_400_000_000;
const encoder = new TextEncoder();
const flightPrefix = encoder.encode("flight/");

/** The change sets of blocks of different airports, as a round has them: for each block one set for each database that it changes. */
export async function flightChangeSets(blocks: readonly StateBlock[], rows: RowReader): Promise<StateChangeSet[]> {
  const plans = blocks.map(planBlock);
  const accounts = await rows.getMany(
    plans.map(({ address }) => address),
    { database: "account" },
  );
  const slots = await rows.getMany(
    plans.flatMap(({ newestKey, days }) => [newestKey, ...days.map(({ key }) => key)]),
    { database: "storage" },
  );
  let slot = 0;
  return plans.flatMap((plan, index) => {
    const newest = slots[slot];
    const days = slots.slice(slot + 1, slot + 1 + plan.days.length);
    slot += 1 + plan.days.length;
    return changesOf(plan, accounts[index], newest, days);
  });
}

/** What the flights of a block on one day add up to. */
interface Day {
  readonly key: Uint8Array;
  flights: number;
  miles: number;
  lateMinutes: number;
  newest: number;
}

/** What a block adds, before anything is read. */
interface Plan {
  readonly airport: string;
  readonly address: Uint8Array;
  readonly newestKey: Uint8Array;
  /** The block's last flight. */
  readonly newest: Uint8Array;
  readonly newestNumber: number;
  readonly flights: number;
  readonly miles: number;
  readonly days: readonly Day[];
}

function planBlock({ lane: airport, body: flights }: StateBlock): Plan {
  const address = airportAddress(airport);
  const days = new Map<number, Day>();
  let miles = 0;
  let newestNumber = 0;
  for (let at = 0; at < flights.length; at += flightBytes) {
    const flight = decodeFlight(flights.subarray(at, at + flightBytes));
    if (flight.distanceMiles < 0)
      throw new FormatError("HF_FORMAT_UNKNOWN", `Flight ${flight.number} goes ${flight.distanceMiles} miles.`);
    const number = Math.floor(flight.departureMicros / dayMicros);
    let day = days.get(number);
    if (day === undefined) {
      day = { key: daySlotKey(address, number), flights: 0, miles: 0, lateMinutes: 0, newest: 0 };
      days.set(number, day);
    }
    day.flights += 1;
    day.miles += flight.distanceMiles;
    day.lateMinutes += Math.max(0, flight.delayMinutes);
    day.newest = flight.number;
    miles += flight.distanceMiles;
    newestNumber = flight.number;
  }
  if (newestNumber === 0) throw new FormatError("HF_FORMAT_UNKNOWN", `A block of ${airport} has no flights.`);
  return {
    airport,
    address,
    newestKey: newestSlotKey(address),
    newest: flights.slice(flights.length - flightBytes),
    newestNumber,
    flights: flights.length / flightBytes,
    miles,
    days: [...days.values()],
  };
}

function changesOf(
  plan: Plan,
  accountRow: Uint8Array | undefined,
  newestRow: Uint8Array | undefined,
  dayRows: readonly (Uint8Array | undefined)[],
): StateChangeSet[] {
  const { address } = plan;
  const account = accountRow === undefined ? noAccount : decodeAccount(accountRow, address);
  const code = encoder.encode(plan.airport);
  const after = encodeAccount({
    balance: account.balance + BigInt(plan.miles),
    nonce: account.nonce + BigInt(plan.flights),
    codeHash: account.codeHash ?? keccak256.hash(code),
  });
  const slots: Change[] = plan.days.map(({ key, flights, miles, lateMinutes, newest }, index) => {
    const [flightsBefore = 0, milesBefore = 0, lateBefore = 0] = wordOf(dayRows[index]);
    return { key, value: word([flightsBefore + flights, milesBefore + miles, lateBefore + lateMinutes, newest]) };
  });
  slots.push({ key: plan.newestKey, value: word([0, 0, 0, plan.newestNumber]) });
  const newest: Change[] = [{ key: flightKey(plan.newestNumber), value: plan.newest }];
  const [, , , before = 0] = wordOf(newestRow);
  if (before !== 0) newest.unshift({ key: flightKey(before) });
  const sets: StateChangeSet[] = [
    { database: "account", changes: [{ key: address, value: after }] },
    { database: "storage", changes: slots },
    { database: "legacy", changes: newest },
  ];
  if (account.codeHash === undefined) sets.push({ database: "code", changes: [{ key: address, value: code }] });
  return sets;
}

/** See the head of this file. */
export function airportAddress(airport: string): Uint8Array {
  const address = new Uint8Array(addressBytes);
  writeCode(address, addressBytes - 4, airport);
  return address;
}

/** The slot of a day: its number, in the last 8 bytes of the word. */
function daySlotKey(address: Uint8Array, day: number): Uint8Array {
  const key = new Uint8Array(addressBytes + wordBytes);
  key.set(address);
  new DataView(key.buffer).setBigInt64(key.length - 8, BigInt(day));
  return key;
}

/** A slot that no day has. */
function newestSlotKey(address: Uint8Array): Uint8Array {
  const key = new Uint8Array(addressBytes + wordBytes);
  key.set(address);
  key[addressBytes] = 0x80;
  return key;
}

function flightKey(number: number): Uint8Array {
  const key = new Uint8Array(flightPrefix.length + 8);
  key.set(flightPrefix);
  new DataView(key.buffer).setBigUint64(flightPrefix.length, BigInt(number));
  return key;
}

function word(numbers: readonly [number, number, number, number]): Uint8Array {
  const bytes = new Uint8Array(wordBytes);
  const view = new DataView(bytes.buffer);
  for (const [index, number] of numbers.entries()) view.setBigUint64(index * 8, BigInt(number));
  return bytes;
}

function wordOf(row: Uint8Array | undefined): number[] {
  if (row === undefined) return [];
  if (row.length !== wordBytes)
    throw new FormatError("HF_FORMAT_UNKNOWN", `A row of storage has ${row.length} bytes, and the demo's have 32.`);
  const view = new DataView(row.buffer, row.byteOffset, row.byteLength);
  return [0, 8, 16, 24].map((at) => Number(view.getBigUint64(at)));
}
