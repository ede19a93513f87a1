/**
 * The 3,000,000 flights as they ship in the npm package `vega-datasets`: where the file is, and its rows as encoded records,
 * one row group of the file at a time so that memory stays bounded.
 *
 * The package and the Parquet reader are large and serve the demo alone, so they are no dependencies of holdfast; they are
 * loaded when the demo runs, and an error names what to install.
 */
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { DecodedArray, FileMetaData } from "hyparquet";
import { FormatError, IoError, errnoOf } from "../../base/index.js";
import { type Counts, countFlight } from "./counts.js";
import { MissingPackageError, loadPackage } from "./demo-package.js";
import { encodeFlight, flightBytes } from "./flight.js";

/** Consecutive flights of the file, encoded. */
export interface FlightChunk {
  /** The number of the first one. */
  readonly firstNumber: number;
  readonly count: number;
  /** `count` records of {@link flightBytes} bytes, one after the other. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Flights per airport, counted from the file's columns and not from `bytes`. */
  readonly airports: Counts;
}

/** With those of the genesis, which the node wants next: who installs them installs them once. */
const packages = "vega-datasets@3.2.1 hyparquet@1.31.5 hyparquet-compressors@1.1.2 @ethereumjs/genesis@10.1.3";
const columns = ["date", "delay", "distance", "origin", "destination"] as const;
type ColumnName = (typeof columns)[number];

/** Finds `flights-3m.parquet` in `node_modules` beside or above the working directory, or beside or above this package. */
export function findFlightFile(workingDirectory: string = process.cwd()): string {
  for (const start of [workingDirectory, dirname(fileURLToPath(import.meta.url))]) {
    let directory = resolve(start);
    for (;;) {
      const path = join(directory, "node_modules", "vega-datasets", "data", "flights-3m.parquet");
      if (existsSync(path)) return path;
      const parent = dirname(directory);
      if (parent === directory) break;
      directory = parent;
    }
  }
  throw new MissingPackageError("the flights of the package vega-datasets", packages);
}

/** An opened flight file. */
export interface FlightFile {
  readonly path: string;
  /** Flights in it. */
  readonly flights: number;
  /** Reads flights `first` to `last`, both inclusive and counted from 1, one chunk for each row group of the file. */
  read(first: number, last: number): AsyncGenerator<FlightChunk, void, undefined>;
}

/** Opens a flight file and checks that it has the columns of one. */
export async function openFlightFile(path: string): Promise<FlightFile> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetRead } = await loadPackage<typeof import("hyparquet")>(
    "hyparquet",
    packages,
  );
  const { compressors } = await loadPackage<typeof import("hyparquet-compressors")>("hyparquet-compressors", packages);
  let file: Awaited<ReturnType<typeof asyncBufferFromFile>>;
  let metadata: FileMetaData;
  try {
    file = await asyncBufferFromFile(path);
    metadata = await parquetMetadataAsync(file);
  } catch (error) {
    if (/^E[A-Z]+$/.test(errnoOf(error) ?? "")) throw new IoError("open", path, error);
    throw new FormatError("HF_FORMAT_UNKNOWN", `${path} is not a Parquet file.`, { path }, error);
  }
  const names = metadata.schema.map((element) => element.name);
  const missing = columns.filter((column) => !names.includes(column));
  if (missing.length > 0) {
    throw new FormatError(
      "HF_FORMAT_UNKNOWN",
      `${path} has no column ${missing.join(", ")}: it is not the flights file of vega-datasets.`,
      {
        path,
      },
    );
  }

  return {
    path,
    flights: Number(metadata.num_rows),
    async *read(first, last) {
      let groupStart = 0;
      for (const group of metadata.row_groups) {
        const groupEnd = groupStart + Number(group.num_rows);
        const rowStart = Math.max(groupStart, first - 1);
        const rowEnd = Math.min(groupEnd, last);
        groupStart = groupEnd;
        if (rowStart >= rowEnd) continue;
        const pieces = new Map<ColumnName, ColumnPiece[]>(columns.map((name) => [name, []]));
        await parquetRead({
          file,
          metadata,
          compressors,
          columns: [...columns],
          rowStart,
          rowEnd,
          // A plain number instead of a Date: exact, and cheaper.
          parsers: { timestampFromMicroseconds: Number },
          onChunk: ({ columnName, columnData, rowStart: start }) => {
            pieces.get(columnName as ColumnName)?.push({ data: columnData, start });
          },
        });
        yield encodeRows(path, pieces, rowStart, rowEnd);
      }
    },
  };
}

/** Part of a column: the values of rows from `start` on. May reach over the rows that were asked for. */
interface ColumnPiece {
  readonly data: DecodedArray;
  readonly start: number;
}

function encodeRows(
  path: string,
  pieces: ReadonlyMap<ColumnName, readonly ColumnPiece[]>,
  rowStart: number,
  rowEnd: number,
): FlightChunk {
  const [date, delay, distance, origin, destination] = columns.map((name) =>
    columnRange(path, name, pieces.get(name) ?? [], rowStart, rowEnd),
  ) as [unknown[], unknown[], unknown[], unknown[], unknown[]];
  const count = rowEnd - rowStart;
  const bytes = new Uint8Array(count * flightBytes);
  const airports: Counts = new Map();
  for (let row = 0; row < count; row++) {
    const number = rowStart + row + 1;
    const from = airport(path, number, origin[row]);
    const to = airport(path, number, destination[row]);
    encodeFlight(
      {
        number,
        departureMicros: Number(date[row]),
        delayMinutes: Number(delay[row]),
        distanceMiles: Number(distance[row]),
        origin: from,
        destination: to,
      },
      bytes,
      row * flightBytes,
    );
    countFlight(airports, from, to);
  }
  return { firstNumber: rowStart + 1, count, bytes, airports };
}

function airport(path: string, number: number, value: unknown): string {
  if (typeof value === "string") return value;
  throw new FormatError("HF_FORMAT_UNKNOWN", `Flight ${number} of ${path} names no airport.`, { path, flight: number });
}

/** The values of rows `[rowStart, rowEnd)` of one column, in order. */
function columnRange(
  path: string,
  name: string,
  pieces: readonly ColumnPiece[],
  rowStart: number,
  rowEnd: number,
): unknown[] {
  const values: unknown[] = new Array(rowEnd - rowStart);
  let next = rowStart;
  for (const { data, start } of [...pieces].sort((a, b) => a.start - b.start)) {
    const end = Math.min(start + data.length, rowEnd);
    for (; next < end && next >= start; next++) values[next - rowStart] = data[next - start];
  }
  if (next !== rowEnd) {
    throw new FormatError("HF_FORMAT_UNKNOWN", `Column ${name} of ${path} ends at row ${next} of ${rowEnd}.`, {
      path,
      column: name,
    });
  }
  return values;
}
