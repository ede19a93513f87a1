import { describe, expect, it } from "vitest";
import type { Question } from "../vfs/index.js";
import { Odometer, repeatAnswers } from "./odometer.js";
import { formatStateId, parseStateId } from "./state-id.js";

const question = (options: number): Question => ({
  kind: "sector",
  path: "/a",
  inode: 2,
  sector: 0,
  options,
  whole: options,
  firstTorn: options,
  operations: [],
  kept: [],
});

describe("Odometer", () => {
  it("answers every combination once, where later questions depend on earlier answers", () => {
    const odometer = new Odometer(0);
    const seen: string[] = [];
    do {
      odometer.rewind();
      // The second question exists only if the first answer is not 0.
      if (odometer.choose(question(3)) > 0) odometer.choose(question(2));
      seen.push(odometer.answers.join("."));
    } while (odometer.advance());
    expect(seen).toEqual(["0", "1.0", "1.1", "2.0", "2.1"]);
  });

  it("is done after one run in which nothing was asked", () => {
    const odometer = new Odometer(0);
    expect(odometer.advance()).toBe(false);
  });

  it("is repeated by its answers; missing ones are 0, too large ones the largest", () => {
    const chooser = repeatAnswers([1, 9]);
    expect([chooser.choose(question(2)), chooser.choose(question(3)), chooser.choose(question(2))]).toEqual([1, 2, 0]);
  });
});

describe("a state id", () => {
  it("is read as it was written, but for zeros at its end", () => {
    for (const text of ["17:cut:34:0", "17:cut:34:0.2.1", "1/3:kill-cut:34:6:1", "0:cut-cut-cut:0:1:2:5"]) {
      expect(formatStateId(parseStateId(text))).toBe(text);
    }
    expect(formatStateId(parseStateId("1:cut:2:3.0.0"))).toBe("1:cut:2:3");
  });
});
