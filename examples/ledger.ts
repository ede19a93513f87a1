/**
 * A ledger: each transfer is two entries that are durable together or not at all, and the balances are rebuilt from the log.
 *
 *     node examples/ledger.ts [directory]
 */
import { Log } from "holdfast/log";

interface Entry {
  readonly account: string;
  readonly amount: number;
}

class Ledger {
  readonly #log: Log;
  readonly #balances = new Map<string, number>();

  private constructor(log: Log) {
    this.#log = log;
  }

  static async open(directory: string): Promise<Ledger> {
    const log = await Log.open(directory);
    const ledger = new Ledger(log);
    for await (const { payload } of log.read()) ledger.#apply(decode(payload));
    return ledger;
  }

  /** Moves money. When this resolves it has happened; when the power goes before that, it has happened wholly or not at all. */
  async transfer(from: string, to: string, amount: number): Promise<void> {
    const entries: Entry[] = [
      { account: from, amount: -amount },
      { account: to, amount },
    ];
    await this.#log.appendAll(entries.map(encode));
    // The log is the truth; what is in memory follows it.
    for (const entry of entries) this.#apply(entry);
  }

  balance(account: string): number {
    return this.#balances.get(account) ?? 0;
  }

  /** Zero, always: every transfer adds up. */
  get sum(): number {
    return [...this.#balances.values()].reduce((sum, amount) => sum + amount, 0);
  }

  async close(): Promise<void> {
    await this.#log.close();
  }

  #apply({ account, amount }: Entry): void {
    this.#balances.set(account, this.balance(account) + amount);
  }
}

function encode(entry: Entry): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(entry));
}

function decode(payload: Uint8Array): Entry {
  return JSON.parse(new TextDecoder().decode(payload)) as Entry;
}

const directory = process.argv[2] ?? "./example-ledger";
const ledger = await Ledger.open(directory);
// A hundred transfers at once share a few writes to the disk.
await Promise.all(Array.from({ length: 100 }, (_, n) => ledger.transfer("bank", n % 2 === 0 ? "ann" : "bob", 1)));
const before = ledger.balance("ann");
await ledger.close();

const reopened = await Ledger.open(directory);
console.log(
  `ann has ${reopened.balance("ann")}, bob has ${reopened.balance("bob")}, and all of it adds up to ${reopened.sum}`,
);
if (reopened.balance("ann") !== before || reopened.sum !== 0) throw new Error("The ledger does not add up.");
await reopened.close();
