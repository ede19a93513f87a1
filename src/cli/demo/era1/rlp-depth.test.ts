import { encode } from "@ethereumjs/rlp";
import fc from "fast-check";
import { expect, it } from "vitest";
import { loadEra1Libraries, type RlpValue } from "./era1-libraries.js";
import { isRlpShallow } from "./rlp-depth.js";

/** How many lists the deepest list stands in; −1 without a list. */
function depthOf(value: RlpValue): number {
  return value instanceof Uint8Array ? -1 : 1 + Math.max(-1, ...value.map(depthOf));
}

const { value } = fc.letrec<{ value: RlpValue; bytes: RlpValue; list: RlpValue }>((tie) => ({
  value: fc.oneof({ maxDepth: 6 }, tie("bytes"), tie("list")),
  bytes: fc.uint8Array({ maxLength: 70 }),
  list: fc.array(tie("value"), { maxLength: 4 }),
}));

it("finds how deep lists nest", () => {
  fc.assert(
    fc.property(value, (value) => {
      const bytes = encode(value as never);
      const depth = depthOf(value);
      expect(isRlpShallow(bytes, depth)).toBe(true);
      if (depth > 0) expect(isRlpShallow(bytes, depth - 1)).toBe(false);
    }),
  );
});

it("ends on any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(typeof isRlpShallow(bytes, 3)).toBe("boolean");
    }),
  );
});

it("lists that nest without end are refused at once", async () => {
  // The decoder copies each list at each level: these two megabytes kept it busy for more than a minute.
  const bytes = new Uint8Array(2 * 1024 * 1024).fill(0x80);
  for (let at = 0; at < 80_000; at += 4) {
    const length = bytes.length - at - 4;
    bytes.set([0xfa, length >>> 16, length >>> 8, length], at);
  }
  const { decodeRlp } = await loadEra1Libraries();
  expect(() => decodeRlp(bytes)).toThrow(RangeError);
});
