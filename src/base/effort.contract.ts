/**
 * How much of a long sweep a run tries: all of it with `HOLDFAST_EFFORT=full`, as in CI's stage "every failure and every byte"; in `npm test` a sample, which
 * the run's seed draws, so that each commit tries another and `HOLDFAST_SEED` repeats it.
 */

const seed = Number(process.env["HOLDFAST_SEED"] ?? 1);

/** Whether nothing is left out. */
export const isFull: boolean = process.env["HOLDFAST_EFFORT"] === "full";

/** `whole` where nothing is left out, and otherwise `sampled`. */
export function effort<Value>(whole: Value, sampled: Value): Value {
  return isFull ? whole : sampled;
}

/** The numbers below `count`: all of them, or one of every `oneIn`, each from another place among its neighbours. */
export function* sweep(count: number, oneIn: number): Generator<number, void, undefined> {
  const step = effort(1, oneIn);
  let state = seed >>> 0 || 1;
  for (let first = 0; first < count; first += step) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const place = first + Math.floor((state / 2 ** 32) * step);
    if (place < count) yield place;
  }
}
