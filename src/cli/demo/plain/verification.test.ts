import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Log } from "../../../log/index.js";
import { type Counts, countFlight } from "../counts.js";
import { DurablePrefix, appendFlights, flightRecordType } from "./append-flights.js";
import type { FlightChunk } from "../flight-file.js";
import { encodeFlight, flightBytes } from "../flight.js";
import { compareFlights } from "./verification.js";

let directory: string;
let log: Log;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "holdfast-verification-test-"));
  log = await Log.open(directory, { segmentBytes: 1024 * 1024 });
});

afterEach(async () => {
  await log.close();
  await rm(directory, { recursive: true, force: true });
});

const count = 100;

/** The flights 1 to `count` in chunks of `chunkRows`. */
async function* chunks(chunkRows: number): AsyncGenerator<FlightChunk, void, undefined> {
  for (let first = 1; first <= count; first += chunkRows) {
    const rows = Math.min(chunkRows, count - first + 1);
    const bytes = new Uint8Array(rows * flightBytes);
    const airports: Counts = new Map();
    for (let row = 0; row < rows; row++) {
      const number = first + row;
      const flight = {
        number,
        departureMicros: number,
        delayMinutes: 0,
        distanceMiles: 1,
        origin: "ATL",
        destination: `A${number % 7}`,
      };
      encodeFlight(flight, bytes, row * flightBytes);
      countFlight(airports, flight.origin, flight.destination);
    }
    yield { firstNumber: first, count: rows, bytes, airports };
  }
}

async function payloads(): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const { bytes } of chunks(count)) {
    for (let at = 0; at < bytes.length; at += flightBytes) all.push(bytes.subarray(at, at + flightBytes));
  }
  return all;
}

const append = (records: readonly Uint8Array[], type = flightRecordType): Promise<unknown> =>
  log.appendAll(records.map((payload) => ({ payload, type })));

const mismatch = expect.objectContaining({ code: "HF_DEMO_MISMATCH", exitCode: 1 });

describe("comparing the log with the file", () => {
  it("finds equal what concurrent writers appended, however the file comes in chunks", async () => {
    const acknowledged: number[] = [];
    await appendFlights({
      log,
      chunks: chunks(33),
      writers: 8,
      signal: new AbortController().signal,
      onAcknowledged: (lsn) => acknowledged.push(lsn),
      onSourceWait: () => undefined,
    });
    expect(acknowledged.at(-1)).toBe(count);
    const { records, airports } = await compareFlights(log.readBatches(), chunks(17));
    expect(records).toBe(count);
    expect(airports.get("ATL")).toBe(count);
  });

  it("finds a changed byte", async () => {
    const records = (await payloads()).map((payload) => payload.slice());
    records[41]?.fill(1, 30, 31);
    await append(records);
    await expect(compareFlights(log.readBatches(), chunks(33))).rejects.toEqual(mismatch);
  });

  it("finds a missing flight at the end", async () => {
    await append((await payloads()).slice(0, -1));
    await expect(compareFlights(log.readBatches(), chunks(33))).rejects.toEqual(mismatch);
  });

  it("finds a missing flight in the middle", async () => {
    await append((await payloads()).toSpliced(50, 1));
    await expect(compareFlights(log.readBatches(), chunks(33))).rejects.toEqual(mismatch);
  });

  it("finds a flight too many", async () => {
    const all = await payloads();
    await append([...all, all[0] ?? new Uint8Array()]);
    await expect(compareFlights(log.readBatches(), chunks(33))).rejects.toEqual(mismatch);
  });

  it("finds another record type", async () => {
    await append(await payloads(), flightRecordType + 1);
    await expect(compareFlights(log.readBatches(), chunks(33))).rejects.toEqual(mismatch);
  });
});

describe("the durable prefix", () => {
  it("moves only over what is acknowledged without a gap", () => {
    const prefix = new DurablePrefix(10);
    expect(prefix.add(12)).toBe(false);
    expect(prefix.last).toBe(10);
    expect(prefix.add(11)).toBe(true);
    expect(prefix.last).toBe(12);
    expect(prefix.add(13)).toBe(true);
    expect(prefix.last).toBe(13);
  });
});
