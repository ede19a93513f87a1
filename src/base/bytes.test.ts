import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  equalBytes,
  fromHex,
  isZero,
  readU16,
  readU32,
  readU64,
  toHex,
  writeU16,
  writeU32,
  writeU64,
} from "./bytes.js";
import { SeededRandom } from "./seeded-random.js";

describe("little-endian numbers", () => {
  it("are read as DataView reads them, and written as it writes them", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(0xffffffff), fc.nat(0xffff), fc.nat(9), (u64, u32, u16, offset) => {
        const ours = new Uint8Array(32);
        const view = new DataView(new ArrayBuffer(32));
        writeU64(ours, offset, u64);
        view.setBigUint64(offset, BigInt(u64), true);
        writeU32(ours, offset + 8, u32);
        view.setUint32(offset + 8, u32, true);
        writeU16(ours, offset + 12, u16);
        view.setUint16(offset + 12, u16, true);
        expect(ours).toEqual(new Uint8Array(view.buffer));
        expect(readU64(ours, offset)).toBe(u64);
        expect(readU32(ours, offset + 8)).toBe(u32);
        expect(readU16(ours, offset + 12)).toBe(u16);
      }),
    );
  });

  it("of 64 bits keep both ends of the safe range", () => {
    const bytes = new Uint8Array(8);
    for (const value of [0, 1, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      writeU64(bytes, 0, value);
      expect(readU64(bytes, 0)).toBe(value);
    }
  });

  it("of 64 bits above the safe range read as -1, never as another number", () => {
    const view = new DataView(new ArrayBuffer(8));
    for (const value of [2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n]) {
      view.setBigUint64(0, value, true);
      expect(readU64(new Uint8Array(view.buffer), 0)).toBe(-1);
    }
  });
});

describe("equalBytes", () => {
  it("sees a difference at every position, at every alignment and around every size", () => {
    const random = new SeededRandom(2);
    for (const length of [1, 4, 127, 128, 131, 260]) {
      for (const shift of [0, 1, 4]) {
        const a = random.bytes(length + 8).subarray(shift, shift + length);
        const b = Uint8Array.from(a);
        expect(equalBytes(a, b)).toBe(true);
        for (let at = 0; at < length; at++) {
          b[at] = b[at]! ^ 0x80;
          expect(equalBytes(a, b)).toBe(false);
          b[at] = b[at]! ^ 0x80;
        }
      }
    }
  });

  it("is false for other lengths and true for two empty ones", () => {
    expect(equalBytes(new Uint8Array(3), new Uint8Array(4))).toBe(false);
    expect(equalBytes(new Uint8Array(0), new Uint8Array(0))).toBe(true);
  });
});

describe("isZero", () => {
  it("sees one set bit anywhere inside the range, and none outside it", () => {
    const bytes = new Uint8Array(400);
    for (const [start, end] of [
      [0, 400],
      [1, 399],
      [3, 130],
      [2, 131],
      [7, 7],
      [390, 400],
    ] as const) {
      for (let at = 0; at < bytes.length; at++) {
        bytes[at] = 1;
        expect(isZero(bytes, start, end)).toBe(at < start || at >= end);
        bytes[at] = 0;
      }
    }
  });

  it("works on a view that starts at an odd place of its buffer", () => {
    const bytes = new Uint8Array(300).fill(1).subarray(1);
    bytes.fill(0, 5, 205);
    expect(isZero(bytes, 5, 205)).toBe(true);
    expect(isZero(bytes, 4, 205)).toBe(false);
    expect(isZero(bytes, 5, 206)).toBe(false);
  });
});

describe("hexadecimal", () => {
  it("gives back any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromHex(toHex(bytes))).toEqual(bytes);
      }),
    );
  });

  it("reads upper case, and refuses what is not hexadecimal", () => {
    expect(fromHex("00FFa5")).toEqual(Uint8Array.of(0, 255, 165));
    for (const text of ["0", "0x00", "gg", "0 "]) expect(fromHex(text)).toBeUndefined();
  });
});
