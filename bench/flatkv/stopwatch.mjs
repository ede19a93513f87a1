/** Where the time of a commit goes, seen from outside: the ports that the store stands on, with a clock around each. */
import { performance } from "node:perf_hooks";

/** @typedef {import("../../dist/engine/index.js").Engine} Engine */
/** @typedef {import("../../dist/engine/index.js").EngineDatabase} EngineDatabase */
/** @typedef {"read" | "write" | "log"} Part */

/** Milliseconds in each part. What runs side by side counts as long as any of it runs. */
export class Stopwatch {
  /** @type {Map<Part, { running: number, since: number, ms: number }>} */
  #parts = new Map();

  /**
   * @template R
   * @param {Part} part
   * @param {() => R} act
   * @returns {R}
   */
  time(part, act) {
    const state = this.#parts.get(part) ?? { running: 0, since: 0, ms: 0 };
    this.#parts.set(part, state);
    if (state.running++ === 0) state.since = performance.now();
    const stop = () => {
      if (--state.running === 0) state.ms += performance.now() - state.since;
    };
    const result = act();
    if (result instanceof Promise) void result.then(stop, stop);
    else stop();
    return result;
  }

  /** @returns {Record<Part, number>} and begins from zero */
  take() {
    const of = (/** @type {Part} */ part) => this.#parts.get(part)?.ms ?? 0;
    const taken = { read: of("read"), write: of("write"), log: of("log") };
    this.#parts.clear();
    return taken;
  }
}

/**
 * @param {Engine} engine
 * @param {Stopwatch} watch
 * @returns {Engine} the same, timed
 */
export function timedEngine(engine, watch) {
  return {
    name: engine.name,
    create: async (directory) => timedDatabase(await engine.create(directory), watch),
    open: async (directory) => {
      const opened = await engine.open(directory);
      return opened === undefined ? undefined : timedDatabase(opened, watch);
    },
    copy: (from, to, options) => engine.copy(from, to, options),
    remove: (directory) => engine.remove(directory),
  };
}

/**
 * @param {EngineDatabase} database
 * @param {Stopwatch} watch
 * @returns {EngineDatabase}
 */
function timedDatabase(database, watch) {
  return {
    directory: database.directory,
    get: (key) => database.get(key),
    getMany: (keys) => watch.time("read", () => database.getMany(keys)),
    iterate: (range) => database.iterate(range),
    batch: () => {
      const batch = database.batch();
      return {
        get size() {
          return batch.size;
        },
        put: (key, value) => batch.put(key, value),
        delete: (key) => batch.delete(key),
        write: (options) => watch.time("write", () => batch.write(options)),
      };
    },
    sync: () => database.sync(),
    view: () => database.view(),
    checkpoint: (directory, options) => database.checkpoint(directory, options),
    stats: () => database.stats(),
    close: () => database.close(),
  };
}

/**
 * @template {import("../../dist/log/index.js").Journal} J
 * @param {J} journal
 * @param {Stopwatch} watch
 * @returns {J} the same, with its appends timed
 */
export function timedJournal(journal, watch) {
  return new Proxy(journal, {
    get(target, name) {
      if (name === "appendAll")
        return (/** @type {Parameters<J["appendAll"]>[0]} */ records) =>
          watch.time("log", () => target.appendAll(records));
      const found = Reflect.get(target, name, target);
      return typeof found === "function" ? found.bind(target) : found;
    },
  });
}
