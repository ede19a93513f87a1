import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Block } from "./block.js";
import { Certificate } from "./certificate.js";
import { noHash } from "./hash.js";
import type { LaneHead } from "./ledger.js";
import { Window, firstRoundKept } from "./window.js";

const body = new Uint8Array(32);
const settings = { roundsKept: 6, windowStep: 4 };
const lanes = ["ATL", "ORD", "ANC"];

/** Certificates of rounds in which each lane got a block or not. */
function certificatesOf(rounds: readonly (readonly boolean[])[]): Certificate[] {
  const next = new Map<string, number>();
  return rounds.map((active, round) => {
    const blocks = lanes
      .filter((_, lane) => active[lane])
      .map((lane) => {
        const number = next.get(lane) ?? 0;
        next.set(lane, number + 1);
        return Block.of({ number, round, lane, previous: noHash, records: 1, body });
      });
    return Certificate.of({ round, firstRecord: round + 1, records: 1, previous: noHash, blocks });
  });
}

/** Where the lanes end behind these certificates. */
function headsOf(certificates: readonly Certificate[]): Map<string, LaneHead> {
  const heads = new Map<string, LaneHead>();
  for (const { blocks } of certificates)
    for (const { lane, number, hash } of blocks) heads.set(lane, { next: number + 1, hash });
  return heads;
}

/** What is needed: of each lane the blocks from the first round on that is kept, and the newest. */
function needed(certificates: readonly Certificate[]): [string, number][] {
  const firstRound = firstRoundKept(certificates.length - 1, settings);
  return [...headsOf(certificates)]
    .map(([lane, { next }]): [string, number] => {
      const kept = certificates
        .slice(firstRound)
        .flatMap(({ blocks }) => blocks.filter((block) => block.lane === lane));
      return [lane, Math.min(kept[0]?.number ?? next - 1, next - 1)];
    })
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

describe("the window", () => {
  it("keeps what its rounds name and the newest block of each lane, also where it starts again in between", () => {
    const round = fc.tuple(
      fc.boolean(),
      fc.boolean(),
      fc.integer({ min: 0, max: 30 }).map((roll) => roll === 0),
    );
    fc.assert(
      fc.property(fc.array(round, { minLength: 1, maxLength: 30 }), fc.nat(), (rounds, restartAt) => {
        const certificates = certificatesOf(rounds);
        let window = new Window(settings);
        for (const [at, certificate] of certificates.entries()) {
          const soFar = certificates.slice(0, at + 1);
          expect(window.add(certificate)).toBe(firstRoundKept(at, settings));
          expect(window.firstBlocks(headsOf(soFar))).toEqual(needed(soFar));
          if (at === restartAt % certificates.length)
            window = new Window(settings, soFar.slice(firstRoundKept(at, settings)), headsOf(soFar));
        }
      }),
    );
  });

  it("never keeps fewer rounds than it says, and never moves back", () => {
    let before = 0;
    for (let last = 0; last < 60; last++) {
      const first = firstRoundKept(last, settings);
      expect(last + 1 - first).toBeGreaterThanOrEqual(Math.min(settings.roundsKept, last + 1));
      expect(first).toBeGreaterThanOrEqual(before);
      before = first;
    }
    expect(before).toBeGreaterThan(0);
  });
});
