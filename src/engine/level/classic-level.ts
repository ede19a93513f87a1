/** The engine on LevelDB, by `classic-level`. */
import type { ClassicLevel } from "classic-level";
import { StateError, checkBoolean, checkInteger, checkOptions, errnoOf } from "../../base/index.js";
import type { Engine, EngineDatabase } from "../engine.js";
import { LevelDatabase } from "./level-database.js";
import { callLevel } from "./level-errors.js";
import {
  copyDatabase,
  currentManifest,
  hasDatabase,
  hasLoggedRows,
  makeNewDirectory,
  removeFiles,
  syncDirectory,
} from "./level-files.js";

/** Options of {@link classicLevel}. They fix no format: a database can be opened with others. */
export interface ClassicLevelOptions {
  /** Blocks of tables that each open database keeps in memory. Default 32 MiB. */
  readonly cacheBytes?: number;
  /**
   * How much each open database collects in memory before it makes a table of it; it may hold twice that. More means fewer, larger
   * tables and fewer compactions, and a longer opening after a crash. Default 16 MiB.
   */
  readonly writeBufferBytes?: number;
  /**
   * Whether tables are compressed with Snappy. Default false: keys and values of a commit store are mostly hashes and numbers, which it
   * makes hardly smaller.
   */
  readonly compression?: boolean;
}

/**
 * An engine on LevelDB, for databases that are larger than memory. Loaded on first use. It works on the real file system only.
 *
 * A `sync` makes a table of all that is in memory, whatever the amount, so it is for now and then, not for every batch.
 * LevelDB finds some damage of its files, not all (see docs/engines.md): a store has to bring checksums of its own. While `sync` or
 * `checkpoint` runs, it occupies a thread of Node's pool.
 *
 * @example
 * ```ts
 * import { classicLevel } from "holdfast/engine";
 *
 * const engine = classicLevel({ cacheBytes: 64 * 1024 * 1024 });
 * const database = (await engine.open("./rows")) ?? (await engine.create("./rows"));
 * const batch = database.batch();
 * batch.put(Uint8Array.of(1), Uint8Array.of(2));
 * await batch.write({ sync: true });
 * await database.close();
 * ```
 */
export function classicLevel(options?: ClassicLevelOptions): Engine {
  const where = "classicLevel";
  const given = checkOptions<ClassicLevelOptions>(where, options, ["cacheBytes", "writeBufferBytes", "compression"]);
  const max = 2 ** 30;
  const cacheSize = checkInteger(where, "cacheBytes", given.cacheBytes, { min: 0, max }, 32 * 1024 * 1024);
  const writeBufferSize = checkInteger(
    where,
    "writeBufferBytes",
    given.writeBufferBytes,
    { min: 64 * 1024, max },
    16 * 1024 * 1024,
  );
  const compression = checkBoolean(where, "compression", given.compression, false);

  async function openLevel(directory: string, create: boolean): Promise<EngineDatabase> {
    const Level = await loadLevel();
    if (!create) await callLevel("open", directory, () => currentManifest(directory, false));
    const level = new Level<Uint8Array, Uint8Array>(directory, {
      keyEncoding: "view",
      valueEncoding: "view",
      createIfMissing: create,
      errorIfExists: create,
      cacheSize,
      writeBufferSize,
      compression,
    });
    return await callLevel("open", directory, async () => {
      await level.open();
      try {
        await syncDirectory(directory);
      } catch (error) {
        await level.close();
        throw error;
      }
      return new LevelDatabase(directory, level);
    });
  }

  return {
    name: "classic-level",
    create: async (directory) => {
      await makeNewDirectory(directory);
      return await openLevel(directory, true);
    },
    open: async (directory) => ((await hasDatabase(directory)) ? await openLevel(directory, false) : undefined),
    copy: async (from, to, copyOptions) => {
      const name = "Engine.copy";
      const links = checkBoolean(name, "links", checkOptions(name, copyOptions, ["links"]).links, true);
      if (!(await hasDatabase(from))) return false;
      if (!(await hasLoggedRows(from))) {
        await callLevel("copy", from, () => copyDatabase(from, to, links));
        return true;
      }
      // Rows that are in no table yet. A checkpoint makes one of them.
      const opened = await openLevel(from, false);
      try {
        await opened.checkpoint(to, { links });
        return true;
      } finally {
        await opened.close();
      }
    },
    remove: async (directory) => {
      if (await hasDatabase(directory)) {
        // LevelDB's lock can be taken by nobody else: opening and closing the file would free it for the whole process.
        const Level = await loadLevel();
        await callLevel("remove", directory, () => Level.destroy(directory));
      }
      await callLevel("remove", directory, () => removeFiles(directory));
    },
  };
}

async function loadLevel(): Promise<typeof ClassicLevel> {
  try {
    return (await import("classic-level")).ClassicLevel;
  } catch (error) {
    throw new StateError(
      "HF_ENGINE_UNAVAILABLE",
      `LevelDB can't be loaded: classic-level has no build for ${process.platform}-${process.arch} here ` +
        `(${errnoOf(error) ?? String(error)}). Install one, or choose another engine.`,
      { platform: process.platform, arch: process.arch },
      error,
    );
  }
}
