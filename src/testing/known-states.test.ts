import { describe, expect, it } from "vitest";
import type { Question } from "../vfs/index.js";
import { KnownStates } from "./known-states.js";
import { Odometer, type RecordingChooser, RuleChooser } from "./odometer.js";

const question = (sector: number, options: number, firstTorn = options): Question => ({
  kind: "sector",
  path: "/a",
  inode: 2,
  sector,
  options,
  whole: firstTorn,
  firstTorn,
  operations: [],
  kept: [],
});

/** A recovery that looks at a second sector only where the first one is not as it was. */
function recover(chooser: RecordingChooser): string {
  const first = chooser.choose(question(0, 3, 2));
  if (first > 0) chooser.choose(question(1, 2));
  return chooser.answers.join(".");
}

/** Runs the recovery if no run before gave the same answers. */
function tryState(known: KnownStates, chooser: RecordingChooser): string | undefined {
  if (known.has(chooser)) return undefined;
  const run = recover(chooser);
  known.add(chooser);
  return run;
}

describe("KnownStates", () => {
  it("runs each row of answers once, whoever gives it", () => {
    const known = new KnownStates();
    const runs: (string | undefined)[] = [];
    const whole = new Odometer(1, false);
    do runs.push(tryState(known, whole));
    while (whole.advance());
    expect(runs).toEqual(["0", "1.0", "1.1"]);
    const torn = new Odometer(1);
    const later: (string | undefined)[] = [];
    do later.push(tryState(known, torn));
    while (torn.advance());
    expect(later).toEqual([undefined, undefined, undefined, "2.0", "2.1"]);
    expect(tryState(known, new RuleChooser(() => 1, 1))).toBeUndefined();
  });

  it("lets a chooser that draws its answers give the same ones in the run as in the walk before it", () => {
    const known = new KnownStates();
    tryState(known, new RuleChooser(() => 0, 1));
    const drawn = [2, 1, 0, 0];
    expect(tryState(known, new RuleChooser(() => drawn.shift() ?? 0, 1))).toBe("2.1");
  });

  it("does not mix choosers that allow different numbers of torn sectors, which are asked different questions", () => {
    const known = new KnownStates();
    expect(tryState(known, new RuleChooser(() => 0, 1))).toBe("0");
    expect(tryState(known, new RuleChooser(() => 0, 2))).toBe("0");
  });
});
