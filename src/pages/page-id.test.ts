import fc from "fast-check";
import { expect, test } from "vitest";
import { toHex } from "../base/index.js";
import {
  ENCODED_ID_BYTES,
  PAGE_DEPTH_MAX,
  type PageId,
  childPageId,
  decodePageId,
  describePageId,
  encodePageId,
  pageIdOfKey,
} from "./page-id.js";

function idOf(steps: readonly number[]): PageId {
  return steps.reduce(childPageId, "");
}

const repeated = (step: number, count: number): number[] => Array.from({ length: count }, () => step);

/** As nomt-core decodes them: shift by six bits, then add the step and one. */
const vectors: readonly [steps: readonly number[], hex: string][] = [
  [[], ""],
  [[0], "01"],
  [[6], "07"],
  [[63], "40"],
  [[6, 4], "01c5"],
  [[1, 2], "83"],
  [[2, 63], "0100"],
  [[6, 4, 63], "7180"],
  [repeated(63, 9), "41041041041040"],
  [repeated(63, 10), "1041041041041040"],
  [repeated(0, 42), "0041041041041041041041041041041041041041041041041041041041041041"],
  [repeated(63, 42), "1041041041041041041041041041041041041041041041041041041041041040"],
];

test.each(vectors)("the id %j has the encoding that nomt-core reads", (steps, hex) => {
  const encoded = encodePageId(idOf(steps));
  expect(toHex(encoded)).toBe(hex.padStart(64, "0"));
  expect(decodePageId(encoded)).toBe(idOf(steps));
});

const anySteps = fc.array(fc.oneof(fc.nat(63), fc.constantFrom(0, 62, 63)), { maxLength: PAGE_DEPTH_MAX });

test("every id is the encoding's number in base 64 with digits 1 to 64, and comes back", () => {
  fc.assert(
    fc.property(anySteps, (steps) => {
      const encoded = encodePageId(idOf(steps));
      const number = steps.reduce((sum, step) => sum * 64n + BigInt(step) + 1n, 0n);
      expect(BigInt(`0x${toHex(encoded)}`)).toBe(number);
      expect(decodePageId(encoded)).toBe(idOf(steps));
    }),
  );
});

test("every number up to the last id's is an id, and none above it is", () => {
  const last = BigInt(`0x${vectors.at(-1)![1]}`);
  const bytesOf = (value: bigint): Uint8Array =>
    Uint8Array.from(Buffer.from(value.toString(16).padStart(64, "0"), "hex"));
  const near = fc.tuple(fc.nat(42), fc.bigInt(-3n, 3n)).map(([depth, by]) => {
    const first = Array.from({ length: depth }, () => 0).reduce((sum) => sum * 64n + 1n, 0n);
    const value = first + by;
    return value < 0n ? 0n : value;
  });
  fc.assert(
    fc.property(fc.oneof(fc.bigInt(0n, last), near), (value) => {
      const id = decodePageId(bytesOf(value));
      expect(id).toBeDefined();
      expect(BigInt(`0x${toHex(encodePageId(id!))}`)).toBe(value);
    }),
  );
  expect(decodePageId(bytesOf(last + 1n))).toBeUndefined();
  expect(decodePageId(new Uint8Array(ENCODED_ID_BYTES).fill(0xff))).toBeUndefined();
  fc.assert(fc.property(fc.bigInt(last + 1n, 2n ** 256n - 1n), (value) => decodePageId(bytesOf(value)) === undefined));
});

test("the pages of a key are its bits, six at a time", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.nat(PAGE_DEPTH_MAX), (key, depth) => {
      const bits = Array.from(key, (byte) => byte.toString(2).padStart(8, "0")).join("");
      const steps = Array.from({ length: depth }, (_, at) => Number.parseInt(bits.slice(at * 6, at * 6 + 6), 2));
      expect(pageIdOfKey(key, depth)).toBe(idOf(steps));
    }),
  );
});

test("ids sort like their paths", () => {
  fc.assert(
    fc.property(anySteps, anySteps, (a, b) => {
      const [first, second] = [idOf(a), idOf(b)];
      const at = a.findIndex((step, index) => step !== b[index]);
      const isBefore = at === -1 ? a.length < b.length : b[at] !== undefined && a[at]! < b[at];
      expect(first < second).toBe(isBefore);
    }),
  );
});

test("an id is told by its steps", () => {
  expect(describePageId("")).toBe("root");
  expect(describePageId(idOf([6, 4, 63]))).toBe("6/4/63");
});
