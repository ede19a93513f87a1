import { describe, expect, it } from "vitest";
import { effort, isFull, sweep } from "./effort.contract.js";

describe("a sweep", () => {
  it("that leaves out nothing goes to every place, and a sample to one in each stretch", () => {
    const places = [...sweep(100, 10)];
    if (isFull) expect(places).toEqual(Array.from({ length: 100 }, (_, at) => at));
    else expect(places.map((place) => Math.floor(place / 10))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect([...sweep(3, 1)]).toEqual([0, 1, 2]);
    expect([...sweep(0, 5)]).toEqual([]);
  });

  it("is the same again with the same seed", () => {
    expect([...sweep(1000, 7)]).toEqual([...sweep(1000, 7)]);
  });

  it("has the effort that it is told", () => {
    expect(effort("all", "some")).toBe(isFull ? "all" : "some");
  });
});
