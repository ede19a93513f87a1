/** What a node's next round must link to, and the blocks and the certificate that a round becomes. Pure: the same rounds give the same bytes. */
import { Block } from "./block.js";
import { Certificate } from "./certificate.js";
import { noHash } from "./hash.js";
import type { Round } from "./round.js";

/** Where a lane ends. */
export interface LaneHead {
  /** Number that its next block gets. */
  readonly next: number;
  /** Hash of its newest block. */
  readonly hash: Uint8Array;
}

/** A round that is ready to be persisted. */
export interface SealedRound {
  readonly round: Round;
  readonly certificate: Certificate;
  /** Sorted by airport. */
  readonly blocks: readonly Block[];
}

/** The ends of all lanes and of the chain. */
export class Ledger {
  readonly heads: Map<string, LaneHead>;
  #tip: LaneHead;

  /** Of a node that has nothing, unless told otherwise. */
  constructor(heads: Map<string, LaneHead> = new Map(), tip: LaneHead = { next: 0, hash: noHash }) {
    this.heads = heads;
    this.#tip = tip;
  }

  /** The end of the chain. */
  get tip(): LaneHead {
    return this.#tip;
  }

  /** Makes the blocks and the certificate of the next round, and moves on. */
  seal(round: Round): SealedRound {
    const blocks = round.lanes.map(({ airport, flights }) => {
      const { next, hash } = this.heads.get(airport) ?? { next: 0, hash: noHash };
      return Block.of({ number: next, round: round.index, airport, previous: hash, flights });
    });
    const { index, firstFlight, flights } = round;
    const certificate = Certificate.of({ round: index, firstFlight, flights, previous: this.#tip.hash, blocks });
    for (const { airport, number, hash } of blocks) this.heads.set(airport, { next: number + 1, hash });
    this.#tip = { next: index + 1, hash: certificate.hash };
    return { round, certificate, blocks };
  }
}
