/** What `LtHash` does, whichever kernel computes its elements. */
import { blake3 as nobleBlake3 } from "@noble/hashes/blake3.js";
import { hexToBytes as hex } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvalidArgumentError, toHex, writeU32 } from "../base/index.js";
import { LtHash } from "./index.js";
import type { LtHashKernel } from "./index.js";

type Pair = readonly [key: Uint8Array, value: Uint8Array];

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The definition, word for word: an element by another implementation of BLAKE3. */
function elementOf([key, value]: Pair): Uint16Array {
  const preimage = new Uint8Array(8 + key.length + value.length);
  writeU32(preimage, 0, key.length);
  preimage.set(key, 4);
  writeU32(preimage, 4 + key.length, value.length);
  preimage.set(value, 8 + key.length);
  const output = nobleBlake3(preimage, { dkLen: 2048 });
  return Uint16Array.from({ length: 1024 }, (_, lane) => output[2 * lane]! | (output[2 * lane + 1]! << 8));
}

/** The hash that some added and some removed pairs should have. */
function modelOf(added: readonly Pair[], removed: readonly Pair[] = []): Uint8Array {
  const lanes = new Uint16Array(1024);
  const members = (pairs: readonly Pair[]) => pairs.filter(([key, value]) => key.length > 0 && value.length > 0);
  for (const pair of members(added)) elementOf(pair).forEach((limb, lane) => (lanes[lane] = lanes[lane]! + limb));
  for (const pair of members(removed)) elementOf(pair).forEach((limb, lane) => (lanes[lane] = lanes[lane]! - limb));
  return Uint8Array.from({ length: 2048 }, (_, byte) => lanes[byte >> 1]! >> (8 * (byte & 1)));
}

/** Lengths around the edges of blocks and chunks of the preimage, which has 8 bytes more than key and value. */
const bytes = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 150 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.integer({ min: 940, max: 1100 }), fc.nat(255))
      .map(([length, salt]) => Uint8Array.from({ length }, (_, at) => (at * 7 + salt) & 0xff)),
  },
);
const pair: fc.Arbitrary<Pair> = fc.tuple(bytes, bytes);

export function describeLtHash(kernel: LtHashKernel): void {
  const empty = (): LtHash => new LtHash(kernel);
  const of = (...pairs: readonly Pair[]): LtHash => {
    const hash = empty();
    for (const [key, value] of pairs) hash.add(key, value);
    return hash;
  };
  const checksum = (hash: LtHash): string => toHex(hash.checksum());

  describe(`LtHash with the ${kernel.name} kernel`, () => {
    it("has the known checksum when it is empty", () => {
      expect(checksum(empty())).toBe("be2a8de3dcf46c94ce85cdc8e07ac308f4d8a95490d956c38d780fd610db0813");
      expect(empty().toBytes()).toEqual(new Uint8Array(2048));
    });

    it("has the known lanes and checksum of one pair", () => {
      const hash = of([ascii("key"), ascii("value")]);
      const lanes = hash.toBytes();
      expect(toHex(lanes.subarray(0, 32))).toBe("c8a687cdf3d959e72540fd749d0f1a5250d03deef86a4d8917ce8ba815184991");
      expect(toHex(lanes.subarray(2032))).toBe("0e7b93735139e3fdde5693c882bbdb67");
      expect(checksum(hash)).toBe("b3437b8894c2310230f8da14288ce6d64339735ceb01c2cf98130670288f9ae6");
    });

    it("has the known checksums of a set that grows", () => {
      const hash = of([ascii("k1"), ascii("v1")]);
      expect(checksum(hash)).toBe("bd654b31d49ea932015acb6a623e1acddd1bdf1e7659a71abbbf4212c5e7e005");
      hash.add(ascii("k2"), ascii("v2"));
      expect(checksum(hash)).toBe("9f099db34f9bb64815ad9377bd62891fd035d5ee3498a7b99d4e055ea178ea08");
      hash.add(ascii("k3"), ascii("v3"));
      expect(checksum(hash)).toBe("117c4432a637f679746775c167936562310827bab4bec049b00b516f99ec21f2");
    });

    it("has the known checksums of a removal from nothing, and of a changed value", () => {
      const hash = empty();
      hash.remove(ascii("k1"), ascii("v1"));
      expect(checksum(hash)).toBe("fcd74218e4aeb9aed342a0679b20ff686180a02baa7c52db4985ffb5adb5d261");
      const changed = of([ascii("key1"), ascii("value1")]);
      changed.remove(ascii("key1"), ascii("value1"));
      changed.add(ascii("key1"), ascii("value2"));
      expect(checksum(changed)).toBe("0089dedcb084cf9fa6b185aa14522b22d593414cacefac7d6ca29258f09e2f09");
    });

    it("has the known checksums of S2's databases after a block of each kind of row", () => {
      const address = `${"00".repeat(19)}01`;
      const slot = `${"00".repeat(31)}01`;
      const nonceAndCode = `${"00".repeat(32)}${"00".repeat(7)}01${"01".repeat(32)}`;
      const account = of([hex(address), hex(nonceAndCode)]);
      const code = of([hex(address), hex("608001")]);
      const storage = of([hex(address + slot), hex("01aa")]);
      const legacy = of([hex(`09${address}`), hex("01bb")]);
      expect(checksum(account)).toBe("de59b22802e645762d693da5e4ad87731b153af03bdacb897da9bcbed74435cc");
      expect(checksum(code)).toBe("97f3235cea1dbe0c4307edf8783db7249e3b90d01cefea1e6d7c93005bf76c4b");
      expect(checksum(storage)).toBe("0ff9c86fdde2160e4d4149fc9c485a583900ce00b4fd42e82d2d61107a6bc958");
      expect(checksum(legacy)).toBe("1b37908d9294d838de0085bb2bb422ae8da829068f3d926cb8d2ba9b3fdfade8");
      expect(checksum(LtHash.sum([account, code, storage, legacy]))).toBe(
        "ae74f4f22bbae8597a57c4f8a827a388585cbfcd1b74d2174e744b45a19ece67",
      );
    });

    it("has the known checksums of the same block with versioned rows and prefixed keys", () => {
      const address = `${"00".repeat(19)}01`;
      const version = `00${"00".repeat(7)}01`;
      const prefix = toHex(ascii("evm/"));
      const row = (key: string, payload: string): LtHash => of([hex(prefix + key), hex(version + payload)]);
      const account = row(`0a${address}`, `${"00".repeat(32)}${"00".repeat(7)}01${"01".repeat(32)}`);
      const code = row(`07${address}`, "608001");
      const storage = row(`03${address}${"00".repeat(31)}01`, `${"00".repeat(30)}01aa`);
      const misc = row(`09${address}`, "01bb");
      expect(checksum(account)).toBe("523d76b07e9803c1e4efd94db0a95e6cbd9908e9b4be21537f7e899fa88ab4d8");
      expect(checksum(code)).toBe("688a9784aa5e6f96d0e3042f95f8b9bc42470bdbff3a078668867fbdbfb91eb4");
      expect(checksum(storage)).toBe("8cfc911df552677681d5dc3541da830af1174ea57f212084c69b151879a46c19");
      expect(checksum(misc)).toBe("6859e8df2be69346d327f9b525fb0087bf27732afdca49e7e9dcc43d2ea7f276");
      expect(checksum(LtHash.sum([account, code, storage, misc]))).toBe(
        "eb68b170b8f9b09ee7d67290162e30dd9c2a21c7cefd769f6d8cf76a56895e87",
      );
    });

    it("is the definition's sum of what was added less what was removed", () => {
      fc.assert(
        fc.property(fc.array(pair, { maxLength: 6 }), fc.array(pair, { maxLength: 6 }), (added, removed) => {
          const hash = of(...added);
          for (const [key, value] of removed) hash.remove(key, value);
          expect(toHex(hash.toBytes())).toBe(toHex(modelOf(added, removed)));
        }),
        { numRuns: 60 },
      );
    });

    it("takes preimages of every length around blocks and chunks, and of many chunks", () => {
      const upTo = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, n) => first + n);
      for (const length of [...upTo(1, 330), ...upTo(940, 1100), ...upTo(2020, 2110), 5000, 66_000, 140_000]) {
        const one: Pair = [Uint8Array.of(7), new Uint8Array(length).fill(length)];
        expect(toHex(of(one).toBytes()) === toHex(modelOf([one])), `a value of ${length} bytes`).toBe(true);
      }
    });

    it("does not depend on the order, and forgets what is added and removed", () => {
      fc.assert(
        fc.property(fc.array(pair, { maxLength: 8 }), fc.nat(), pair, (pairs, turn, [key, value]) => {
          const hash = of(...pairs);
          const split = pairs.length === 0 ? 0 : turn % pairs.length;
          const turned = of(...pairs.slice(split), ...pairs.slice(0, split).reverse());
          expect(turned.equals(hash)).toBe(true);
          turned.remove(key, value);
          turned.add(key, value);
          expect(turned.equals(hash)).toBe(true);
          for (const [key, value] of pairs) turned.remove(key, value);
          expect(turned.isZero()).toBe(true);
        }),
        { numRuns: 100 },
      );
    });

    it("tells apart where a key ends and its value begins", () => {
      expect(of([ascii("ab"), ascii("c")]).equals(of([ascii("a"), ascii("bc")]))).toBe(false);
    });

    it("has no members with an empty key or an empty value", () => {
      const hash = of([ascii("k1"), ascii("v1")]);
      const before = hash.clone();
      hash.add(ascii(""), ascii("v"));
      hash.add(ascii("k"), ascii(""));
      hash.remove(ascii("k1"), ascii(""));
      hash.remove(ascii(""), ascii("v1"));
      expect(hash.equals(before)).toBe(true);
    });

    it("mixes in and out what another hash stands for", () => {
      fc.assert(
        fc.property(fc.array(pair, { maxLength: 4 }), fc.array(pair, { maxLength: 4 }), (some, others) => {
          const hash = of(...some);
          hash.mixIn(of(...others));
          expect(hash.equals(of(...some, ...others))).toBe(true);
          expect(LtHash.sum([of(...some), of(...others)]).equals(hash)).toBe(true);
          hash.mixOut(of(...some));
          expect(hash.equals(of(...others))).toBe(true);
          hash.mixOut(hash);
          expect(hash.isZero()).toBe(true);
        }),
        { numRuns: 60 },
      );
    });

    it("adds and removes lane by lane, each modulo 2^16", () => {
      const lanes = fc.array(fc.constantFrom(0, 1, 0x7fff, 0x8000, 0x8001, 0xffff), {
        minLength: 1024,
        maxLength: 1024,
      });
      const hashOf = (limbs: readonly number[]): LtHash =>
        LtHash.fromBytes(new Uint8Array(Uint16Array.from(limbs).buffer), kernel);
      fc.assert(
        fc.property(lanes, lanes, (a, b) => {
          const sum = hashOf(a);
          sum.mixIn(hashOf(b));
          expect(sum.equals(hashOf(a.map((limb, lane) => limb + b[lane]!)))).toBe(true);
          const difference = hashOf(a);
          difference.mixOut(hashOf(b));
          expect(difference.equals(hashOf(a.map((limb, lane) => limb - b[lane]!)))).toBe(true);
        }),
        { numRuns: 20 },
      );
    });

    it("sums nothing to zero", () => {
      expect(LtHash.sum([]).isZero()).toBe(true);
    });

    it("comes back from its bytes, and they are its own", () => {
      const hash = of([ascii("k1"), ascii("v1")]);
      const written = hash.toBytes();
      const read = LtHash.fromBytes(written, kernel);
      expect(read.equals(hash)).toBe(true);
      written.fill(0);
      expect(read.equals(hash)).toBe(true);
      read.add(ascii("k2"), ascii("v2"));
      expect(read.equals(of([ascii("k1"), ascii("v1")], [ascii("k2"), ascii("v2")]))).toBe(true);
    });

    it("refuses bytes of any other length", () => {
      for (const length of [0, 32, 2047, 2049, 4096]) {
        const act = () => LtHash.fromBytes(new Uint8Array(length), kernel);
        expect(act, `${length} bytes`).toThrow(InvalidArgumentError);
        expect(act).toThrow(expect.objectContaining({ code: "HF_INVALID_ARGUMENT" }));
      }
      expect(() => LtHash.fromBytes("x" as unknown as Uint8Array, kernel)).toThrow(InvalidArgumentError);
    });

    it("refuses what is not bytes or no hash, and is left as it was", () => {
      const hash = of([ascii("k1"), ascii("v1")]);
      const before = hash.toBytes();
      const wrong = "k2" as unknown as Uint8Array;
      expect(() => hash.add(wrong, ascii("v2"))).toThrow(InvalidArgumentError);
      expect(() => hash.add(ascii("k2"), wrong)).toThrow(InvalidArgumentError);
      expect(() => hash.remove(wrong, ascii("v2"))).toThrow(InvalidArgumentError);
      const long = Object.create(Uint8Array.prototype, { length: { value: 2 ** 32 + 1 } }) as Uint8Array;
      expect(() => hash.add(long, ascii("v2"))).toThrow(InvalidArgumentError);
      expect(() => hash.remove(ascii("k2"), long)).toThrow(InvalidArgumentError);
      const none = before as unknown as LtHash;
      for (const act of [
        () => hash.mixIn(none),
        () => hash.mixOut(none),
        () => hash.set(none),
        () => hash.equals(none),
      ]) {
        expect(act).toThrow(InvalidArgumentError);
      }
      expect(hash.toBytes()).toEqual(before);
    });

    it("is copied by clone and set, and neither copy follows the other", () => {
      const hash = of([ascii("k1"), ascii("v1")]);
      const copy = hash.clone();
      const other = of([ascii("k9"), ascii("v9")]);
      other.set(hash);
      hash.add(ascii("k2"), ascii("v2"));
      expect(copy.equals(of([ascii("k1"), ascii("v1")]))).toBe(true);
      expect(other.equals(copy)).toBe(true);
      copy.reset();
      expect(copy.isZero()).toBe(true);
      expect(other.isZero()).toBe(false);
      expect(hash.equals(of([ascii("k1"), ascii("v1")], [ascii("k2"), ascii("v2")]))).toBe(true);
    });

    it("keeps many hashes apart that are used in turn", () => {
      const steps = fc.array(
        fc.record({
          at: fc.nat(79),
          from: fc.nat(79),
          act: fc.constantFrom("add", "add", "add", "remove", "mixIn", "mixOut", "set", "reset", "clone", "bytes"),
          key: fc.nat(5),
        }),
        { minLength: 100, maxLength: 400 },
      );
      // Every element once: the model has to be quick here.
      const pairs = [...Array(6).keys()].map((n): Pair => [ascii(`key ${n}`), new Uint8Array(n * 300 + 1).fill(n)]);
      const elements = pairs.map(elementOf);
      fc.assert(
        fc.property(steps, (steps) => {
          const hashes = [...Array(80)].map(empty);
          const models = hashes.map(() => new Uint16Array(1024));
          for (const { at, from, act, key } of steps) {
            const hash = hashes[at]!;
            const model = models[at]!;
            const [otherHash, otherModel] = [hashes[from]!, models[from]!.slice()];
            const into = (limbs: Uint16Array, sign: number) =>
              limbs.forEach((limb, lane) => (model[lane] = model[lane]! + sign * limb));
            if (act === "add") {
              hash.add(...pairs[key]!);
              into(elements[key]!, 1);
            } else if (act === "remove") {
              hash.remove(...pairs[key]!);
              into(elements[key]!, -1);
            } else if (act === "mixIn") {
              hash.mixIn(otherHash);
              into(otherModel, 1);
            } else if (act === "mixOut") {
              hash.mixOut(otherHash);
              into(otherModel, -1);
            } else if (act === "set") {
              hash.set(otherHash);
              model.set(otherModel);
            } else if (act === "reset") {
              hash.reset();
              model.fill(0);
            } else if (act === "clone") {
              hashes[at] = otherHash.clone();
              models[at] = otherModel;
            } else {
              hashes[at] = LtHash.fromBytes(otherHash.toBytes(), kernel);
              models[at] = otherModel;
            }
          }
          hashes.forEach((hash, n) => {
            const expected = new Uint8Array(models[n]!.buffer);
            expect(toHex(hash.toBytes()) === toHex(expected), `hash ${n}`).toBe(true);
            expect(hash.isZero()).toBe(expected.every((byte) => byte === 0));
          });
        }),
        { numRuns: 30 },
      );
    });
  });
}
