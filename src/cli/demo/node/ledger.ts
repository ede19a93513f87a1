/** What a node's next round must link to, and the blocks and the certificate that a round becomes. Pure: the same rounds give the same bytes. */
import { Block } from "./block.js";
import { Certificate } from "./certificate.js";
import { noHash } from "./hash.js";
import type { Round } from "./feed.js";

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
  /** Sorted by lane. */
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
    const blocks = round.lanes.map(({ lane, records, body }) => {
      const { next, hash } = this.heads.get(lane) ?? { next: 0, hash: noHash };
      return Block.of({ number: next, round: round.index, lane, previous: hash, records, body });
    });
    const { index, firstRecord, records } = round;
    const certificate = Certificate.of({ round: index, firstRecord, records, previous: this.#tip.hash, blocks });
    for (const { lane, number, hash } of blocks) this.heads.set(lane, { next: number + 1, hash });
    this.#tip = { next: index + 1, hash: certificate.hash };
    return { round, certificate, blocks };
  }
}
