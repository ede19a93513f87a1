/** How much of the past a node keeps: the certificates of its last rounds, the blocks that these name, and each lane's newest block. */
import type { LaneHead } from "./ledger.js";
import type { Certificate } from "./certificate.js";
import type { NodeSettings } from "./node-settings.js";

/** The first round that a node keeps once it has rounds 0 to `lastRound`. */
export function firstRoundKept(lastRound: number, { roundsKept, windowStep }: WindowSettings): number {
  return Math.max(0, Math.floor((lastRound + 1 - roundsKept) / windowStep) * windowStep);
}

/** What a window needs of the settings. */
export type WindowSettings = Pick<NodeSettings, "roundsKept" | "windowStep">;

/** The most rounds that a node holds: the window of the newest anchor, what the anchor before it needs, and a round that nobody was told of. */
export function roundsKeptMax({ roundsKept, windowStep }: WindowSettings): number {
  return roundsKept + 2 * windowStep + 1;
}

/** From where on each lane is needed, as rounds come. */
export class Window {
  /** Certificates of the rounds in the window, the oldest first. */
  readonly #certificates: Certificate[];
  /** By lane: the first block that a certificate in the window names, or will. */
  readonly #firstNamed = new Map<string, number>();

  readonly #settings: WindowSettings;

  /** `certificates` are those that the chain holds. `heads`: where the lanes end. */
  constructor(
    settings: WindowSettings,
    certificates: readonly Certificate[] = [],
    heads: ReadonlyMap<string, LaneHead> = new Map(),
  ) {
    this.#settings = settings;
    this.#certificates = [...certificates];
    for (const [lane, { next }] of heads) this.#firstNamed.set(lane, next);
    for (const { blocks } of certificates.toReversed())
      for (const { lane, number } of blocks) this.#firstNamed.set(lane, number);
  }

  /** Takes in the certificate of a new round. Returns the first round that is kept now. */
  add(certificate: Certificate): number {
    this.#certificates.push(certificate);
    for (const { lane, number } of certificate.blocks)
      if (!this.#firstNamed.has(lane)) this.#firstNamed.set(lane, number);
    const firstRound = firstRoundKept(certificate.round, this.#settings);
    while (this.#certificates[0]!.round < firstRound) {
      for (const { lane, number } of this.#certificates.shift()!.blocks) this.#firstNamed.set(lane, number + 1);
    }
    return firstRound;
  }

  /** The first block of each lane that is needed; the newest always is. Sorted by lane. */
  firstBlocks(heads: ReadonlyMap<string, LaneHead>): [lane: string, number: number][] {
    return [...heads]
      .map(([lane, { next }]): [string, number] => [
        lane,
        Math.min(this.#firstNamed.get(lane) ?? 0, Math.max(0, next - 1)),
      ])
      .sort(([a], [b]) => (a < b ? -1 : 1));
  }
}
