/**
 * The last word of the demo: reads the whole log back and the flight file beside it, and compares them flight by flight, byte for
 * byte, in order, each once.
 */
import { equalBytes } from "../../../base/index.js";
import { LogReader, type RecordBatch } from "../../../log/index.js";
import { type Counts, addCounts, countFlight, equalCounts } from "../counts.js";
import type { FlightChunk } from "../flight-file.js";
import { readFlightsAhead } from "../flight-source.js";
import { decodeFlight, flightBytes } from "../flight.js";
import { flightRecordType } from "./append-flights.js";
import { DemoMismatchError } from "../mismatch.js";

/** What to compare. */
export interface VerifyFlightsOptions {
  readonly directory: string;
  readonly data: string;
  readonly records: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (verified: number) => void;
}

/** What was found equal. A difference is a {@link DemoMismatchError} instead. */
export interface FlightVerification {
  readonly records: number;
  /** Payload bytes compared. */
  readonly bytes: number;
  /** Counted from the records that were read back. */
  readonly airports: Counts;
  readonly elapsedMs: number;
}

/** Compares the log with the file. */
export async function verifyFlights(options: VerifyFlightsOptions): Promise<FlightVerification> {
  const startMs = performance.now();
  const { data, directory, records, signal, onProgress } = options;
  const reader = await LogReader.open(directory);
  try {
    if (reader.firstLsn !== 1 || reader.lastLsn !== records) {
      throw new DemoMismatchError(
        `The log holds LSN ${reader.firstLsn} to ${reader.lastLsn}, and it should hold 1 to ${records}.`,
      );
    }
    const chunks = readFlightsAhead({ path: data, first: 1, last: records });
    const comparison = await compareFlights(reader.readBatches({ signal }), chunks, onProgress);
    if (comparison.records !== records)
      throw new DemoMismatchError(`${comparison.records} flights were compared, not ${records}.`);
    return { ...comparison, bytes: comparison.records * flightBytes, elapsedMs: performance.now() - startMs };
  } finally {
    await reader.close();
  }
}

/** Compares batches of records with chunks of flights, both from flight 1 on. */
export async function compareFlights(
  batches: AsyncIterable<RecordBatch>,
  chunks: AsyncIterator<FlightChunk, void, undefined>,
  onProgress?: (verified: number) => void,
): Promise<{ readonly records: number; readonly airports: Counts }> {
  const fromLog: Counts = new Map();
  const fromFile: Counts = new Map();
  let verified = 0;
  let chunk: FlightChunk | undefined;
  let row = 0;
  // Moves to the next row of the file; false behind its last one.
  const hasFlight = async (): Promise<boolean> => {
    while (chunk === undefined || row === chunk.count) {
      const next = await chunks.next();
      if (next.done === true) return false;
      chunk = next.value;
      row = 0;
      addCounts(fromFile, chunk.airports);
    }
    return true;
  };
  try {
    for await (const batch of batches) {
      for (let index = 0; index < batch.count; index++) {
        const lsn = batch.firstLsn + index;
        if ((chunk === undefined || row === chunk.count) && !(await hasFlight())) {
          throw new DemoMismatchError(`The record at LSN ${lsn} is no flight of the file.`);
        }
        compareFlight(batch, index, chunk as unknown as FlightChunk, row++, fromLog);
        verified++;
      }
      onProgress?.(verified);
    }
    if (await hasFlight()) throw new DemoMismatchError(`Flight ${verified + 1} is missing: the log ends before it.`);
  } finally {
    await chunks.return?.();
  }
  if (!equalCounts(fromLog, fromFile))
    throw new DemoMismatchError("The flights per airport differ between the log and the file.");
  return { records: verified, airports: fromLog };
}

function compareFlight(batch: RecordBatch, index: number, chunk: FlightChunk, row: number, counts: Counts): void {
  const number = chunk.firstNumber + row;
  const payload = batch.payload(index);
  const expected = chunk.bytes.subarray(row * flightBytes, (row + 1) * flightBytes);
  const lsn = batch.firstLsn + index;
  if (lsn !== number)
    throw new DemoMismatchError(`Flight ${number} should be at LSN ${number}, and the log goes on with LSN ${lsn}.`);
  if (batch.type(index) !== flightRecordType || !equalBytes(payload, expected)) {
    throw new DemoMismatchError(
      `The record at LSN ${lsn} is not flight ${number} of the file: type ${batch.type(index)}, other bytes.`,
    );
  }
  const { origin, destination } = decodeFlight(payload);
  countFlight(counts, origin, destination);
}
