import { describe, expect, it } from "vitest";
import { Block } from "./block.js";
import { Certificate } from "./certificate.js";
import { flightsOf } from "../flights.contract.js";
import { hashBytes, noHash } from "./hash.js";
import { Ledger, type SealedRound } from "./ledger.js";
import { makeRound } from "./round.js";

function sealed(ledger: Ledger, index: number): SealedRound {
  return ledger.seal(makeRound(index, index * 50 + 1, flightsOf(index * 50 + 1, index * 50 + 50).bytes));
}

describe("the ledger", () => {
  it("links each block to the one before it in its lane, and each certificate to the one before", () => {
    const ledger = new Ledger();
    const first = sealed(ledger, 0);
    const second = sealed(ledger, 1);
    expect(first.certificate.previous).toEqual(noHash);
    expect(second.certificate.previous).toEqual(new Uint8Array(first.certificate.hash));
    for (const [at, block] of second.blocks.entries()) {
      expect({ number: block.number, round: block.round, lane: block.lane }).toEqual({
        number: 1,
        round: 1,
        lane: first.blocks[at]!.lane,
      });
      expect(block.previous).toEqual(new Uint8Array(first.blocks[at]!.hash));
      expect(ledger.heads.get(block.lane)).toEqual({ next: 2, hash: block.hash });
    }
    expect(ledger.tip).toEqual({ next: 2, hash: second.certificate.hash });
  });

  it("certifies every block by its number, its records and its hash", () => {
    const { certificate, blocks } = sealed(new Ledger(), 0);
    const { round, firstRecord, records: count } = certificate;
    expect({ round, firstRecord, count }).toEqual({ round: 0, firstRecord: 1, count: 50 });
    expect(certificate.blocks).toHaveLength(blocks.length);
    for (const [at, { lane, number, records, hash }] of certificate.blocks.entries()) {
      const block = blocks[at]!;
      expect({ lane, number, records }).toEqual({ lane: block.lane, number: 0, records: block.records });
      expect(hash).toEqual(new Uint8Array(block.hash));
    }
  });

  it("gives another certificate where a single bit of a record differs", () => {
    const { bytes } = flightsOf(1, 50);
    const { certificate } = new Ledger().seal(makeRound(0, 1, bytes));
    for (const at of [0, 17, bytes.length - 1]) {
      const changed = bytes.slice();
      changed[at]! ^= 1;
      expect(new Ledger().seal(makeRound(0, 1, changed)).certificate.hash).not.toEqual(certificate.hash);
    }
  });

  it("goes on from where lanes and chain were found", () => {
    const whole = new Ledger();
    sealed(whole, 0);
    const resumed = new Ledger(new Map(whole.heads), whole.tip);
    expect(sealed(resumed, 1).certificate.bytes).toEqual(sealed(whole, 1).certificate.bytes);
  });
});

describe("blocks and certificates as bytes", () => {
  const mismatch = expect.objectContaining({ code: "HF_DEMO_MISMATCH" });

  it("come back as they were", () => {
    const { certificate, blocks } = sealed(new Ledger(), 0);
    expect(new Certificate(certificate.bytes.slice()).hash).toEqual(certificate.hash);
    for (const block of blocks) expect(new Block(block.bytes.slice()).hash).toEqual(block.hash);
  });

  it("are refused where their length is not what they say", () => {
    const { certificate, blocks } = sealed(new Ledger(), 0);
    for (const bytes of [certificate.bytes, blocks[0]!.bytes]) {
      for (const length of [0, hashBytes, bytes.length - 1]) {
        expect(() => new Certificate(bytes.subarray(0, length))).toThrowError(mismatch);
        expect(() => new Block(bytes.subarray(0, length))).toThrowError(mismatch);
      }
    }
  });
});
