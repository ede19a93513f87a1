/**
 * The records that the fault tests write: a pure function of seed, generation and number, so that any process can say what
 * any LSN must hold, byte for byte.
 *
 * The generation is the process that wrote the record. It makes the records that a crash cut differ from those which later take
 * their LSNs, so that a cut record that comes back is noticed.
 */

/** Where a record stands: who wrote it, under which LSN, and its place in its atomic batch. */
export interface RecordPlace {
  readonly generation: number;
  readonly lsn: number;
  /** Counted from 0. */
  readonly batchIndex: number;
  readonly batchCount: number;
}

/** The first LSN that each generation wrote, in order. */
export type GenerationStarts = readonly (readonly [generation: number, firstLsn: number])[];

const HEADER_BYTES = 16;

/** The payload of a record. From 16 bytes to about 24 KiB, mostly short. */
export function recordPayload(seed: number, place: RecordPlace): Uint8Array {
  let state = mix(mix(mix(seed ^ 0x9e3779b9) ^ place.generation) ^ place.lsn) || 1;
  const draw = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  const kind = draw() % 64;
  const limit = kind === 0 ? 24_576 : kind < 4 ? 4_096 : kind < 8 ? 1 : 200;
  const payload = new Uint8Array(HEADER_BYTES + (draw() % limit));
  const view = new DataView(payload.buffer);
  view.setUint32(0, place.generation, true);
  view.setUint32(4, place.lsn, true);
  view.setUint32(8, place.batchIndex, true);
  view.setUint32(12, place.batchCount, true);
  for (let at = HEADER_BYTES; at < payload.length; at++) payload[at] = draw();
  return payload;
}

/** The type of a record. */
export function recordType(lsn: number): number {
  return (lsn * 7) % 256;
}

/** The batch that a writer appends at an LSN: one record most of the time, up to five otherwise. */
export function batchCountAt(seed: number, generation: number, lsn: number): number {
  const drawn = mix(mix(seed ^ generation) ^ lsn) % 16;
  return drawn < 12 ? 1 : drawn - 10;
}

/** Which generation wrote an LSN. */
export function generationOf(starts: GenerationStarts, lsn: number): number {
  for (let at = starts.length - 1; at >= 0; at--) {
    const start = starts[at];
    if (start !== undefined && lsn >= start[1]) return start[0];
  }
  throw new Error(`no generation wrote LSN ${lsn}`);
}

/** Throws unless a record is, byte for byte, what `generation` wrote under its LSN. Says whether its batch ends with it. */
export function checkRecord(
  seed: number,
  generation: number,
  record: { readonly lsn: number; readonly type: number; readonly payload: Uint8Array },
): { readonly endsBatch: boolean } {
  const { lsn, type, payload } = record;
  if (payload.length < HEADER_BYTES) throw new Error(`LSN ${lsn} holds ${payload.length} bytes`);
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const batchIndex = view.getUint32(8, true);
  const batchCount = view.getUint32(12, true);
  const expected = recordPayload(seed, { generation, lsn, batchIndex, batchCount });
  if (type !== recordType(lsn) || Buffer.compare(expected, payload) !== 0) {
    const found = `generation ${view.getUint32(0, true)}, LSN ${view.getUint32(4, true)}, ${payload.length} bytes`;
    throw new Error(`LSN ${lsn} must hold ${expected.length} bytes of generation ${generation}; it holds ${found}`);
  }
  if (batchCountAt(seed, generation, lsn - batchIndex) !== batchCount || batchIndex >= batchCount) {
    throw new Error(`LSN ${lsn} says it is ${batchIndex} of ${batchCount}`);
  }
  return { endsBatch: batchIndex === batchCount - 1 };
}

function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
