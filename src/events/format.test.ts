import { describe, expect, it } from "vitest";
import fc from "fast-check";
import {
  CHECKPOINT_ENTRY_BYTES,
  HEADER_BYTES_MAX,
  VERSION_MAX,
  type StoredCheckpoint,
  decodeCheckpoints,
  decodePart,
  encodeCheckpoints,
  encodePart,
  encodePayload,
  parseHeader,
} from "./format.js";

const lsn = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

describe("a record's payload", () => {
  it("gives back version, distance and body", () => {
    const edges = fc.constantFrom(0, 1, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 32, 2 ** 49, Number.MAX_SAFE_INTEGER);
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: VERSION_MAX }),
        fc.oneof(lsn, edges),
        fc.oneof(fc.uint8Array(), fc.string({ unit: "grapheme" })),
        fc.nat(5),
        (version, back, body, offset) => {
          const target = new Uint8Array(1000);
          const end = encodePayload(target, offset, version, back, body);
          const payload = target.subarray(offset, end);
          const header = parseHeader(payload);
          if (header.kind !== "header") throw new Error(`it is ${header.kind}`);
          expect([header.version, header.back]).toEqual([version, back]);
          expect(header.bodyStart).toBeLessThanOrEqual(HEADER_BYTES_MAX);
          const expected = typeof body === "string" ? new TextEncoder().encode(body) : body;
          expect(payload.subarray(header.bodyStart)).toEqual(expected);
        },
      ),
    );
  });

  it("of other bytes is unknown or newer, never an exception", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), (payload) => {
        const { kind } = parseHeader(payload);
        if (kind === "newer") expect(payload[0]).toBeGreaterThan(1);
        if (kind === "header") expect(payload[0]).toBe(1);
      }),
    );
    const unknown = [[], [0, 1, 0], [1], [1, 1], [1, 0x80], [1, 0x81, 0], [1, 0xff, 0xff, 0x7f, 0], [1, 1, 0x80, 0]];
    for (const bytes of unknown) expect(parseHeader(Uint8Array.from(bytes)).kind).toBe("unknown");
    const above = [1, 1, ...Array.from({ length: 7 }, () => 0xff), 0x7f];
    expect(parseHeader(Uint8Array.from(above)).kind).toBe("unknown");
  });
});

describe("a checkpoint's body", () => {
  const sound: StoredCheckpoint = {
    lsn: 9,
    through: 5,
    version: 3,
    firstPartLsn: 6,
    snapshotBytes: 100,
    partCount: 2,
    snapshotCrc: 0xdeadbeef,
  };
  const none = { version: 0, firstPartLsn: 0, snapshotBytes: 0, partCount: 0, snapshotCrc: 0 };
  const older: StoredCheckpoint = { lsn: 4, through: 2, ...none };

  it("is read as it was written", () => {
    for (const kept of [[sound], [sound, older], [{ ...older, lsn: 9 }]])
      expect(decodeCheckpoints(encodeCheckpoints(kept), 9)).toEqual(kept);
  });

  it("that no build writes is refused", () => {
    const wrong: Partial<StoredCheckpoint>[] = [
      { lsn: 8 },
      { through: 9 },
      { firstPartLsn: 5 },
      { firstPartLsn: 9 },
      { partCount: 0 },
      { partCount: 4 },
      { version: 0 },
      { version: VERSION_MAX + 1 },
    ];
    for (const change of wrong)
      expect(decodeCheckpoints(encodeCheckpoints([{ ...sound, ...change }, older]), 9)).toBeUndefined();
    for (const change of [{ lsn: 9 }, { through: 4 }, { partCount: 1 }, { snapshotCrc: 1 }])
      expect(decodeCheckpoints(encodeCheckpoints([sound, { ...older, ...change }]), 9)).toBeUndefined();
    expect(decodeCheckpoints(encodeCheckpoints([sound]).subarray(1), 9)).toBeUndefined();
    expect(decodeCheckpoints(new Uint8Array(0), 9)).toBeUndefined();
    expect(decodeCheckpoints(new Uint8Array(CHECKPOINT_ENTRY_BYTES).fill(0xff), 9)).toBeUndefined();
    const random = fc.uint8Array({ minLength: CHECKPOINT_ENTRY_BYTES, maxLength: CHECKPOINT_ENTRY_BYTES });
    fc.assert(
      fc.property(random, lsn, (body, at) => {
        const decoded = decodeCheckpoints(body, at);
        if (decoded !== undefined) expect(encodeCheckpoints(decoded)).toEqual(body);
      }),
    );
  });
});

describe("a part of a snapshot", () => {
  it("is only itself", () => {
    const part = encodePart(3, Uint8Array.of(7, 8));
    expect(decodePart(part, 3)).toEqual(Uint8Array.of(7, 8));
    expect(decodePart(part, 2)).toBeUndefined();
    expect(decodePart(part.subarray(0, 3), 3)).toBeUndefined();
  });
});
