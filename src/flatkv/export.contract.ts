/** Streams for the tests of exports: sound ones, and ones that are wrong under right checksums. */
import { ExportEncoder, type ExportEncoderOptions } from "./export-encoder.js";
import {
  type ExportHeader,
  LT_HASH_BYTES,
  NO_TOTALS,
  addTotals,
  checksumOfSum,
  digestOf,
  encodeDatabaseEnd,
  encodeEnd,
  encodeHeader,
  encodeRowsHeader,
  ROWS_HEADER_BYTES,
} from "./export-format.js";
import {
  DATABASE_END_FRAME,
  END_FRAME,
  FRAME_HEADER_BYTES,
  FRAME_TRAILER_BYTES,
  HEADER_FRAME,
  ROWS_FRAME,
  encodePreamble,
  preambleChain,
  sealFrame,
} from "./export-frame.js";
import { writeLength } from "./export-rows.js";
import { type ExportEvent, type ExportPosition, ExportScanner, type ExportScannerOptions } from "./export-scanner.js";

export type Row = readonly [key: Uint8Array, value: Uint8Array];

/** A database's name, its rows in order, and its hash. */
export interface ExampleDatabase {
  readonly name: string;
  readonly rows: readonly Row[];
  readonly ltHash: Uint8Array;
}

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);

export function headerOf(databases: readonly string[], exportId = 1): ExportHeader {
  const storeId = new Uint8Array(16).fill(0x55);
  return { exportId: new Uint8Array(16).fill(exportId), storeId, version: 12, timeline: 3, databases };
}

/** Lattice hashes are taken as they are, so any bytes will do. */
export function anyLtHash(seed: number): Uint8Array {
  return Uint8Array.from({ length: LT_HASH_BYTES }, (_, index) => (index * 7 + seed * 131) % 251);
}

/** A stream as the encoder makes it, piece by piece. */
export function encodeExample(
  databases: readonly ExampleDatabase[],
  options?: ExportEncoderOptions,
  header: ExportHeader = headerOf(databases.map(({ name }) => name)),
): Uint8Array[] {
  const encoder = new ExportEncoder(header, options);
  const pieces = [encoder.start()];
  for (const { rows, ltHash } of databases) {
    for (const [key, value] of rows) {
      const frame = encoder.add(key, value);
      if (frame !== undefined) pieces.push(frame);
    }
    pieces.push(encoder.endDatabase(ltHash));
  }
  pieces.push(encoder.finish());
  return pieces;
}

/** One of each: a database without rows, one with rows in several frames, one with a single row. */
export function smallExample(exportId = 1): Uint8Array[] {
  const rows = (count: number): Row[] =>
    Array.from({ length: count }, (_, index) => [text(`key${index}`), text(`value ${index * index}`)] as const);
  const databases = [
    { name: "empty", rows: [], ltHash: new Uint8Array(LT_HASH_BYTES) },
    { name: "many", rows: rows(7), ltHash: anyLtHash(1) },
    { name: "one", rows: rows(1), ltHash: anyLtHash(2) },
  ];
  const names = databases.map(({ name }) => name);
  return encodeExample(databases, { frameBytes: 64 }, headerOf(names, exportId));
}

export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** What a scan found, and how it ended. Rows are copies. */
export interface Scan {
  readonly events: readonly ScannedEvent[];
  readonly positions: readonly ExportPosition[];
  readonly failure: unknown;
}

export type ScannedEvent =
  | Exclude<ExportEvent, { kind: "rows" }>
  | { readonly kind: "rows"; readonly database: string; readonly rows: readonly Row[] };

/** Scans a stream that comes in these chunks. Each chunk is overwritten once its events were taken. */
export function scanChunks(
  chunks: Iterable<Uint8Array>,
  options: ExportScannerOptions & { readonly skipTo?: ExportPosition } = {},
): Scan {
  const { skipTo, ...rest } = options;
  const scanner = new ExportScanner(rest);
  const events: ScannedEvent[] = [];
  const positions: ExportPosition[] = [];
  let failure: unknown;
  try {
    for (const chunk of chunks) {
      const own = chunk.slice();
      scanner.feed(own);
      for (let event = scanner.next(); event !== undefined; event = scanner.next()) {
        if (event.kind === "header" && skipTo !== undefined) scanner.skipTo(skipTo);
        events.push(event.kind === "rows" ? { ...event, rows: copied(event.rows) } : event);
        positions.push(scanner.position!);
      }
      own.fill(0xdd);
    }
    scanner.finish();
  } catch (error) {
    failure = error;
  }
  return { events, positions, failure };
}

function copied(rows: Iterable<Row>): Row[] {
  return Array.from(rows, ([key, value]) => [key.slice(), value.slice()] as const);
}

export function* chunksOf(bytes: Uint8Array, chunkBytes: number): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

/** A frame to be sealed: with the number and the length that belong there, unless others are given. */
export interface RawFrame {
  readonly type: number;
  readonly payload: Uint8Array;
  readonly number?: number;
  readonly payloadBytes?: number;
}

/** A stream of any frames, with right checksums. */
export function sealed(frames: readonly RawFrame[], preamble: Uint8Array = encodePreamble()): Uint8Array {
  let chain = preambleChain(preamble);
  const pieces = [preamble];
  for (const [index, { type, payload, number = index, payloadBytes = payload.length }] of frames.entries()) {
    const bytes = new Uint8Array(FRAME_HEADER_BYTES + Math.max(payload.length, payloadBytes) + FRAME_TRAILER_BYTES);
    bytes.set(payload, FRAME_HEADER_BYTES);
    chain = sealFrame(bytes, 0, { number, type, payloadBytes }, chain);
    pieces.push(bytes.subarray(0, FRAME_HEADER_BYTES + payload.length + FRAME_TRAILER_BYTES));
  }
  return concat(pieces);
}

/** The frames of an export of one database, made by hand, so that each can be changed. */
export interface HandMade {
  header: RawFrame;
  rows: RawFrame[];
  databaseEnd: RawFrame;
  end: RawFrame;
}

export function handMade(frames: readonly (readonly Row[])[]): HandMade {
  const header = encodeHeader(headerOf(["a"]));
  let totals = NO_TOTALS;
  const rows = frames.map((some) => {
    const own = rowsFrame(some);
    totals = addTotals(totals, totalsOf(some));
    return own;
  });
  const ltHash = anyLtHash(3);
  const databaseEnd = encodeDatabaseEnd({ database: 0, totals, ltHash });
  const end = encodeEnd(totals, checksumOfSum([ltHash]), [digestOf(header), digestOf(databaseEnd)]);
  return {
    header: { type: HEADER_FRAME, payload: header },
    rows,
    databaseEnd: { type: DATABASE_END_FRAME, payload: databaseEnd },
    end: { type: END_FRAME, payload: end },
  };
}

export function sealedByHand({ header, rows, databaseEnd, end }: HandMade): Uint8Array {
  return sealed([header, ...rows, databaseEnd, end]);
}

/** A frame of these rows, in any order. */
export function rowsFrame(rows: readonly Row[], database = 0): RawFrame {
  const body = rows.map(([key, value]) => {
    const lengths = new Uint8Array(10);
    const end = writeLength(lengths, writeLength(lengths, 0, key.length), value.length);
    return concat([lengths.subarray(0, end), key, value]);
  });
  const payload = concat([new Uint8Array(ROWS_HEADER_BYTES), ...body]);
  encodeRowsHeader(payload, 0, { database, totals: totalsOf(rows) });
  return { type: ROWS_FRAME, payload };
}

function totalsOf(rows: readonly Row[]): { rows: number; keyBytes: number; valueBytes: number } {
  const sum = (of: 0 | 1): number => rows.reduce((total, row) => total + row[of].length, 0);
  return { rows: rows.length, keyBytes: sum(0), valueBytes: sum(1) };
}
