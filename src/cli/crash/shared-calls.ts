/** The calls that workloads on a shared log are made of, and how each is made and noted. */
import { HoldfastError, SeededRandom } from "../../base/index.js";
import type { LogInput } from "../../log/index.js";
import { SharedLog, type SharedLogOptions, type Stream } from "../../streams/index.js";
import { pick } from "./log-calls.js";
import { typeOf } from "./payload-book.js";
import { type SharedEvent, type SharedOp, entryText } from "./shared-model.js";

/** Where every scenario keeps its shared log. */
export const SHARED_PATH = "/data/shared";

/** The names of the streams that workloads use, by number. One is as long as a name may be; two are enough for a checkpoint of two parts. */
const NAMES = ["a", `b${"b".repeat(229)}`, `long${"g".repeat(251)}`] as const;

/** One call, or several at once. Streams by number; sizes are payload bytes. */
export type SharedCall =
  | { readonly call: "append"; readonly stream: number; readonly bytes: number }
  | { readonly call: "enqueue"; readonly stream: number; readonly sizes: readonly number[] }
  /** One atomic batch over several streams. */
  | { readonly call: "commit"; readonly parts: readonly (readonly [stream: number, sizes: readonly number[]])[] }
  | { readonly call: "together"; readonly calls: readonly SharedCall[] }
  /** Drops all but the newest `keep` entries. */
  | { readonly call: "prune"; readonly stream: number; readonly keep: number }
  /** Drops the newest `drop` entries. */
  | { readonly call: "cut"; readonly stream: number; readonly drop: number }
  | { readonly call: "clear"; readonly stream: number }
  | { readonly call: "drop"; readonly stream: number }
  /** `count` times an append and a prune that keeps one entry. */
  | { readonly call: "churn"; readonly stream: number; readonly count: number }
  | { readonly call: "reopen" };

/** Makes calls on a shared log and notes them. */
export class SharedCaller {
  readonly #options: SharedLogOptions;
  readonly #note: (event: SharedEvent) => void;
  readonly #streams = new Map<number, Stream>();
  /** The bounds of each stream once everything is acknowledged. */
  readonly #bounds = new Map<number, { first: number; next: number }>();
  #id: number;
  shared: SharedLog;

  private constructor(shared: SharedLog, options: SharedLogOptions, note: (event: SharedEvent) => void, id: number) {
    this.shared = shared;
    this.#options = options;
    this.#note = note;
    this.#id = id;
  }

  static async open(options: SharedLogOptions, note: (event: SharedEvent) => void): Promise<SharedCaller> {
    return new SharedCaller(await SharedLog.open(SHARED_PATH, options), options, note, 0);
  }

  /** Goes on with a recovered one. */
  static async resume(
    shared: SharedLog,
    options: SharedLogOptions,
    note: (event: SharedEvent) => void,
  ): Promise<SharedCaller> {
    const caller = new SharedCaller(shared, options, note, 1_000_000);
    for (const [number, name] of NAMES.entries()) {
      if (!shared.streams().includes(name)) continue;
      const stream = await shared.stream(name);
      caller.#streams.set(number, stream);
      caller.#bounds.set(number, { first: stream.firstLsn, next: stream.nextLsn });
    }
    return caller;
  }

  async make(call: SharedCall): Promise<void> {
    switch (call.call) {
      case "append": {
        const stream = await this.#stream(call.stream);
        const record = this.#record(call.bytes);
        await this.#put([[call.stream, [record]]], () => stream.append(record.payload, record.type));
        return;
      }
      case "enqueue": {
        const stream = await this.#stream(call.stream);
        for (const bytes of call.sizes) {
          const record = this.#record(bytes);
          this.#issuePut([[call.stream, [record]]]);
          await enqueueOrAppend(stream, record);
        }
        const id = this.#id;
        await stream.sync();
        this.#promised(id, true);
        return;
      }
      case "commit": {
        const parts: { stream: Stream; records: { payload: Uint8Array; type: number }[] }[] = [];
        for (const [number] of call.parts) await this.#stream(number);
        const issued: [number, { payload: Uint8Array; type: number }[]][] = [];
        for (const [number, sizes] of call.parts) {
          const records = sizes.map((bytes, index) => this.#record(bytes, index + 16 * issued.length));
          parts.push({ stream: this.#streams.get(number)!, records });
          issued.push([number, records]);
        }
        await this.#put(issued, () => this.shared.commit(parts));
        return;
      }
      case "together":
        // Streams are made first, so that every call below is issued before the next one.
        for (const part of call.calls) if ("stream" in part) await this.#stream(part.stream);
        await Promise.all(call.calls.map((part) => this.make(part)));
        return;
      case "prune": {
        const { first, next } = await this.#boundsOf(call.stream);
        await this.#keep(call.stream, Math.max(first, next - call.keep), next, "prune");
        return;
      }
      case "cut": {
        const { first, next } = await this.#boundsOf(call.stream);
        await this.#keep(call.stream, first, Math.max(first, next - call.drop), "cut");
        return;
      }
      case "clear": {
        const { next } = await this.#boundsOf(call.stream);
        await this.#keep(call.stream, next, next, "clear");
        return;
      }
      case "drop": {
        await this.#stream(call.stream);
        const id = this.#issue({ op: "drop", name: NAMES[call.stream]! });
        this.#streams.delete(call.stream);
        await this.shared.drop(NAMES[call.stream]!);
        this.#promised(id, true);
        return;
      }
      case "churn":
        for (let count = 0; count < call.count; count++) {
          await this.make({ call: "append", stream: call.stream, bytes: 40 });
          if (count % 2 === 1) await this.make({ call: "prune", stream: call.stream, keep: 1 });
        }
        return;
      case "reopen": {
        const id = this.#id;
        await this.shared.close();
        this.#promised(id, true);
        this.shared = await SharedLog.open(SHARED_PATH, this.#options);
        const known = [...this.#streams.keys()];
        this.#streams.clear();
        for (const number of known) this.#streams.set(number, await this.shared.stream(NAMES[number]!));
      }
    }
  }

  /** Makes everything durable. */
  async sync(): Promise<void> {
    const id = this.#id;
    await this.shared.sync();
    this.#promised(id, true);
  }

  /** Closes the shared log: everything is durable then. */
  async close(): Promise<void> {
    const id = this.#id;
    await this.shared.close();
    this.#promised(id, true);
  }

  /** The stream, made where it is missing. Without waiting where it is known. */
  #stream(number: number): Stream | Promise<Stream> {
    return this.#streams.get(number) ?? this.#makeStream(number);
  }

  async #makeStream(number: number): Promise<Stream> {
    const id = this.#issue({ op: "make", name: NAMES[number]! });
    const stream = await this.shared.stream(NAMES[number]!);
    this.#promised(id, true);
    this.#streams.set(number, stream);
    this.#bounds.set(number, { first: 1, next: 1 });
    return stream;
  }

  async #boundsOf(number: number): Promise<{ first: number; next: number }> {
    if (!this.#streams.has(number)) await this.#makeStream(number);
    return this.#bounds.get(number)!;
  }

  async #keep(number: number, first: number, next: number, how: "prune" | "cut" | "clear"): Promise<void> {
    const stream = this.#streams.get(number)!;
    const id = this.#issue({ op: "keep", name: NAMES[number]!, first, next });
    Object.assign(this.#bounds.get(number)!, { first, next });
    if (how === "prune") await stream.truncateBefore(first);
    else if (how === "cut") await stream.truncateAfter(next - 1);
    else await stream.truncateAll();
    this.#promised(id, true);
  }

  async #put(
    parts: readonly (readonly [number, readonly { payload: Uint8Array; type: number }[]])[],
    append: () => Promise<unknown>,
  ): Promise<void> {
    const id = this.#issuePut(parts);
    await append();
    this.#promised(id, (this.#options.durability ?? "sync") === "sync");
  }

  #issuePut(parts: readonly (readonly [number, readonly { payload: Uint8Array; type: number }[]])[]): number {
    for (const [number, records] of parts) this.#bounds.get(number)!.next += records.length;
    return this.#issue({
      op: "put",
      parts: parts.map(([number, records]) => ({ name: NAMES[number]!, entries: records.map(entryText) })),
    });
  }

  #issue(op: SharedOp): number {
    this.#id += 1;
    this.#note({ kind: "issued", id: this.#id, op });
    return this.#id;
  }

  #promised(id: number, durable: boolean): void {
    this.#note({ kind: "acked", id });
    if (durable) this.#note({ kind: "durable", id });
  }

  /** A record that no other call makes, unless it is empty. */
  #record(bytes: number, index: number = 0): Extract<LogInput, { readonly type?: number }> & { type: number } {
    const serial = this.#id * 64 + index + 1;
    return { payload: new SeededRandom(serial).bytes(bytes), type: typeOf(serial) };
  }
}

/** Where an append would have to wait, `enqueue` refuses: then it is one that waits. */
async function enqueueOrAppend(
  stream: Stream,
  { payload, type }: { payload: Uint8Array; type: number },
): Promise<void> {
  try {
    stream.enqueue(payload, type);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "HF_BACKPRESSURE") throw error;
    await stream.append(payload, type);
  }
}

const SIZES = [0, 7, 40, 200, 400] as const;

/** `count` calls at random. */
export function randomSharedCalls(random: SeededRandom, count: number): SharedCall[] {
  return Array.from({ length: count }, () => randomCall(random, true));
}

function randomCall(random: SeededRandom, mayNest: boolean): SharedCall {
  const stream = random.chance(0.2) ? 2 : random.below(2);
  const size = (): number => pick(random, SIZES);
  const appends: readonly (() => SharedCall)[] = [
    () => ({ call: "append", stream, bytes: size() }),
    () => ({
      call: "commit",
      parts: [
        [0, [size()]],
        [1, random.chance(0.5) ? [7, 40] : [size()]],
      ],
    }),
    () => ({ call: "enqueue", stream, sizes: [random.below(60), random.below(60)] }),
  ];
  const truncations: readonly (() => SharedCall)[] = [
    () => ({ call: "prune", stream, keep: random.below(3) }),
    () => ({ call: "cut", stream, drop: random.below(3) }),
    () => ({ call: "clear", stream }),
  ];
  if (!mayNest) return pick(random, random.chance(0.7) ? appends : truncations)();
  return pick(random, [
    ...appends,
    ...truncations,
    () => ({ call: "together", calls: Array.from({ length: 2 + random.below(3) }, () => randomCall(random, false)) }),
    () => ({ call: "churn", stream, count: 2 + random.below(5) }),
    () => (random.chance(0.5) ? { call: "reopen" } : { call: "drop", stream }),
  ] satisfies (() => SharedCall)[])();
}
