/** Engines whose calls can be held or made to fail, and what holds them. */
import type { Engine, EngineDatabase } from "../engine/index.js";

/** What to do with an engine's databases, and with its copies. */
export interface Wrapping {
  /** May put other methods in the place of those that the database has. */
  readonly database?: (database: EngineDatabase, path: string) => void;
  /** Called before a database is copied. */
  readonly beforeCopy?: (from: string) => Promise<void>;
  /** Called before a database is made. */
  readonly beforeCreate?: (path: string) => void;
}

export function wrapEngine(
  inner: Engine,
  { database: wrap = () => undefined, beforeCopy, beforeCreate }: Wrapping,
): Engine {
  return {
    name: inner.name,
    async create(path) {
      beforeCreate?.(path);
      const database = await inner.create(path);
      wrap(database, path);
      return database;
    },
    async open(path) {
      const database = await inner.open(path);
      if (database !== undefined) wrap(database, path);
      return database;
    },
    async copy(from, to, options) {
      await beforeCopy?.(from);
      return await inner.copy(from, to, options);
    },
    remove: (path) => inner.remove(path),
  };
}

/** Holds the first that comes after it was shut, until it is opened. */
export class Gate {
  #isShut = false;
  #reached: () => void = () => undefined;
  #opened: () => void = () => undefined;
  #isReached: Promise<void> = Promise.resolve();
  #isOpen: Promise<void> = Promise.resolve();

  shut(): void {
    this.#isShut = true;
    this.#isReached = new Promise((resolve) => (this.#reached = resolve));
    this.#isOpen = new Promise((resolve) => (this.#opened = resolve));
  }

  /** To be awaited where something may be held. */
  async pass(): Promise<void> {
    if (!this.#isShut) return;
    this.#isShut = false;
    this.#reached();
    await this.#isOpen;
  }

  /** Resolves once something is held. */
  async reached(): Promise<void> {
    await this.#isReached;
  }

  open(): void {
    this.#isShut = false;
    this.#opened();
  }
}

/** Does `before` before each batch that is written to a database, and `after` afterwards. */
export function aroundWrites(
  database: EngineDatabase,
  { before, after }: { readonly before?: () => Promise<void>; readonly after?: () => Promise<void> },
): void {
  const batchOf = database.batch.bind(database);
  database.batch = () => {
    const batch = batchOf();
    const write = batch.write.bind(batch);
    batch.write = async (options) => {
      await before?.();
      await write(options);
      await after?.();
    };
    return batch;
  };
}

/** Lets everything else go on as far as it does without whoever calls. */
export async function settle(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
}
