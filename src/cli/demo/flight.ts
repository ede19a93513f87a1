/**
 * One flight in 32 bytes, little-endian, every field on its own boundary:
 *
 *      0        4         8                     16       20        24        28         32
 *      +--------+---------+---------------------+--------+---------+---------+----------+
 *      |     number       | departure, µs since |  delay | distance|  origin | destina- |
 *      |       u64        | 1970 UTC, i64       | min i32| mi   i32| char[4] | tion [4] |
 *      +--------+---------+---------------------+--------+---------+---------+----------+
 *
 * `number` counts the flights of the file from 1, so a flight says by itself where it belongs. Airports are ASCII,
 * padded with zero bytes.
 */
import { FormatError, readU32, writeU32, writeU64 } from "../../base/index.js";

/** A flight of the file. */
export interface Flight {
  /** Its place in the file, from 1. */
  readonly number: number;
  /** Scheduled departure, microseconds since 1970 UTC. */
  readonly departureMicros: number;
  /** Minutes late; negative when early. */
  readonly delayMinutes: number;
  readonly distanceMiles: number;
  /** IATA code, 1 to 4 characters. */
  readonly origin: string;
  readonly destination: string;
}

/** Bytes of an encoded flight. */
export const flightBytes = 32;

const numberOffset = 0;
const departureOffset = 8;
const delayOffset = 16;
const distanceOffset = 20;
/** Where an encoded flight has its airports. */
export const originOffset = 24;
export const destinationOffset = 28;

/** Writes a flight at `offset`. A value that the layout can't hold is a `FormatError`, since it came from the data file. */
export function encodeFlight(flight: Flight, target: Uint8Array, offset: number): void {
  const { number, departureMicros, delayMinutes, distanceMiles } = flight;
  if (!Number.isSafeInteger(number) || number < 1) throw unfit(flight, "number", number);
  if (!Number.isSafeInteger(departureMicros)) throw unfit(flight, "departureMicros", departureMicros);
  if (delayMinutes !== (delayMinutes | 0)) throw unfit(flight, "delayMinutes", delayMinutes);
  if (distanceMiles !== (distanceMiles | 0)) throw unfit(flight, "distanceMiles", distanceMiles);
  writeU64(target, offset + numberOffset, number);
  // Two's complement by halves: the low half wraps, the high half rounds down.
  writeU32(target, offset + departureOffset, departureMicros >>> 0);
  writeU32(target, offset + departureOffset + 4, Math.floor(departureMicros / 0x1_0000_0000) >>> 0);
  writeU32(target, offset + delayOffset, delayMinutes >>> 0);
  writeU32(target, offset + distanceOffset, distanceMiles >>> 0);
  encodeAirport(flight, "origin", target, offset + originOffset);
  encodeAirport(flight, "destination", target, offset + destinationOffset);
}

/** Reads a flight back. A payload of another length is a `FormatError`. */
export function decodeFlight(payload: Uint8Array): Flight {
  if (payload.length !== flightBytes) {
    throw new FormatError(
      "HF_FORMAT_UNKNOWN",
      `A flight has ${flightBytes} bytes, this record has ${payload.length}.`,
      {
        bytes: payload.length,
      },
    );
  }
  return {
    number: flightNumberAt(payload, 0),
    departureMicros: (readU32(payload, departureOffset + 4) | 0) * 0x1_0000_0000 + readU32(payload, departureOffset),
    delayMinutes: readU32(payload, delayOffset) | 0,
    distanceMiles: readU32(payload, distanceOffset) | 0,
    origin: codeAt(payload, originOffset),
    destination: codeAt(payload, destinationOffset),
  };
}

/** The number of the encoded flight at `offset`. */
export function flightNumberAt(bytes: Uint8Array, offset: number): number {
  return readU32(bytes, offset + numberOffset + 4) * 0x1_0000_0000 + readU32(bytes, offset + numberOffset);
}

function encodeAirport(flight: Flight, field: "origin" | "destination", target: Uint8Array, offset: number): void {
  const code = flight[field];
  if (code.length < 1 || code.length > 4) throw unfit(flight, field, code);
  for (let at = 0; at < code.length; at++) {
    const unit = code.charCodeAt(at);
    if (unit < 0x21 || unit > 0x7e) throw unfit(flight, field, code);
  }
  writeCode(target, offset, code);
}

/** Writes a code of at most four characters in four bytes. */
export function writeCode(target: Uint8Array, offset: number, code: string): void {
  for (let at = 0; at < 4; at++) target[offset + at] = at < code.length ? code.charCodeAt(at) : 0;
}

/** The code in four bytes. */
export function codeAt(payload: Uint8Array, offset: number): string {
  let code = "";
  for (let at = offset; at < offset + 4; at++) {
    const unit = payload[at] ?? 0;
    if (unit === 0) break;
    code += String.fromCharCode(unit);
  }
  return code;
}

function unfit(flight: Flight, field: keyof Flight, value: number | string): FormatError {
  return new FormatError(
    "HF_FORMAT_UNKNOWN",
    `Flight ${flight.number} has ${field} ${value}, which the demo's record can't hold.`,
    {
      flight: flight.number,
      field,
      value,
    },
  );
}
