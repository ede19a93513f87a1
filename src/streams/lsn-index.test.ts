import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LsnIndex } from "./lsn-index.js";

type Call =
  | { readonly call: "push"; readonly distance: number }
  | { readonly call: "set"; readonly share: number; readonly physical: number }
  | { readonly call: "range"; readonly before: number; readonly after: number };

/** Physical LSNs, some of them further apart than four bytes can say. */
const physical = fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 2 ** 45 }));

const calls: fc.Arbitrary<Call[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ call: fc.constant("push" as const), distance: physical }) },
    { weight: 2, arbitrary: fc.record({ call: fc.constant("set" as const), share: fc.nat(99), physical }) },
    {
      weight: 2,
      arbitrary: fc.record({ call: fc.constant("range" as const), before: fc.nat(12), after: fc.nat(12) }),
    },
  ),
  { maxLength: 120 },
);

describe("the index of a stream", () => {
  it("is a map from LSNs to places, whatever is done to it", () => {
    fc.assert(
      fc.property(calls, (steps) => {
        const index = new LsnIndex(5);
        const places = new Map<number, number>();
        let first = 5;
        let end = 5;
        let last = 0;
        for (const step of steps) {
          if (step.call === "push") {
            last += step.distance;
            index.push(last);
            places.set(end, last);
            end += 1;
          } else if (step.call === "set" && end > first) {
            const lsn = first + Math.floor(((end - first) * step.share) / 100);
            index.set(lsn, step.physical);
            places.set(lsn, step.physical);
          } else if (step.call === "range") {
            const nextFirst = Math.min(first + step.before, end);
            const nextEnd = Math.max(nextFirst, end - step.after);
            const expected = [...places].filter(([lsn]) => lsn < nextFirst || lsn >= nextEnd);
            for (const [lsn] of expected) places.delete(lsn);
            const dropped: number[] = [];
            index.setRange(nextFirst, nextEnd, (place) => dropped.push(place));
            expect(dropped.sort((a, b) => a - b)).toEqual(expected.map(([, place]) => place).sort((a, b) => a - b));
            first = nextFirst;
            end = nextEnd;
          }
          expect([index.first, index.end, index.count]).toEqual([first, end, end - first]);
          for (let lsn = first - 2; lsn < end + 2; lsn++)
            expect(index.get(lsn), `LSN ${lsn}`).toBe(places.get(lsn) ?? 0);
        }
      }),
    );
  });

  it("grows downwards and upwards by entries that are not known yet, as recovery needs it", () => {
    const index = new LsnIndex(1);
    const drop = (): void => undefined;
    index.setRange(4, 5, drop);
    index.set(4, 100);
    index.setRange(2, 9, drop);
    expect([2, 3, 4, 5, 8, 9].map((lsn) => index.get(lsn))).toEqual([0, 0, 100, 0, 0, 0]);
    index.set(2, 90);
    index.push(101);
    expect([index.get(2), index.get(4), index.get(9), index.end]).toEqual([90, 100, 101, 10]);
  });

  it("takes at most eight bytes an entry while it grows and is pruned, and nothing once it is empty", () => {
    const index = new LsnIndex(1);
    for (let count = 1; count <= 10_000; count++) {
      index.push(count * 3);
      if (count > 8) expect(index.bytes).toBeLessThanOrEqual(count * 8);
    }
    index.setRange(index.end - 40, index.end, () => undefined);
    expect(index.bytes).toBeLessThanOrEqual(1024);
    index.setRange(index.end, index.end, () => undefined);
    expect(index.bytes).toBe(0);
  });
});
