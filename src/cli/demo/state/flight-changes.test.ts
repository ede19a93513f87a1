import { describe, expect, it } from "vitest";
import { equalBytes, toHex } from "../../../base/index.js";
import { keccak256 } from "../../../hash/index.js";
import { decodeFlight, encodeFlight, flightBytes } from "../flight.js";
import { flightsOf } from "../flights.contract.js";
import { makeRound } from "../node/round.js";
import { decodeAccount } from "../../../flatkv/index.js";
import { type StateDatabase, stateDatabases } from "./change-set.js";
import { airportAddress, flightChangeSets } from "./flight-changes.js";
import { StateRows } from "./state-rows.js";

/** The blocks of the rounds that so many flights make. */
function rounds(flights: number, size: number): ReturnType<typeof makeRound>[] {
  const made: ReturnType<typeof makeRound>[] = [];
  for (let first = 1; first <= flights; first += size) {
    const { bytes } = flightsOf(first, Math.min(first + size - 1, flights));
    made.push(makeRound(made.length, first, bytes));
  }
  return made;
}

async function stateAfter(flights: number, size: number): Promise<StateRows> {
  const rows = new StateRows();
  for (const { lanes } of rounds(flights, size)) rows.apply(await flightChangeSets(lanes, rows));
  return rows;
}

describe("blocks of flights", () => {
  it("leave accounts, code, days and newest flights that add up to the flights", async () => {
    const rows = await stateAfter(1000, 70);
    const { bytes, airports } = flightsOf(1, 1000);
    const departures = new Map<string, { flights: number; newest: Uint8Array }>();
    for (let at = 0; at < bytes.length; at += flightBytes) {
      const encoded = bytes.subarray(at, at + flightBytes);
      const { origin } = decodeFlight(encoded);
      const known = departures.get(origin) ?? { flights: 0, newest: encoded };
      departures.set(origin, { flights: known.flights + 1, newest: encoded });
    }
    expect(departures.size).toBeGreaterThan(3);
    expect(departures.size).toBeLessThan(airports.size);
    // All flights are of one day, the first of 1970, which has a slot beside that of the newest flight.
    expect(stateDatabases.map((database) => rows.count(database))).toEqual([
      departures.size,
      departures.size,
      2 * departures.size,
      departures.size,
    ]);
    for (const [airport, { flights, newest }] of departures) {
      const address = airportAddress(airport);
      const code = rows.get(address, { database: "code" });
      expect(Buffer.from(code ?? []).toString()).toBe(airport);
      expect(decodeAccount(rows.get(address, { database: "account" })!)).toEqual({
        balance: BigInt(flights * 100),
        nonce: BigInt(flights),
        codeHash: keccak256.hash(new TextEncoder().encode(airport)),
      });
      const { number } = decodeFlight(newest);
      const key = Buffer.concat([Buffer.from("flight/"), Buffer.from(number.toString(16).padStart(16, "0"), "hex")]);
      expect(equalBytes(rows.get(key, { database: "legacy" }) ?? key, newest)).toBe(true);
    }
  });

  it("leave the departures, miles, late minutes and newest flight of each day", async () => {
    const flights = [
      [1, 11_323, 10],
      [2, 11_323, -5],
      [3, 11_324, 20],
      [4, 11_323, 7],
    ] as const;
    const rows = new StateRows();
    for (const [number, day, delayMinutes] of flights) {
      const bytes = new Uint8Array(flightBytes);
      const places = { origin: "ANC", destination: "JFK" };
      const departureMicros = day * 86_400_000_000 + number;
      encodeFlight({ number, departureMicros, delayMinutes, distanceMiles: 100 * number, ...places }, bytes, 0);
      rows.apply(await flightChangeSets([{ lane: "ANC", body: bytes }], rows));
    }
    const wordOf = (slot: bigint): string | undefined => {
      const digits = toHex(airportAddress("ANC")) + slot.toString(16).padStart(64, "0");
      const key = new Uint8Array(Buffer.from(digits, "hex"));
      const word = rows.get(key, { database: "storage" });
      return word === undefined ? undefined : toHex(word);
    };
    const wordFrom = (numbers: readonly number[]): string =>
      numbers.map((number) => number.toString(16).padStart(16, "0")).join("");
    expect(wordOf(11_323n)).toBe(wordFrom([3, 700, 17, 4]));
    expect(wordOf(11_324n)).toBe(wordFrom([1, 300, 20, 3]));
    expect(wordOf(2n ** 255n)).toBe(wordFrom([0, 0, 0, 4]));
  });

  it("make the same of the same rounds, in whichever order the blocks of a round come", async () => {
    const rows = await stateAfter(500, 70);
    const again = new StateRows();
    for (const { lanes } of rounds(500, 70)) again.apply(await flightChangeSets(lanes.toReversed(), again));
    expect(again).toEqual(rows);
  });

  it("put, change and delete rows", async () => {
    const rows = new StateRows();
    const kinds = new Set<string>();
    const note = (database: StateDatabase, change: { value?: Uint8Array | undefined }, before?: Uint8Array): void => {
      kinds.add(`${before === undefined ? "new" : change.value === undefined ? "deleted" : "changed"} ${database}`);
    };
    for (const { lanes } of rounds(500, 70)) rows.apply(await flightChangeSets(lanes, rows), note);
    expect([...kinds].sort()).toEqual([
      "changed account",
      "changed storage",
      "deleted legacy",
      "new account",
      "new code",
      "new legacy",
      "new storage",
    ]);
  });

  it("without flights, and rows that no block leaves, are refused", async () => {
    const rows = new StateRows();
    const unknown = expect.objectContaining({ code: "HF_FORMAT_UNKNOWN" }) as Error;
    await expect(flightChangeSets([{ lane: "ATL", body: new Uint8Array(0) }], rows)).rejects.toThrow(unknown);
    const { lanes } = rounds(70, 70)[0]!;
    const key = new Uint8Array(52);
    key.set(airportAddress("ATL"));
    key[20] = 0x80;
    rows.apply([{ database: "storage", changes: [{ key, value: new Uint8Array(8) }] }]);
    await expect(flightChangeSets(lanes, rows)).rejects.toThrow(unknown);
  });
});
