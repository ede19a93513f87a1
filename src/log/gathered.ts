/** How a store takes part in a batch that a journal gathers (`SharedLog.together`), beside what it does anyway. */
import type { Journal } from "./journal.js";

/** What may be gathering: a journal, or what has many. */
export type Gatherer = Pick<Journal, "isGathering" | "refuse">;

/**
 * Makes a call that may be made within `SharedLog.together`: `act` appends before it returns, or refuses by throwing, which this makes a rejection. Where
 * `gatherer` gathers, the whole is refused with it, and nobody has to handle the promise: whoever gathers is told. A promise of `act`'s that rejects is no
 * refusal.
 */
export function takePart<R>(gatherer: Gatherer, act: () => Promise<R>): Promise<R> {
  const isGathered = gatherer.isGathering === true;
  let part: Promise<R>;
  try {
    part = act();
  } catch (error) {
    if (isGathered) gatherer.refuse?.(error);
    part = Promise.reject(error);
  }
  if (isGathered) part.catch(() => undefined);
  return part;
}
