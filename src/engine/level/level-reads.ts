/** Reading a LevelDB database, as it is now or as a snapshot has it. */
import type { ClassicLevel, Iterator, Snapshot } from "classic-level";
import type { EngineRange, EngineReads, EngineRow } from "../engine.js";
import { checkBytes, checkRange } from "../range.js";
import { callLevel, levelError } from "./level-errors.js";

/** A LevelDB database of bytes. */
export type Level = ClassicLevel<Uint8Array, Uint8Array>;
type LevelIterator = Iterator<Level, Uint8Array, Uint8Array>;

/** A chunk of an iteration ends with the row that passes this. */
const CHUNK_BYTES = 64 * 1024;
const CHUNK_ROWS = 4096;
/** LevelDB counts rows in 31 bits; more are not limited. */
const LIMIT_MAX = 2 ** 31 - 1;

/** Where reads come from. */
export interface LevelSource {
  readonly directory: string;
  readonly level: Level;
  readonly snapshot: Snapshot | undefined;
  /** Throws where reading is refused. */
  readonly check: () => void;
}

/** Reads of one source. */
export class LevelReads implements EngineReads {
  readonly #source: LevelSource;

  constructor(source: LevelSource) {
    this.#source = source;
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const { directory, level, snapshot, check } = this.#source;
    checkBytes("get", "key", key);
    check();
    const options = snapshot === undefined ? {} : { snapshot };
    return await callLevel("get", directory, () => level.get<Uint8Array, Uint8Array>(key, options));
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    const { directory, level, snapshot, check } = this.#source;
    for (const key of keys) checkBytes("getMany", "key", key);
    check();
    const options = snapshot === undefined ? {} : { snapshot };
    return await callLevel("get", directory, () => level.getMany<Uint8Array, Uint8Array>([...keys], options));
  }

  iterate(range?: EngineRange): AsyncIterableIterator<readonly EngineRow[]> {
    const { gte, gt, lte, lt, reverse, limit } = checkRange("iterate", range);
    const { level, snapshot, check } = this.#source;
    check();
    const iterator = level.iterator<Uint8Array, Uint8Array>({
      ...(gte === undefined ? {} : { gte }),
      ...(gt === undefined ? {} : { gt }),
      ...(lte === undefined ? {} : { lte }),
      ...(lt === undefined ? {} : { lt }),
      ...(snapshot === undefined ? {} : { snapshot }),
      reverse,
      limit: limit > LIMIT_MAX ? -1 : limit,
      // A scan would push out what gets rely on.
      fillCache: false,
      highWaterMarkBytes: CHUNK_BYTES,
    });
    return new LevelIteration(iterator, this.#source);
  }
}

/**
 * The chunks of an iteration. From the second one on, the next chunk is read while the caller is busy with the one before. LevelDB keeps what it
 * shows until this ends, is left, or the database is closed.
 */
class LevelIteration implements AsyncIterableIterator<readonly EngineRow[]> {
  readonly #iterator: LevelIterator;
  readonly #source: LevelSource;
  #isLong = false;
  #ahead: Promise<readonly EngineRow[]> | undefined;
  #ended = false;

  constructor(iterator: LevelIterator, source: LevelSource) {
    this.#iterator = iterator;
    this.#source = source;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<readonly EngineRow[], undefined>> {
    if (this.#ended) return { done: true, value: undefined };
    try {
      this.#source.check();
      const reading = this.#ahead ?? this.#iterator.nextv(CHUNK_ROWS);
      this.#ahead = undefined;
      const rows = await reading;
      if (rows.length > 0) {
        if (this.#isLong && !this.#ended) this.#readAhead();
        this.#isLong = true;
        return { done: false, value: rows };
      }
    } catch (error) {
      await this.#end();
      throw levelError("iterate", this.#source.directory, error);
    }
    await this.#end();
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<readonly EngineRow[], undefined>> {
    await this.#end();
    return { done: true, value: undefined };
  }

  #readAhead(): void {
    this.#ahead = this.#iterator.nextv(CHUNK_ROWS);
    // Whoever asks for the chunk is told. Until then, or if nobody does, the failure must not count as unheard.
    this.#ahead.catch(() => undefined);
  }

  async #end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#iterator.close();
  }
}
