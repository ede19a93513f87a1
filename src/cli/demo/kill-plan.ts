/** When the demo kills its writer: drawn from a seed, spread over the run. */
import { SeededRandom } from "../../base/index.js";

/** One planned kill. */
export interface PlannedKill {
  /** Armed when so much of the work is acknowledged: so many flights, or versions. */
  readonly acknowledged: number;
  /** Then it waits for so long, so that it falls anywhere in the life of a group. */
  readonly delayMs: number;
}

const delayMsMax = 25;

/** `count` kills over work of `total` flights or versions: the run is cut into `count` equal parts, and one kill falls somewhere in each. */
export function planKills(count: number, total: number, seed: number): PlannedKill[] {
  const random = new SeededRandom(seed).fork("kills");
  const fraction = (): number => random.nextU32() / 0x1_0000_0000;
  return Array.from({ length: count }, (_, part) => ({
    acknowledged: Math.min(total, Math.max(1, Math.floor(((part + fraction()) / count) * total))),
    delayMs: fraction() * delayMsMax,
  }));
}
