/** Where the node's chain, lanes and anchor live: streams of its shared log, beside that of its events. */
import type { LsnRange } from "../../../log/index.js";
import type { JournalBatch, LanePlace, PlaceListing, PlacedJournal } from "../../../lanes/index.js";
import type { SharedLog, Stream } from "../../../streams/index.js";

const prefix = "node/";

/** A place that lets its user append something of his own right behind a commit, so that both share a durable write. */
export class NodePlace implements LanePlace {
  readonly path: string;
  readonly #shared: SharedLog;
  /** Called in the moment in which a commit has its place in the log: what is appended in it stands behind the commit, in this order after any crash. */
  onCommit: (() => void) | undefined;

  constructor(shared: SharedLog) {
    this.#shared = shared;
    this.path = shared.directory;
  }

  list(): Promise<PlaceListing> {
    const names = this.#shared.streams().filter((name) => name.startsWith(prefix));
    return Promise.resolve({ names: names.map((name) => name.slice(prefix.length)), foreign: [] });
  }

  async open(name: string): Promise<PlacedJournal> {
    return { journal: await this.#shared.stream(prefix + name), close: () => Promise.resolve() };
  }

  commit(batches: readonly JournalBatch[]): Promise<LsnRange[]> {
    const parts = batches.map(({ journal, records }) => ({ stream: journal as Stream, records }));
    const committed = this.#shared.commit(parts);
    this.onCommit?.();
    return committed;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
