/** The run's seed; `HOLDFAST_SEED` of the first line that a run prints. */
export const SEED: number = Number(process.env["HOLDFAST_SEED"] ?? "1") >>> 0;

/** Delays and the like: not the records, which come from the seed as well, but through their own function. */
export function seededDraw(name: string): (below: number) => number {
  let state = SEED || 1;
  for (const char of name) state = Math.imul(state ^ char.charCodeAt(0), 0x01000193) >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
