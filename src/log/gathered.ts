/** How a store takes part in a batch that a journal gathers (`SharedLog.together`), beside what it does anyway. */
import type { Journal } from "./journal.js";

/** What may be gathering: a journal, or what has many. */
export type Gatherer = Pick<Journal, "isGathering" | "refuse">;

/**
 * Makes a call that is to append, or to refuse by throwing. Where `gatherer` gathers, a refusal is one of the whole; and nobody has to hear what comes of the
 * call: whoever gathers is told.
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
