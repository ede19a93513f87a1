/**
 * Pruning with a snapshot: state is rebuilt from the newest snapshot and the events behind it, so that the log stays short.
 *
 *     node examples/prune-with-snapshot.ts [directory]
 */
import { Log } from "holdfast/log";

/** What a record is, as its type says. */
const EVENT = 0;
const SNAPSHOT = 1;

/** Events between two snapshots. */
const SNAPSHOT_EVERY = 100;

type Visits = Record<string, number>;

class VisitCounter {
  readonly #log: Log;
  readonly #visits: Visits = {};
  #sinceSnapshot = 0;

  private constructor(log: Log) {
    this.#log = log;
  }

  static async open(directory: string): Promise<VisitCounter> {
    const log = await Log.open(directory);
    const counter = new VisitCounter(log);
    for await (const { type, payload } of log.read()) {
      const text = new TextDecoder().decode(payload);
      if (type === SNAPSHOT) Object.assign(counter.#visits, JSON.parse(text) as Visits);
      else counter.#apply(text);
    }
    return counter;
  }

  /** Calls must not overlap: a snapshot holds exactly the events before it. */
  async visit(page: string): Promise<void> {
    await this.#log.append(new TextEncoder().encode(page), EVENT);
    this.#apply(page);
    if (this.#sinceSnapshot >= SNAPSHOT_EVERY) await this.#snapshot();
  }

  get visits(): Readonly<Visits> {
    return this.#visits;
  }

  /** Records in the log: a snapshot and what came after it. */
  get records(): number {
    return this.#log.lastLsn - this.#log.firstLsn + 1;
  }

  async close(): Promise<void> {
    await this.#log.close();
  }

  /** First the snapshot is durable, then what it replaces goes. A crash in between leaves both, and the snapshot wins. */
  async #snapshot(): Promise<void> {
    const lsn = await this.#log.append(new TextEncoder().encode(JSON.stringify(this.#visits)), SNAPSHOT);
    await this.#log.truncateBefore(lsn);
    this.#sinceSnapshot = 0;
  }

  #apply(page: string): void {
    this.#visits[page] = (this.#visits[page] ?? 0) + 1;
    this.#sinceSnapshot += 1;
  }
}

const directory = process.argv[2] ?? "./example-visits";
const counter = await VisitCounter.open(directory);
const before = counter.visits["/docs"] ?? 0;
for (let n = 0; n < 250; n++) await counter.visit(n % 5 === 0 ? "/docs" : "/");
await counter.close();

const reopened = await VisitCounter.open(directory);
console.log(`${reopened.visits["/docs"]} visits to /docs, from ${reopened.records} records`);
if (reopened.visits["/docs"] !== before + 50 || reopened.records > SNAPSHOT_EVERY + 1)
  throw new Error("Visits were lost, or the log did not shrink.");
await reopened.close();
