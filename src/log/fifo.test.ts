import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fifo } from "./fifo.js";

describe("a fifo", () => {
  it("gives items in the order in which they came, whatever the mixture of calls", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -3000, max: 3000 }), { maxLength: 12 }), (runs) => {
        const fifo = new Fifo<number>();
        const model: number[] = [];
        let next = 0;
        let wrong = 0;
        for (const run of runs) {
          for (let index = 0; index < Math.abs(run); index++) {
            if (run > 0) {
              fifo.add(next);
              model.push(next);
              next += 1;
            } else {
              if (fifo.take() !== model.shift()) wrong += 1;
            }
          }
          if (fifo.size !== model.length || fifo.first !== model[0]) wrong += 1;
        }
        expect(wrong).toBe(0);
      }),
    );
  });

  it("takes nothing from nothing", () => {
    const fifo = new Fifo<string>();
    expect([fifo.take(), fifo.first, fifo.size]).toEqual([undefined, undefined, 0]);
    fifo.add("a");
    expect([fifo.take(), fifo.take(), fifo.size]).toEqual(["a", undefined, 0]);
  });

  it("keeps its order and its size while it never empties", () => {
    const fifo = new Fifo<number>();
    for (let index = 0; index < 10; index++) fifo.add(index);
    let wrong = 0;
    for (let index = 10; index < 100_000; index++) {
      fifo.add(index);
      if (fifo.take() !== index - 10) wrong += 1;
    }
    expect(wrong).toBe(0);
    expect(fifo.size).toBe(10);
  });
});
