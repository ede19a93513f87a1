import { describe, expect, it } from "vitest";
import { SeededRandom } from "./seeded-random.js";

const draws = (random: SeededRandom, count = 8): number[] => Array.from({ length: count }, () => random.nextU32());

describe("SeededRandom", () => {
  it("repeats itself for a seed, and differs between seeds", () => {
    expect(draws(new SeededRandom(7))).toEqual(draws(new SeededRandom(7)));
    const firsts = new Set<string>();
    for (let seed = 0; seed < 1000; seed++) firsts.add(draws(new SeededRandom(seed), 2).join());
    firsts.add(draws(new SeededRandom(Number.MAX_SAFE_INTEGER), 2).join());
    firsts.add(draws(new SeededRandom(2 ** 40), 2).join());
    expect(firsts.size).toBe(1002);
  });

  it("stays as it is between releases, so that a recorded seed can be replayed", () => {
    expect(draws(new SeededRandom(42), 4)).toEqual([174307258, 2700736877, 1874114388, 3417898033]);
    expect(draws(new SeededRandom(42).fork("disk"), 2)).toEqual([3149901470, 3237249271]);
  });

  it("forks by name, whatever was drawn before", () => {
    const fresh = new SeededRandom(9);
    const used = new SeededRandom(9);
    draws(used, 100);
    expect(draws(used.fork("disk"))).toEqual(draws(fresh.fork("disk")));
    expect(draws(fresh.fork("disk"))).not.toEqual(draws(fresh.fork("workload")));
    expect(draws(fresh.fork("a").fork("b"))).not.toEqual(draws(fresh.fork("b").fork("a")));
    expect(draws(new SeededRandom(8).fork("disk"))).not.toEqual(draws(fresh.fork("disk")));
  });

  it("draws every value below n about equally often", () => {
    const random = new SeededRandom(3);
    const counts = new Array<number>(7).fill(0);
    for (let draw = 0; draw < 70_000; draw++) {
      const value = random.below(7);
      counts[value] = counts[value]! + 1;
    }
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
    expect(random.below(1)).toBe(0);
    expect(random.below(2 ** 32)).toBeLessThan(2 ** 32);
  });

  it("takes chances as often as asked", () => {
    const random = new SeededRandom(4);
    let taken = 0;
    for (let draw = 0; draw < 10_000; draw++) {
      if (random.chance(0.25)) taken++;
      expect(random.chance(0)).toBe(false);
      expect(random.chance(1)).toBe(true);
    }
    expect(Math.abs(taken - 2500)).toBeLessThan(200);
  });

  it("fills bytes evenly, for any count", () => {
    const bytes = new SeededRandom(5).bytes(65_537);
    expect(bytes.length).toBe(65_537);
    expect(new Set(bytes).size).toBe(256);
    expect(new SeededRandom(5).bytes(0).length).toBe(0);
  });

  it("sets each bit half of the time", () => {
    const random = new SeededRandom(6);
    const set = new Array<number>(32).fill(0);
    for (let draw = 0; draw < 20_000; draw++) {
      const value = random.nextU32();
      for (let bit = 0; bit < 32; bit++) set[bit] = set[bit]! + ((value >>> bit) & 1);
    }
    for (const count of set) expect(Math.abs(count - 10_000)).toBeLessThan(400);
  });
});
