import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError, HoldfastError, InvalidArgumentError, toHex } from "../base/index.js";
import { blake3 } from "../hash/index.js";
import type { MultiProof, PathProof } from "./index.js";
import { decodeMultiProof, decodePathProof, encodeMultiProof, encodePathProof } from "./index.js";
import { hex } from "./naive-trie.contract.js";
import { inDigits, multiProofFor, proofOf } from "./proofs.contract.js";
import { anyKey, anyLeaves } from "./random-leaves.contract.js";

const filled = (byte: number): string => byte.toString(16).padStart(2, "0").repeat(32);
const leaves = new Map([0x01, 0x03, 0x80, 0xf0].map((byte) => [filled(byte), filled(9)]));
const path = encodePathProof(proofOf(blake3, leaves, filled(0x02)));
const absent = encodePathProof(proofOf(blake3, leaves, filled(0xc7)));
const multi = encodeMultiProof(multiProofFor(blake3, leaves, [filled(0x03), filled(0x40), filled(0xf0)]));

/** Proofs of either form with what decodes and encodes them. */
const forms = [
  { form: "path proof", decode: decodePathProof, encode: encodePathProof, samples: [path, absent], other: multi },
  { form: "multiproof", decode: decodeMultiProof, encode: encodeMultiProof, samples: [multi], other: path },
] as const;

const codeOf = (act: () => unknown): string => {
  try {
    act();
    return "none";
  } catch (error) {
    if (error instanceof HoldfastError) return error.code;
    throw error;
  }
};

describe("the binary form of a proof", () => {
  it("gives back any path proof", () => {
    fc.assert(
      fc.property(anyLeaves(10), anyKey, fc.nat(12), (leaves, other, which) => {
        const proof = proofOf(blake3, leaves, [...leaves.keys()][which] ?? other);
        expect(inDigits(decodePathProof(encodePathProof(proof)))).toEqual(inDigits(proof));
      }),
    );
  });

  it("gives back any multiproof", () => {
    fc.assert(
      fc.property(anyLeaves(10), fc.array(anyKey, { minLength: 1, maxLength: 5 }), (leaves, others) => {
        const proof = multiProofFor(blake3, leaves, [...others, ...[...leaves.keys()].slice(0, 4)]);
        expect(inDigits(decodeMultiProof(encodeMultiProof(proof)))).toEqual(inDigits(proof));
      }),
    );
  });

  it("spares the siblings that are terminators", () => {
    const deep = new Map([filled(0xff), `${"ff".repeat(31)}fe`].map((key) => [key, filled(1)]));
    const bytes = encodePathProof(proofOf(blake3, deep, filled(0xff)));
    expect(bytes).toHaveLength(8 + 3 + 64 + 32 + 32);
  });

  it("is one: the empty trie's has no byte to spare", () => {
    const proof: PathProof = { terminal: { kind: "terminator", path: new Uint8Array(32) }, siblings: [] };
    expect(toHex(encodePathProof(proof))).toBe("4846505201000100000000");
  });
});

describe.each(forms)("decoding a $form", ({ form, decode, encode, samples, other }) => {
  it("takes parts of larger buffers, and keeps none of them", () => {
    for (const sample of samples) {
      const buffer = Buffer.alloc(sample.length + 3, 0xee);
      buffer.set(sample, 3);
      const proof = decode(buffer.subarray(3));
      const before = JSON.stringify(inDigits(proof));
      buffer.fill(0);
      expect(JSON.stringify(inDigits(proof))).toBe(before);
    }
  });

  it("refuses every beginning of a proof, and anything behind it", () => {
    for (const sample of samples) {
      for (let end = 0; end < sample.length; end++) {
        expect(codeOf(() => decode(sample.subarray(0, end)))).toBe(
          end < 8 ? "HF_FORMAT_UNKNOWN" : "HF_PROOF_MALFORMED",
        );
      }
      expect(codeOf(() => decode(Uint8Array.of(...sample, 0)))).toBe("HF_PROOF_MALFORMED");
    }
  });

  it("tells other forms, newer versions and other things apart", () => {
    const [sample] = samples;
    expect(codeOf(() => decode(other))).toBe("HF_FORMAT_FOREIGN");
    expect(codeOf(() => decode(sample.with(4, 2)))).toBe("HF_FORMAT_NEWER");
    expect(codeOf(() => decode(sample.with(5, 1)))).toBe("HF_FORMAT_NEWER");
    expect(codeOf(() => decode(sample.with(4, 0)))).toBe("HF_PROOF_MALFORMED");
    expect(codeOf(() => decode(sample.with(6, 3)))).toBe("HF_PROOF_MALFORMED");
    expect(codeOf(() => decode(sample.with(6, 0)))).toBe("HF_PROOF_MALFORMED");
    expect(codeOf(() => decode(sample.with(7, 1)))).toBe("HF_PROOF_MALFORMED");
    expect(codeOf(() => decode(sample.with(0, 1)))).toBe("HF_FORMAT_UNKNOWN");
    expect(codeOf(() => decode(new Uint8Array(200)))).toBe("HF_FORMAT_UNKNOWN");
    expect(codeOf(() => decode(toHex(sample) as never))).toBe("HF_INVALID_ARGUMENT");
  });

  it("gives of any bytes a proof that has these bytes, or a FormatError", () => {
    const header = samples[0].slice(0, 8);
    const behindHeader = fc.uint8Array({ maxLength: 200 }).map((rest) => Uint8Array.of(...header, ...rest));
    const small = fc.array(fc.constantFrom(0, 1, 2, 3, 8, 255), { maxLength: 60 });
    const changed = fc
      .tuple(fc.constantFrom(...samples), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }))
      .map(([sample, changes]) => changes.reduce((bytes, [at, byte]) => bytes.with(at % bytes.length, byte), sample));
    const input = fc.oneof(
      fc.uint8Array(),
      behindHeader,
      small.map((rest) => Uint8Array.of(...header, ...rest)),
      changed,
    );
    fc.assert(
      fc.property(input, (bytes) => {
        let proof: PathProof | MultiProof;
        try {
          proof = decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
          return;
        }
        expect(toHex(encode(proof as never))).toBe(toHex(bytes));
      }),
      { numRuns: 3000 },
    );
  });

  it("takes no memory for what its lengths only claim", () => {
    const header = samples[0].slice(0, 8);
    const claims =
      form === "path proof"
        ? [
            [1, 0xff, 0xff],
            [0, 0, 1],
            [0, 1, 1],
          ]
        : [
            [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0],
            [1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0],
            [1, 0, 0, 0, 1, 1, 0, 0, ...new Uint8Array(60)],
            [0, 0, 0, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 0, 0, 0x80, 0],
          ];
    for (const claim of claims)
      expect(codeOf(() => decode(Uint8Array.of(...header, ...claim)))).toBe("HF_PROOF_MALFORMED");
  });
});

describe("encoding a malformed proof", () => {
  const sound = decodePathProof(path);
  const node = new Uint8Array(32);
  const nodes = (count: number): Uint8Array[] => Array.from({ length: count }, () => node);

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["no siblings", { terminal: sound.terminal }],
    ["a short sibling", { ...sound, siblings: [node.subarray(1)] }],
    ["a hole among the siblings", { ...sound, siblings: new Array(2) }],
    ["more siblings than bits", { ...sound, siblings: nodes(257) }],
    ["another kind of end", { ...sound, terminal: { kind: "internal", path: node } }],
    ["a leaf without value", { ...sound, terminal: { kind: "leaf", key: node } }],
    ["a path longer than it is deep", { terminal: { kind: "terminator", path: hex(filled(0x01)) }, siblings: [node] }],
  ])("is refused: %s", (_, proof) => {
    expect(() => encodePathProof(proof as PathProof)).toThrow(InvalidArgumentError);
    const siblings = (proof as PathProof | undefined)?.siblings;
    const whole = {
      paths: [{ terminal: (proof as PathProof | undefined)?.terminal, depth: siblings?.length }],
      siblings,
    };
    expect(() => encodeMultiProof(whole as MultiProof)).toThrow(InvalidArgumentError);
  });

  it("is refused: no paths, depths that are none, too many siblings", () => {
    const { terminal } = sound;
    for (const proof of [
      { paths: [], siblings: [] },
      { paths: [{ terminal, depth: 257 }], siblings: [] },
      { paths: [{ terminal, depth: 0.5 }], siblings: [] },
      { paths: [{ terminal, depth: -1 }], siblings: [] },
      { paths: [{ terminal, depth: 1 }], siblings: nodes(257) },
    ])
      expect(() => encodeMultiProof(proof)).toThrow(expect.objectContaining({ code: "HF_INVALID_ARGUMENT" }));
  });
});
