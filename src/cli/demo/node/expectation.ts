/** What the node must hold after so many rounds, made from the file alone. Follows the node from the first round to the last. */
import { type Counts, addCounts } from "../counts.js";
import { StateModel } from "../state/state-model.js";
import type { Feed, Round } from "./feed.js";
import { Ledger } from "./ledger.js";
import { eventsOfRound, eventsHash } from "./node-events.js";
import type { NodeSettings } from "./node-settings.js";
import { type WindowSettings, roundsKeptMax } from "./window.js";

/** See the head of this file. It never goes back, so ask for states in their order. */
export class Expectation {
  readonly #feed: Feed;
  readonly #rounds: AsyncGenerator<Round, void, undefined>;
  readonly #ledger = new Ledger();
  /** Hashes of the certificates, from round 0 on. */
  readonly #certificates: Uint8Array[] = [];
  /** Hashes of the events of each round. */
  readonly #events: string[] = [];
  /** The newest rounds as they stand in the file: as many as a node may still hold. */
  readonly #newest: Round[] = [];
  readonly #newestMax: number;
  #last: Promise<void> = Promise.resolve();
  /** What the events count, as the rounds say. */
  readonly counts: Counts = new Map();
  /** The same of all that the file gives, as the feed says of it otherwise; complete once all rounds were made. */
  readonly countsOfFile: Counts = new Map();
  /** The state after so many rounds, and its hashes at every version before. */
  readonly state: StateModel = new StateModel();
  readonly #genesis: NodeSettings["genesis"];
  records = 0;
  /** Of all records. */
  bytes = 0;
  blocks = 0;

  constructor(feed: Feed, settings: WindowSettings & Pick<NodeSettings, "genesis">) {
    this.#feed = feed;
    this.#genesis = settings.genesis;
    this.#newestMax = roundsKeptMax(settings);
    this.#rounds = feed.rounds(0, (counts) => addCounts(this.countsOfFile, counts));
  }

  /** Rounds that were made so far. */
  get rounds(): number {
    return this.#certificates.length;
  }

  /** Where each lane ends now. */
  get heads(): Ledger["heads"] {
    return this.#ledger.heads;
  }

  /** Hash of the certificate of a round that was made. */
  certificate(round: number): Uint8Array | undefined {
    return this.#certificates[round];
  }

  /** Hash of the events of a round that was made. */
  events(round: number): string | undefined {
    return this.#events[round];
  }

  /** The records of a round as they stand in the file; `undefined` where no node keeps them any more. */
  sourceOf(round: number): Uint8Array | undefined {
    return this.#newest.find(({ index }) => index === round)?.source;
  }

  /** See {@link Feed.restore}. */
  restore(...parts: Parameters<Feed["restore"]>): Uint8Array | undefined {
    return this.#feed.restore(...parts);
  }

  /** Makes rounds until there are `rounds`, or no records left. */
  advanceTo(rounds: number): Promise<void> {
    this.#last = this.#last.then(() => this.#advance(rounds));
    return this.#last;
  }

  /** Lets go of the records. */
  async close(): Promise<void> {
    await this.#last.catch(() => undefined);
    await this.#rounds.return();
  }

  async #advance(rounds: number): Promise<void> {
    if (this.state.version === 0) this.state.apply(await this.#genesis());
    while (this.#certificates.length < rounds) {
      const next = await this.#rounds.next();
      if (next.done === true) return;
      const round = next.value;
      const { certificate, blocks } = this.#ledger.seal(round);
      this.state.apply(await round.changes(this.state.rows));
      this.#certificates.push(certificate.hash);
      this.#events.push(eventsHash(eventsOfRound(round, certificate)));
      this.#newest.push(round);
      if (this.#newest.length > this.#newestMax) this.#newest.shift();
      addCounts(this.counts, round.counts);
      this.records += round.records;
      this.bytes += round.source.length;
      this.blocks += blocks.length;
    }
  }
}
