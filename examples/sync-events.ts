/**
 * A node that syncs a chain: eight kinds of events in a write-ahead log, a database that follows it, and a queue of blocks that are consumed
 * and dropped.
 *
 * Each phase appends its event first, applies it to the database, and takes a checkpoint. Whatever crashes in between: an event that is in the log is
 * applied when the node starts again, and one that is not never happened.
 *
 *     node examples/sync-events.ts [directory]
 */
import { fileURLToPath } from "node:url";
import {
  type Codec,
  type EventData,
  type EventDefinitions,
  EventLog,
  type EventOf,
  type EventType,
  bytes,
  defineEvents,
  event,
  json,
} from "holdfast/events";
import type { LogOptions } from "holdfast/log";

interface Header {
  readonly number: number;
  readonly hash: string;
}

interface Account {
  readonly address: string;
  readonly balance: string;
  readonly nonce: number;
}

/** A block for PoTS: its number, then its bytes as they came, without an envelope. */
interface PotsBlock {
  readonly number: number;
  readonly block: Uint8Array;
}

const potsCodec: Codec<PotsBlock> = {
  encode({ number, block }) {
    const encoded = new Uint8Array(8 + block.length);
    new DataView(encoded.buffer).setBigUint64(0, BigInt(number));
    encoded.set(block, 8);
    return encoded;
  },
  decode(encoded) {
    const number = Number(new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength).getBigUint64(0));
    return { number, block: encoded.subarray(8) };
  },
};

/** The kinds of events and what each carries. */
type SyncEvents = {
  readonly headerSync: EventType<{ readonly headers: readonly Header[] }>;
  readonly merkleSync: EventType<{ readonly from: number; readonly to: number; readonly root: string }>;
  readonly priorSync: EventType<{ readonly peer: string; readonly height: number }>;
  /** What a peer sent, byte for byte. */
  readonly dataSync: EventType<Uint8Array>;
  readonly accountSync: EventType<{ readonly accounts: readonly Account[] }>;
  /** One account, and several: two types, so that neither is ever taken for the other. */
  readonly reconciliation: EventType<{ readonly oldBalance: string; readonly account: Account }>;
  readonly reconciliationBatch: EventType<{ readonly accounts: readonly Account[]; readonly seconds: number }>;
  readonly potsBlock: EventType<PotsBlock>;
};

/** How each is stored. The ids are what the log knows; they never change. */
const syncEvents: EventDefinitions<SyncEvents> = defineEvents({
  headerSync: event({ id: 1, codec: json() }),
  merkleSync: event({ id: 2, codec: json() }),
  priorSync: event({ id: 3, codec: json() }),
  dataSync: event({ id: 4, codec: bytes() }),
  accountSync: event({ id: 5, codec: json() }),
  reconciliation: event({ id: 6, codec: json() }),
  reconciliationBatch: event({
    id: 7,
    // Version 1 had no time.
    version: 2,
    codec: json(),
    upcast: { 1: (old: { readonly accounts: readonly Account[] }) => ({ ...old, seconds: 0 }) },
  }),
  potsBlock: event({ id: 8, codec: potsCodec }),
});

type SyncEvent = EventOf<SyncEvents>;

/** What the events add up to. */
export interface SyncState {
  readonly headers: Record<number, string>;
  readonly accounts: Record<string, Account>;
  priorHeight: number;
  merkleRoot: string;
  dataBytes: number;
}

function apply(state: SyncState, { type, data }: SyncEvent): SyncState {
  switch (type) {
    case "headerSync":
      for (const { number, hash } of data.headers) state.headers[number] = hash;
      break;
    case "merkleSync":
      state.merkleRoot = data.root;
      break;
    case "priorSync":
      state.priorHeight = data.height;
      break;
    case "dataSync":
      state.dataBytes += data.length;
      break;
    case "accountSync":
    case "reconciliationBatch":
      for (const account of data.accounts) state.accounts[account.address] = account;
      break;
    case "reconciliation":
      state.accounts[data.account.address] = data.account;
      break;
    case "potsBlock":
      // Those have a log of their own.
      break;
  }
  return state;
}

/** A node: its event log, and the state that follows it. */
export class SyncNode {
  readonly #log: EventLog<SyncEvents, SyncState>;
  #state: SyncState;

  private constructor(log: EventLog<SyncEvents, SyncState>, state: SyncState) {
    this.#log = log;
    this.#state = state;
  }

  /** Opens the node in a directory. Its state is that of the newest checkpoint and the events behind it. */
  static async open(directory: string, log?: LogOptions): Promise<SyncNode> {
    const opened = await EventLog.open<SyncEvents, SyncState>(directory, {
      events: syncEvents,
      ...(log === undefined ? {} : { log }),
    });
    const initial: SyncState = { headers: {}, accounts: {}, priorHeight: 0, merkleRoot: "", dataBytes: 0 };
    const { state, rejected } = await opened.hydrate({ initial, apply });
    for (const { lsn, cause } of rejected) console.warn(`The checkpoint at ${lsn} could not be used: ${cause.message}`);
    return new SyncNode(opened, state);
  }

  get state(): SyncState {
    return this.#state;
  }

  get log(): EventLog<SyncEvents, SyncState> {
    return this.#log;
  }

  /** One step of a phase: the log first, then the state. Calls must not overlap, so that the state follows the order of the log. */
  async record<Name extends SyncEvent["type"]>(type: Name, data: EventData<SyncEvents, Name>): Promise<number> {
    const lsn = await this.#log.append(type, data);
    const stored = await this.#log.get(lsn);
    if (stored !== undefined) this.#state = apply(this.#state, stored);
    return lsn;
  }

  /** The end of a batch: from here on the log needs nothing that is older than the tenth checkpoint. */
  async settle(): Promise<void> {
    await this.#log.checkpoint({ state: this.#state });
  }

  async close(): Promise<void> {
    await this.#log.close();
  }
}

/** What a checkpoint of the block queue holds. */
interface PotsState {
  /** The highest number that was ever added; it outlives its block. */
  latest: number | undefined;
}

/** Blocks by number, in the order in which they came, until they are consumed. */
export class PotsStore {
  readonly #log: EventLog<SyncEvents, PotsState>;
  /** LSNs by block number, in the order of the log. */
  readonly #index: Map<number, number>;
  readonly #adding = new Set<number>();
  #latest: number | undefined;

  private constructor(log: EventLog<SyncEvents, PotsState>, index: Map<number, number>, latest: number | undefined) {
    this.#log = log;
    this.#index = index;
    this.#latest = latest;
  }

  /** Opens the store and rebuilds its index from the blocks that are left. */
  static async open(directory: string, log?: LogOptions): Promise<PotsStore> {
    const opened = await EventLog.open<SyncEvents, PotsState>(directory, {
      events: syncEvents,
      // One checkpoint is enough: it only says what is consumed.
      checkpointsMax: 1,
      ...(log === undefined ? {} : { log }),
    });
    const index = new Map<number, number>();
    const { state } = await opened.hydrate<PotsState>({
      initial: { latest: undefined },
      apply(state, { type, lsn, data }) {
        if (type !== "potsBlock") return state;
        index.set(data.number, lsn);
        return { latest: Math.max(data.number, state.latest ?? 0) };
      },
    });
    return new PotsStore(opened, index, state.latest);
  }

  /** Blocks that are not consumed yet. */
  get count(): number {
    return this.#index.size;
  }

  /** The highest number that was ever added. */
  get latest(): number | undefined {
    return this.#latest;
  }

  has(number: number): boolean {
    return this.#index.has(number);
  }

  /** Adds blocks, all of them or none, durably. Those that are there already are left out. Resolves to how many were new. */
  async add(...blocks: readonly PotsBlock[]): Promise<number> {
    const fresh = new Map<number, PotsBlock>();
    for (const block of blocks) {
      if (!this.has(block.number) && !this.#adding.has(block.number)) fresh.set(block.number, block);
    }
    if (fresh.size === 0) return 0;
    for (const number of fresh.keys()) this.#adding.add(number);
    try {
      const batch = [...fresh.values()].map((data) => ({ type: "potsBlock", data }) as const);
      let { firstLsn: lsn } = await this.#log.appendAll(batch);
      // Only now is the block there: the index never knows more than the log.
      for (const number of fresh.keys()) {
        this.#index.set(number, lsn++);
        this.#latest = Math.max(number, this.#latest ?? 0);
      }
    } finally {
      for (const number of fresh.keys()) this.#adding.delete(number);
    }
    return fresh.size;
  }

  async read(number: number): Promise<Uint8Array | undefined> {
    const lsn = this.#index.get(number);
    const stored = lsn === undefined ? undefined : await this.#log.get(lsn);
    return stored?.type === "potsBlock" ? stored.data.block : undefined;
  }

  /** The blocks with numbers from `first` to `last`, by number. Costs what is there, however wide the range is. */
  async *readRange(first: number, last: number): AsyncGenerator<PotsBlock, void, undefined> {
    const numbers = [...this.#index.keys()].filter((number) => number >= first && number <= last);
    for (const number of numbers.sort((a, b) => a - b)) {
      const block = await this.read(number);
      if (block !== undefined) yield { number, block };
    }
  }

  /**
   * Hands the oldest blocks to `handle`, one after the other, and drops them. A crash before they are dropped hands them over once more. What `handle`
   * throws ends it; the blocks before that one are dropped.
   */
  async consume(countMax: number, handle: (block: PotsBlock) => Promise<void>): Promise<number> {
    const oldest = [...this.#index].slice(0, countMax);
    let done = 0;
    try {
      for (const [number] of oldest) {
        const block = await this.read(number);
        if (block !== undefined) await handle({ number, block });
        done += 1;
      }
    } finally {
      const through = oldest[done - 1]?.[1];
      if (through !== undefined) {
        for (const [number] of oldest.slice(0, done)) this.#index.delete(number);
        // The checkpoint says what is consumed, and with that the log drops it.
        await this.#log.checkpoint({ state: { latest: this.#latest }, through });
      }
    }
    return done;
  }

  async close(): Promise<void> {
    await this.#log.close();
  }
}

async function main(directory: string): Promise<void> {
  const node = await SyncNode.open(`${directory}/events`);
  const ann = { address: "0xann", balance: "1000000000000000000", nonce: 1 };
  await node.record("priorSync", { peer: "peer-1", height: 2 });
  await node.record("headerSync", { headers: [{ number: 1, hash: "0x01" }, { number: 2, hash: "0x02" }] }); // prettier-ignore
  await node.record("merkleSync", { from: 1, to: 2, root: "0xroot" });
  await node.record("dataSync", new TextEncoder().encode("bodies of blocks 1 and 2"));
  await node.settle();
  await node.record("accountSync", { accounts: [ann] });
  await node.record("reconciliation", { oldBalance: ann.balance, account: { ...ann, balance: "7", nonce: 2 } });
  await node.record("reconciliationBatch", { accounts: [{ address: "0xbob", balance: "3", nonce: 1 }], seconds: 1 });
  const before = JSON.stringify(node.state);
  await node.close();

  const again = await SyncNode.open(`${directory}/events`);
  console.log(`height ${again.state.priorHeight}, ${Object.keys(again.state.accounts).length} accounts`);
  if (JSON.stringify(again.state) !== before) throw new Error("The state is not what it was.");
  await again.close();

  const pots = await PotsStore.open(`${directory}/pots`);
  const next = (pots.latest ?? 0) + 1;
  await pots.add(...[0, 1, 2].map((n) => ({ number: next + n, block: Uint8Array.of(n) })));
  const seen: number[] = [];
  await pots.consume(2, async ({ number }) => void seen.push(number));
  await pots.close();

  const reopened = await PotsStore.open(`${directory}/pots`);
  console.log(`consumed ${seen.join(" and ")}; ${reopened.count} left; the latest is ${reopened.latest}`);
  if (!reopened.has(next + 2) || reopened.has(next)) throw new Error("The index is not that of the log.");
  await reopened.close();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv[2] ?? "./example-sync");
