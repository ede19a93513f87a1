/** The payloads of a run, by serial number, so that an event names bytes without holding them. */
import { SeededRandom, writeU32 } from "../../base/index.js";
import { crc32c } from "../../checksum/index.js";

/** Serials from here on are records that are appended after a recovery; their bytes follow from the serial alone. */
const LATER_SERIALS = 1_000_000;

/** See the head of this file. */
export class PayloadBook {
  #payloads: Uint8Array[] = [];

  /** Forgets everything: a workload starts anew. */
  clear(): void {
    this.#payloads = [];
  }

  /** The serial that the next payload gets. */
  get nextSerial(): number {
    return this.#payloads.length;
  }

  add(payload: Uint8Array): number {
    return this.#payloads.push(payload) - 1;
  }

  get(serial: number): Uint8Array {
    const payload = serial >= LATER_SERIALS ? laterPayload(serial) : this.#payloads[serial];
    if (payload === undefined) throw new Error(`no payload has the serial ${serial}`);
    return payload;
  }
}

/** The type that a record is appended with. */
export function typeOf(serial: number): number {
  return (serial * 7) & 0xff;
}

/** The serial of the record that gets this LSN after a recovery. */
export function laterSerial(lsn: number): number {
  return LATER_SERIALS + lsn;
}

function laterPayload(serial: number): Uint8Array {
  return new Uint8Array([9, 0, 600][serial % 3] ?? 1).fill(serial & 0xff);
}

/** What a payload is made of. */
export type Filling = "random" | "zeros" | "counter" | "sealed";

/** In a payload that is sealed, every so many bytes four stand that are its own, and their CRC-32C. */
const SEALED_EVERY_BYTES = 64;

/** A payload that no other serial has, unless it is empty or of zeros. */
export function makePayload(serial: number, bytes: number, filling: Filling): Uint8Array {
  if (filling === "zeros") return new Uint8Array(bytes);
  if (filling === "counter") return new Uint8Array(bytes).fill((serial % 255) + 1);
  if (filling === "sealed") return sealedPayload(serial, bytes);
  return new SeededRandom(serial + 1).bytes(bytes);
}

/** A payload of which each sector has the CRC-32C of any other of its kind and length: what a CRC-32C around it can't tell from them. */
function sealedPayload(serial: number, bytes: number): Uint8Array {
  const payload = new Uint8Array(bytes);
  for (let at = 0; at + 8 <= bytes; at += SEALED_EVERY_BYTES) {
    writeU32(payload, at, serial + 1);
    writeU32(payload, at + 4, crc32c(payload.subarray(at, at + 4)));
  }
  return payload;
}
