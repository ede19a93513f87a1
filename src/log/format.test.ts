import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { equalBytes, writeU16, writeU32 } from "../base/index.js";
import { crc32c, crc32cRange } from "../checksum/index.js";
import {
  FORMAT_VERSION,
  GROUP_ALIGN_BYTES,
  GROUP_HEADER_BYTES,
  LOG_ID_BYTES,
  RECORD_HEADER_BYTES,
  SALT_BYTES,
  type SealedSegment,
  type SegmentHeader,
  type TornMode,
  backCountMax,
  encodeRecord,
  encodeSegmentHeader,
  groupBodySound,
  groupBytes,
  indexRecords,
  parseGroupHeader,
  parseSegmentHeader,
  recordBytes,
  sealGroup,
  segmentSeed,
  tornModeCode,
  tornModeOf,
} from "./format.js";
import { encodeLogState, parseLogState, readState } from "./state.js";
import { errorOf } from "./small-log.contract.js";

const torn = fc.constantFrom<TornMode>("align", "double-write", "trust");
const lsn = fc.maxSafeNat();
const u32 = fc.nat(0xffff_ffff);
const fixedBytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const sealed = (versionMax: number): fc.Arbitrary<SealedSegment> =>
  fc.record({
    version: fc.integer({ min: 1, max: versionMax }),
    number: lsn,
    salt: fixedBytes(SALT_BYTES),
    firstLsn: lsn,
    end: lsn,
    chain: u32,
  });
const versions = fc.integer({ min: 1, max: FORMAT_VERSION });

const header: fc.Arbitrary<SegmentHeader> = fc
  .tuple(fc.constantFrom(512, 1024, 4096), versions)
  .chain(([blockBytes, version]) =>
    fc.record({
      version: fc.constant(version),
      logId: fixedBytes(LOG_ID_BYTES),
      number: lsn,
      salt: fixedBytes(SALT_BYTES),
      firstLsn: lsn,
      epoch: lsn,
      blockBytes: fc.constant(blockBytes),
      torn,
      segmentBytes: lsn,
      recycled: fc.boolean(),
      back: fc.array(sealed(version), { maxLength: backCountMax(blockBytes) }),
    }),
  );

const SMALL_HEADER: SegmentHeader = {
  version: FORMAT_VERSION,
  logId: new Uint8Array(LOG_ID_BYTES).fill(1),
  number: 3,
  salt: new Uint8Array(SALT_BYTES).fill(2),
  firstLsn: 40,
  epoch: 5,
  blockBytes: 512,
  torn: "align",
  segmentBytes: 2048,
  recycled: false,
  back: [{ version: 1, number: 2, salt: new Uint8Array(SALT_BYTES).fill(9), firstLsn: 20, end: 1024, chain: 7 }],
};

describe("a segment header", () => {
  it("is read back as it was written, whatever it says", () => {
    fc.assert(
      fc.property(header, (facts) => {
        const block = encodeSegmentHeader(facts);
        expect(block.length).toBe(facts.blockBytes);
        expect(parseSegmentHeader(block)).toEqual({ kind: "sound", header: facts });
      }),
    );
  });

  it("with any single bit of header or table flipped is not taken for a sound one", () => {
    const block = encodeSegmentHeader(SMALL_HEADER);
    for (let bit = 0; bit < (128 + 40) * 8; bit++) {
      block[bit >> 3] = block[bit >> 3]! ^ (1 << (bit & 7));
      expect(parseSegmentHeader(block).kind, `bit ${bit}`).not.toBe("sound");
      block[bit >> 3] = block[bit >> 3]! ^ (1 << (bit & 7));
    }
    expect(parseSegmentHeader(block).kind).toBe("sound");
  });

  it("is not made sound by the preamble of another one", () => {
    // The checksum once covered the preamble together with the preamble's own checksum, which is the same for every preamble.
    const one = encodeSegmentHeader(SMALL_HEADER);
    const other = encodeSegmentHeader(SMALL_HEADER);
    writeU16(other, 8, 0);
    writeU32(other, 12, crc32cRange(other, 0, 12));
    one.set(other.subarray(0, 16));
    expect(parseSegmentHeader(one).kind).not.toBe("sound");
  });

  it("of a newer version is newer, however the rest looks", () => {
    fc.assert(
      fc.property(fc.integer({ min: FORMAT_VERSION + 1, max: 0xffff }), fixedBytes(496), (version, rest) => {
        const block = encodeSegmentHeader(SMALL_HEADER);
        block.set(rest, 16);
        writeU16(block, 8, version);
        writeU32(block, 12, crc32c(block.subarray(0, 12)));
        expect(parseSegmentHeader(block)).toEqual({ kind: "newer", version });
      }),
    );
  });

  it("never throws on other bytes, whatever they are and however few", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 700 }), (bytes) => parseSegmentHeader(bytes).kind !== "sound"));
    fc.assert(
      fc.property(fixedBytes(496), fc.nat(512), (rest, length) => {
        const block = encodeSegmentHeader(SMALL_HEADER);
        block.set(rest, 16);
        expect(["damaged", "unknown"]).toContain(parseSegmentHeader(block.subarray(0, length)).kind);
      }),
    );
    for (let count = 10; count < 0x1_0000; count += 97) {
      const block = encodeSegmentHeader(SMALL_HEADER);
      writeU16(block, 10, count);
      writeU32(block, 12, crc32c(block.subarray(0, 12)));
      expect(parseSegmentHeader(block).kind).toBe("damaged");
    }
  });
});

describe("a group", () => {
  it("is read back with its records, whatever they are, in every mode", () => {
    fc.assert(
      fc.property(
        torn,
        fc.array(fc.record({ type: fc.nat(255), payload: fc.uint8Array({ maxLength: 300 }) }), {
          minLength: 1,
          maxLength: 20,
        }),
        fc.record({ firstLsn: lsn, floor: lsn, epoch: u32, chain: u32 }),
        fc.record({ version: versions, seed: u32 }),
        fc.nat(64),
        (mode, records, stamp, format, offset) => {
          const bodyBytes = records.reduce((sum, { payload }) => sum + recordBytes(payload.length), 0);
          const total = groupBytes(bodyBytes, mode, 512);
          expect(total % (mode === "align" ? 512 : GROUP_ALIGN_BYTES)).toBe(0);
          expect(total).toBeGreaterThanOrEqual(GROUP_HEADER_BYTES + bodyBytes);
          const group = new Uint8Array(total);
          let at = GROUP_HEADER_BYTES;
          for (const { type, payload } of records) at = encodeRecord(group, at, type, payload);
          expect(at).toBe(GROUP_HEADER_BYTES + bodyBytes);
          const headerCrc = sealGroup(group, bodyBytes, format, { ...stamp, count: records.length });

          const bytes = new Uint8Array(offset + total);
          bytes.set(group, offset);
          const parsed = parseGroupHeader(bytes, offset, format)!;
          expect(parsed).toMatchObject({ ...stamp, count: records.length, bodyBytes, headerCrc });
          const start = offset + GROUP_HEADER_BYTES;
          expect(groupBodySound(bytes, start, parsed, format.seed)).toBe(true);
          const starts = new Uint32Array(records.length);
          expect(indexRecords(bytes, start, start + bodyBytes, records.length, starts)).toBe(true);
          records.forEach(({ type, payload }, index) => {
            expect(bytes[starts[index]! - 1]).toBe(type);
            expect(equalBytes(bytes.subarray(starts[index], starts[index]! + payload.length), payload)).toBe(true);
          });
          expect(parseGroupHeader(bytes, offset, { ...format, seed: format.seed ^ 1 })).toBeUndefined();
        },
      ),
    );
  });

  it("with any single bit flipped is refused by one checksum or the other", () => {
    const bodyBytes = recordBytes(20) + recordBytes(0);
    const bytes = new Uint8Array(groupBytes(bodyBytes, "trust", 512));
    encodeRecord(bytes, encodeRecord(bytes, GROUP_HEADER_BYTES, 3, new Uint8Array(20).fill(7)), 1, new Uint8Array(0));
    const format = { version: FORMAT_VERSION, seed: 99 };
    sealGroup(bytes, bodyBytes, format, { firstLsn: 8, count: 2, floor: 7, epoch: 2, chain: 5 });
    for (let bit = 0; bit < (GROUP_HEADER_BYTES + bodyBytes) * 8; bit++) {
      bytes[bit >> 3] = bytes[bit >> 3]! ^ (1 << (bit & 7));
      const parsed = parseGroupHeader(bytes, 0, format);
      expect(parsed !== undefined && groupBodySound(bytes, GROUP_HEADER_BYTES, parsed, 99), `bit ${bit}`).toBe(false);
      bytes[bit >> 3] = bytes[bit >> 3]! ^ (1 << (bit & 7));
    }
  });

  it("never throws on other bytes: neither its header nor its records", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: GROUP_HEADER_BYTES, maxLength: 200 }),
        fc.record({ version: versions, seed: u32 }),
        fc.nat(60),
        (bytes, format, count) => {
          expect(parseGroupHeader(bytes, bytes.length - GROUP_HEADER_BYTES, format)).toBeUndefined();
          const starts = new Uint32Array(count);
          if (indexRecords(bytes, 0, bytes.length, count, starts)) {
            for (const start of starts) expect(start).toBeLessThanOrEqual(bytes.length);
          }
        },
      ),
    );
    const tooLong = new Uint8Array(20);
    writeU32(tooLong, 0, 0xffff_ffff);
    expect(indexRecords(tooLong, 0, 20, 1, new Uint32Array(1))).toBe(false);
    expect(indexRecords(new Uint8Array(4), 0, 4, 1, new Uint32Array(1))).toBe(false);
    expect(
      indexRecords(new Uint8Array(RECORD_HEADER_BYTES + 1), 0, RECORD_HEADER_BYTES + 1, 1, new Uint32Array(1)),
    ).toBe(false);
  });

  it("has two checksums of its body, and one in version 1", () => {
    // To a CRC-32C, records that are followed by a CRC-32C of their own are all the same: the older sector of another passed for one that was lost.
    const sealedRecord = (text: string): Uint8Array => {
      const payload = new Uint8Array(600);
      payload.set(new TextEncoder().encode(text), 500);
      writeU32(payload, 596, crc32cRange(payload, 0, 596));
      return payload;
    };
    const bodyBytes = recordBytes(600);
    for (const version of [1, 2]) {
      const format = { version, seed: 99 };
      const group = (text: string): Uint8Array => {
        const bytes = new Uint8Array(groupBytes(bodyBytes, "align", 512));
        encodeRecord(bytes, GROUP_HEADER_BYTES, 0, sealedRecord(text));
        sealGroup(bytes, bodyBytes, format, { firstLsn: 8, count: 1, floor: 7, epoch: 2, chain: 5 });
        return bytes;
      };
      const torn = group("this");
      torn.set(group("that").subarray(512), 512);
      const header = parseGroupHeader(torn, 0, format)!;
      expect(header).toMatchObject({ epoch: 2, firstLsn: 8 });
      // A group of version 1 can't tell. That is why there is version 2.
      expect(groupBodySound(torn, GROUP_HEADER_BYTES, header, format.seed)).toBe(version === 1);
    }
  });

  it("has a seed of its own in every log, segment, life of a file and version", () => {
    const id = new Uint8Array(LOG_ID_BYTES);
    const salt = new Uint8Array(SALT_BYTES);
    const seeds = new Set<number>([segmentSeed(id, 1, salt, 1), segmentSeed(id, 1, salt, 2)]);
    for (let number = 2; number < 500; number++) seeds.add(segmentSeed(id, number, salt, 2));
    for (let byte = 0; byte < LOG_ID_BYTES; byte++)
      seeds.add(
        segmentSeed(
          id.map((_, index) => (index === byte ? 1 : 0)),
          1,
          salt,
          2,
        ),
      );
    for (let byte = 0; byte < SALT_BYTES; byte++)
      seeds.add(
        segmentSeed(
          id,
          1,
          salt.map((_, index) => (index === byte ? 1 : 0)),
          2,
        ),
      );
    expect(seeds.size).toBe(500 + LOG_ID_BYTES + SALT_BYTES);
  });
});

describe("a torn-write mode", () => {
  it("has a number, and an unknown number no mode", () => {
    for (const mode of ["align", "double-write", "trust"] as const) expect(tornModeOf(tornModeCode(mode))).toBe(mode);
    expect([tornModeOf(3), tornModeOf(255)]).toEqual([undefined, undefined]);
  });
});

describe("the state of a log", () => {
  const state = fc.record({
    logId: fixedBytes(LOG_ID_BYTES),
    torn,
    blockBytes: u32,
    segmentBytes: lsn,
    epoch: lsn,
    clean: fc.boolean(),
    firstLsn: lsn,
    firstSegment: lsn,
    nextSegment: lsn,
    activeSegment: lsn,
    activeSalt: fixedBytes(SALT_BYTES),
    cuts: lsn,
    cutLsn: lsn,
    tail: fc.record({ offset: lsn, lsn, chain: u32, previousGroup: lsn }),
  });

  it("is read back as it was written", () => {
    fc.assert(
      fc.property(state, (facts) => {
        expect(parseLogState(encodeLogState(facts))).toEqual({ kind: "sound", state: facts });
      }),
    );
  });

  it("of a newer version, of another length, or with an unknown mode is told apart, by an error with the path", async () => {
    const value = encodeLogState(fc.sample(state, 1)[0]!);
    const newer = value.slice();
    writeU16(newer, 0, 2);
    expect(await errorOf(() => readState("/a", newer))).toMatchObject({
      code: "HF_FORMAT_NEWER",
      details: { path: "/a", version: 2 },
    });
    for (const bytes of [
      new Uint8Array(0),
      new Uint8Array(1),
      value.subarray(0, -1),
      new Uint8Array([...value, 0]),
      value.map((byte, index) => (index === 2 ? 9 : byte)),
    ]) {
      expect(await errorOf(() => readState("/a", bytes))).toMatchObject({
        code: "HF_CORRUPTION",
        details: { path: "/a" },
      });
    }
    for (const length of [0, 1, value.length - 1, value.length]) {
      fc.assert(fc.property(fixedBytes(length), (bytes) => void parseLogState(bytes)));
      fc.assert(fc.property(fixedBytes(length), (bytes) => void parseLogState(bytes.fill(0, 0, 3))));
    }
  });
});
