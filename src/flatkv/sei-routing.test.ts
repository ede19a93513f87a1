import { blake3 } from "@noble/hashes/blake3.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError, InvalidArgumentError, toHex, writeU32 } from "../base/index.js";
import { decodeAccount, encodeAccount, type Account } from "./account-row.js";
import type { Place, RowField } from "./routing.js";
import { seiRouting } from "./sei-routing.js";

const address = fc.uint8Array({ minLength: 20, maxLength: 20 });
const nonce = fc.uint8Array({ minLength: 8, maxLength: 8 });
const codeHash = fc.oneof(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.constant(new Uint8Array(32)));
const account: fc.Arbitrary<Account> = fc.record(
  { balance: fc.bigInt(0n, 2n ** 256n - 1n), nonce: fc.bigInt(0n, 2n ** 64n - 1n), codeHash },
  { requiredKeys: ["balance", "nonce"] },
);

function keyOf(prefix: number, rest: Uint8Array): Uint8Array {
  return Uint8Array.of(prefix, ...rest);
}

function placeOf(key: Uint8Array): Place {
  const place = seiRouting.route(key);
  if (place === undefined) throw new Error("the key has no place");
  return place;
}

function fieldOf(prefix: number, rest: Uint8Array = new Uint8Array(20)): RowField {
  const { field } = placeOf(keyOf(prefix, rest));
  if (field === undefined) throw new Error("the key is no field's");
  return field;
}

/** Checksum of the lattice hash of one pair, by the definition. */
function checksumOfPair(key: Uint8Array, value: Uint8Array): string {
  const pair = new Uint8Array(8 + key.length + value.length);
  writeU32(pair, 0, key.length);
  pair.set(key, 4);
  writeU32(pair, 4 + key.length, value.length);
  pair.set(value, 8 + key.length);
  return toHex(blake3(blake3(pair, { dkLen: 2048 })));
}

describe("sei's routing", () => {
  it("has four databases", () => {
    expect(seiRouting.databases).toEqual(["account", "code", "storage", "legacy"]);
  });

  it("sends each kind of key to its database, without its prefix", () => {
    fc.assert(
      fc.property(address, fc.uint8Array({ minLength: 32, maxLength: 32 }), (of, slot) => {
        const storageKey = Uint8Array.of(...of, ...slot);
        expect(placeOf(keyOf(0x03, storageKey))).toEqual({ database: "storage", key: storageKey });
        expect(placeOf(keyOf(0x07, of))).toEqual({ database: "code", key: of });
        for (const prefix of [0x08, 0x0a]) {
          const { field, ...place } = placeOf(keyOf(prefix, of));
          expect(place).toEqual({ database: "account", key: of });
          expect(field).toBeDefined();
        }
      }),
    );
  });

  it("sends every other prefix and every other length to legacy with the whole key", () => {
    const elsewhere: (readonly [prefix: number, length: number])[] = [];
    const lengths: Record<number, number> = { 0x03: 53, 0x07: 21, 0x08: 21, 0x0a: 21 };
    for (let prefix = 0; prefix < 256; prefix++) {
      for (let length = 1; length <= 60; length++) {
        if (lengths[prefix] === length) continue;
        const key = keyOf(prefix, new Uint8Array(length - 1).fill(7));
        const place = placeOf(key);
        if (place.database !== "legacy" || place.key !== key || place.field !== undefined)
          elsewhere.push([prefix, length]);
      }
    }
    expect(elsewhere).toEqual([]);
  });

  it("has no place for a key without bytes", () => {
    expect(seiRouting.route(new Uint8Array(0))).toBeUndefined();
  });

  it("never sends two keys to one place", () => {
    const key = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 60 }),
      fc
        .tuple(fc.constantFrom(3, 7, 8, 9, 10), fc.constantFrom(19, 20, 51, 52))
        .map(([prefix, length]) => keyOf(prefix, new Uint8Array(length))),
    );
    const nameOf = (of: Uint8Array): string => {
      const place = placeOf(of);
      return `${place.database} ${toHex(place.key)} ${place.field?.constructor.name ?? ""}`;
    };
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(nameOf(a) === nameOf(b)).toBe(toHex(a) === toHex(b));
      }),
    );
  });

  it("makes the rows whose hashes are known of a block with one of each", () => {
    const of = new Uint8Array(20);
    of[19] = 1;
    const slot = new Uint8Array(32);
    slot[31] = 1;
    const withNonce = fieldOf(0x0a, of).write(undefined, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1));
    const row = fieldOf(0x08, of).write(withNonce, new Uint8Array(32).fill(1))!;
    const rows: [Uint8Array, Uint8Array, string][] = [
      [keyOf(0x08, of), row, "de59b22802e645762d693da5e4ad87731b153af03bdacb897da9bcbed74435cc"],
      [
        keyOf(0x07, of),
        Uint8Array.of(0x60, 0x80, 0x01),
        "97f3235cea1dbe0c4307edf8783db7249e3b90d01cefea1e6d7c93005bf76c4b",
      ],
      [
        keyOf(0x03, Uint8Array.of(...of, ...slot)),
        Uint8Array.of(1, 0xaa),
        "0ff9c86fdde2160e4d4149fc9c485a583900ce00b4fd42e82d2d61107a6bc958",
      ],
      [keyOf(0x09, of), Uint8Array.of(1, 0xbb), "1b37908d9294d838de0085bb2bb422ae8da829068f3d926cb8d2ba9b3fdfade8"],
    ];
    for (const [key, value, checksum] of rows) expect(checksumOfPair(placeOf(key).key, value)).toBe(checksum);
  });
});

describe("an account row", () => {
  it("gives back what was encoded, in 40 bytes without code and 72 with", () => {
    fc.assert(
      fc.property(account, (value) => {
        const row = encodeAccount(value);
        const hasCode = value.codeHash?.some((byte) => byte !== 0) ?? false;
        expect(row.length).toBe(hasCode ? 72 : 40);
        const { codeHash: hash, ...numbers } = value;
        expect(decodeAccount(row)).toEqual(hasCode ? { ...numbers, codeHash: hash } : numbers);
      }),
    );
    expect(toHex(encodeAccount({ balance: 1n, nonce: 42n }))).toBe(`${"0".repeat(63)}1000000000000002a`);
  });

  it("of any other length is undecodable, and the error names it", () => {
    for (let length = 0; length < 100; length++) {
      const row = new Uint8Array(length);
      const reads = [() => decodeAccount(row), () => fieldOf(0x08).read(row), () => fieldOf(0x0a).read(row)];
      const writes = [0x08, 0x0a].map((prefix) => () => fieldOf(prefix).write(row, undefined));
      for (const use of [...reads, ...writes]) {
        if (length === 40 || length === 72) use();
        else expect(use).toThrow(expect.objectContaining({ code: "HF_VALUE_UNDECODABLE" }));
      }
    }
    const failure = failureOf(() => fieldOf(0x0a, new Uint8Array(20).fill(0xab)).read(new Uint8Array(41)));
    expect(failure).toBeInstanceOf(FormatError);
    expect(failure).toMatchObject({ details: { address: "ab".repeat(20), bytes: 41 } });
  });

  it("is refused where a number or a hash does not fit", () => {
    const wrong: Account[] = [
      { balance: -1n, nonce: 0n },
      { balance: 2n ** 256n, nonce: 0n },
      { balance: 0n, nonce: 2n ** 64n },
      { balance: 0n, nonce: -1n },
      { balance: 0n, nonce: 1 as unknown as bigint },
      { balance: 0n, nonce: 0n, codeHash: new Uint8Array(31) },
    ];
    for (const value of wrong) expect(failureOf(() => encodeAccount(value))).toBeInstanceOf(InvalidArgumentError);
  });
});

describe("a field of an account", () => {
  it("changes itself and nothing else, and leaves the row it was given as it was", () => {
    fc.assert(
      fc.property(fc.option(account, { nil: undefined }), nonce, codeHash, (before, newNonce, newHash) => {
        const row = before === undefined ? undefined : encodeAccount(before);
        const given = row?.slice();
        const old = row === undefined ? { balance: 0n, nonce: 0n } : decodeAccount(row);
        const withNonce = fieldOf(0x0a).write(row, newNonce)!;
        const number = BigInt(`0x${toHex(newNonce)}`);
        expect(withNonce).toEqual(encodeAccount({ ...old, nonce: number }));
        expect(fieldOf(0x0a).read(withNonce)).toEqual(newNonce);
        const withHash = fieldOf(0x08).write(row, newHash)!;
        expect(withHash).toEqual(encodeAccount({ ...old, codeHash: newHash }));
        expect(fieldOf(0x08).read(withHash)).toEqual(newHash.every((byte) => byte === 0) ? undefined : newHash);
        expect(row).toEqual(given);
      }),
    );
  });

  it("is set to zero when it is deleted, and the row stays or is made", () => {
    fc.assert(
      fc.property(fc.option(account, { nil: undefined }), (before) => {
        const row = before === undefined ? undefined : encodeAccount(before);
        const old = before ?? { balance: 0n, nonce: 0n };
        expect(fieldOf(0x0a).write(row, undefined)).toEqual(encodeAccount({ ...old, nonce: 0n }));
        expect(fieldOf(0x08).write(row, undefined)).toEqual(encodeAccount({ ...old, codeHash: undefined }));
      }),
    );
  });

  it("reads as eight zeros for a nonce of 0, and as absent for a code hash of zeros", () => {
    for (const row of [new Uint8Array(40), new Uint8Array(72)]) {
      expect(fieldOf(0x0a).read(row)).toEqual(new Uint8Array(8));
      expect(fieldOf(0x08).read(row)).toBeUndefined();
    }
  });

  it("writes a row of 72 bytes without code in 40", () => {
    for (const prefix of [0x08, 0x0a]) expect(fieldOf(prefix).write(new Uint8Array(72), undefined)).toHaveLength(40);
  });

  it("refuses values of other lengths", () => {
    for (const [prefix, right] of [
      [0x0a, 8],
      [0x08, 32],
    ] as const) {
      for (let length = 0; length < 40; length++) {
        if (length === right) continue;
        const failure = failureOf(() => fieldOf(prefix).write(undefined, new Uint8Array(length)));
        expect(failure).toBeInstanceOf(InvalidArgumentError);
      }
    }
  });
});

function failureOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}
