/** What the tests of lanes share: a codec, journals on simulated disks, and every way in which a process can end. */
import { HoldfastError } from "../base/index.js";
import { type Journal, Log, type LogOptions } from "../log/index.js";
import { SharedLog, type SharedLogOptions } from "../streams/index.js";
import type { SimVfs, Vfs, VfsFile } from "../vfs/index.js";
import { type Codec, type Entry, type IndexedLog, type KeyCodec, LaneSet, type LaneSetOptions } from "./index.js";

/** Texts as bytes. */
export const textCodec: { encode(text: string): Uint8Array } & Pick<Codec<string>, "decode"> = {
  encode: (text) => new TextEncoder().encode(text),
  decode: (bytes) => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
};

/** Small enough that a few entries fill a segment. */
export const SMALL: Pick<LogOptions, "blockBytes" | "segmentBytes"> = { blockBytes: 512, segmentBytes: 2048 };

/** As small as a shared log can be with the records of these tests. */
export const SMALL_SHARED: SharedLogOptions = { blockBytes: 512, segmentBytes: 8192, checkpointBytes: 2048 };

/** When a journal acknowledges. */
export type Durability = NonNullable<LogOptions["durability"]>;

/** A journal that someone has open, and how to let go of it. */
export interface OpenJournal {
  readonly journal: Journal;
  close(): Promise<void>;
}

/** Opens the same journal, on whatever disk a crash left of it. */
export type OpenJournalOn = (vfs: Vfs) => Promise<OpenJournal>;

/** The kinds of journals that every test of entries runs on. Those of a weaker durability acknowledge before the disk does; lanes may not. */
export const journalKinds: readonly (readonly [string, OpenJournalOn])[] = [
  ["a log of its own", (vfs) => ownLog(vfs, "sync")],
  ["a log of its own that acknowledges early", (vfs) => ownLog(vfs, "os")],
  ["a stream of a shared log", (vfs) => streamOf(vfs, "sync")],
  ["a stream of a shared log that acknowledges early", (vfs) => streamOf(vfs, "interval")],
];

async function ownLog(vfs: Vfs, durability: Durability): Promise<OpenJournal> {
  const log = await Log.open("/log", { ...SMALL, vfs, durability });
  return { journal: log, close: () => log.close() };
}

async function streamOf(vfs: Vfs, durability: Durability): Promise<OpenJournal> {
  const shared = await SharedLog.open("/log", { ...SMALL_SHARED, vfs, durability });
  const journal = await shared.stream("entries");
  return { journal, close: () => shared.close() };
}

/** Opens the same lanes, on whatever disk a crash left of them. */
export interface OpenLanesOn {
  open<K = string>(
    vfs: Vfs,
    options?: Partial<LaneSetOptions<string>> & { readonly key?: KeyCodec<K> },
  ): Promise<{ readonly lanes: LaneSet<K, string>; close(): Promise<void> }>;
}

/** The kinds of places that every test of lanes runs on. */
export const placeKinds: readonly (readonly [string, OpenLanesOn])[] = [
  ["a directory, a log each", lanesUnderPath({ layout: "log-per-lane", log: SMALL })],
  ["a directory", lanesUnderPath({ log: { blockBytes: 512, segmentBytes: 8192 } })],
  ["a shared log", lanesInShared("sync")],
  ["a shared log that acknowledges early", lanesInShared("os")],
];

function lanesUnderPath(place: Pick<LaneSetOptions<string>, "layout" | "log">): OpenLanesOn {
  return {
    async open<K>(vfs: Vfs, options: Partial<LaneSetOptions<string>> & { readonly key?: KeyCodec<K> } = {}) {
      const given = { codec: textCodec, vfs, ...place, ...options };
      const lanes = (await LaneSet.open("/lanes", given)) as unknown as LaneSet<K, string>;
      return { lanes, close: () => lanes.close() };
    },
  };
}

function lanesInShared(durability: Durability): OpenLanesOn {
  return {
    async open<K>(vfs: Vfs, options: Partial<LaneSetOptions<string>> & { readonly key?: KeyCodec<K> } = {}) {
      const shared = await SharedLog.open("/shared", { ...SMALL_SHARED, vfs, durability });
      const lanes = (await LaneSet.open(shared, { codec: textCodec, ...options })) as unknown as LaneSet<K, string>;
      return {
        lanes,
        async close() {
          await lanes.close();
          await shared.close();
        },
      };
    },
  };
}

/** What may come between writing and looking. */
export const ends = ["close", "kill", "power cut"] as const;
export type End = (typeof ends)[number];

/** The machine after an end. Whoever chose "close" has closed. */
export function after(end: End, vfs: SimVfs): SimVfs {
  if (end === "close") return vfs;
  return end === "kill" ? vfs.kill() : vfs.powerCut();
}

/** The error that a promise rejects with. */
export async function errorOf(promise: Promise<unknown>): Promise<HoldfastError> {
  const error: unknown = await promise.then(
    () => new Error("it did not reject"),
    (reason: unknown) => reason,
  );
  if (error instanceof HoldfastError) return error;
  throw error instanceof Error ? error : new Error(String(error));
}

export async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

/** All that a log shows of itself. */
export interface View {
  readonly firstIndex: number;
  readonly nextIndex: number;
  readonly count: number;
  readonly values: readonly string[];
  readonly backwards: readonly Entry<string>[];
}

/** Looks at a log in every way. */
export async function look(log: IndexedLog<string>): Promise<View> {
  const { firstIndex, nextIndex, count } = log;
  const values = await log.readAll();
  const backwards = await collect(log.read({ reverse: true }));
  const beside = [await log.get(nextIndex), firstIndex === 0 ? undefined : await log.get(firstIndex - 1)];
  if (beside.some((value) => value !== undefined)) throw new Error("it shows entries beside those that it holds");
  const alone = await Promise.all(values.map((_, at) => log.get(firstIndex + at)));
  if (alone.some((value, at) => value !== values[at]))
    throw new Error("it shows another entry alone than among others");
  return { firstIndex, nextIndex, count, values, backwards };
}

/** What {@link look} must give where a log holds `values` from `firstIndex` on. */
export function held(firstIndex: number, values: readonly string[]): View {
  const backwards = values.map((value, at) => ({ index: firstIndex + at, value })).reverse();
  return { firstIndex, nextIndex: firstIndex + values.length, count: values.length, values, backwards };
}

/** Lets the simulated machine do all that is asked of it. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A file system in which writes to some paths, or syncs of them, wait while a gate is shut. */
export class GatedVfs {
  readonly vfs: Vfs;
  #gate: Promise<void> | undefined;
  #open: () => void = () => undefined;

  constructor(inner: SimVfs, path: string, operation: "write" | "syncData" = "write") {
    const waits = async (): Promise<void> => {
      await this.#gate;
    };
    this.vfs = new Proxy<Vfs>(inner, {
      get(target, property) {
        if (property === "open") {
          return async (...args: Parameters<Vfs["open"]>) => {
            const file = await target.open(...args);
            return file.path.includes(path) ? slowFile(file, operation, waits) : file;
          };
        }
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  shut(): void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(): void {
    this.#gate = undefined;
    this.#open();
  }
}

function slowFile(file: VfsFile, operation: "write" | "syncData", waits: () => Promise<void>): VfsFile {
  return new Proxy(file, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== "function") return value;
      if (property !== operation) return value.bind(target);
      return async (...args: unknown[]) => {
        await waits();
        await value.apply(target, args);
      };
    },
  });
}
