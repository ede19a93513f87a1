/** A `SharedLog` with a stream for each journal: one durable write for all lanes, and atomic batches across them. */
import type { LsnRange } from "../log/index.js";
import type { Settled, SharedLog, Stream } from "../streams/index.js";
import type { JournalBatch, LanePlace, PlaceListing, PlacedJournal } from "./place.js";

/** Between the prefix and the name of a journal. */
const SEPARATOR = "/";

/** See the head of this file. What else the shared log holds is others', and not foreign. */
export class SharedPlace implements LanePlace {
  readonly path: string;
  readonly #shared: SharedLog;
  readonly #prefix: string;
  readonly #release: () => Promise<void>;

  /** The streams' names are `prefix`, a slash, and the journal's name. `release` closes the shared log where it is the place's own. */
  constructor(shared: SharedLog, prefix: string, release: () => Promise<void> = () => Promise.resolve()) {
    this.#shared = shared;
    this.#release = release;
    this.#prefix = prefix + SEPARATOR;
    this.path = `${shared.directory}:${prefix}`;
  }

  list(): Promise<PlaceListing> {
    const streams = this.#shared.streams().filter((name) => name.startsWith(this.#prefix));
    return Promise.resolve({ names: streams.map((name) => name.slice(this.#prefix.length)), foreign: [] });
  }

  async open(name: string): Promise<PlacedJournal> {
    const journal = await this.#shared.stream(this.#prefix + name);
    return { journal, close: () => Promise.resolve() };
  }

  commit(batches: readonly JournalBatch[]): Promise<LsnRange[]> {
    return this.#shared.commit(batches.map(({ journal, records }) => ({ stream: journal as Stream, records })));
  }

  get isGathering(): boolean {
    return this.#shared.isGathering;
  }

  refuse(error: unknown): void {
    this.#shared.refuse(error);
  }

  together<const Parts extends readonly unknown[]>(
    streams: readonly Stream[],
    act: () => Parts,
  ): Promise<Settled<Parts>> {
    return this.#shared.together(streams, act);
  }

  close(): Promise<void> {
    return this.#release();
  }
}
