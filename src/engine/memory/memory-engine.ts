/** The memory engine: a small database with an exact crash model on any file-system port. */
import { checkOptions } from "../../base/index.js";
import type { Vfs } from "../../vfs/index.js";
import { nodeVfs } from "../../vfs/index.js";
import type { Engine } from "../engine.js";
import { MemoryDatabase } from "./memory-database.js";
import { removeFiles } from "./memory-files.js";

/** Options of {@link memoryEngine}. */
export interface MemoryEngineOptions {
  /** The file system. Default: the real one. */
  readonly vfs?: Vfs;
}

/**
 * An engine that holds all rows in memory and appends its batches to one file; opening reads that file whole. It is made for tests on the
 * simulated disk, where it behaves as the port allows and no better: after a power cut every synced batch is there, and any of the
 * others, each whole. The file grows with every batch, up to 2 GiB; a checkpoint is as small as its rows.
 *
 * @example
 * ```ts
 * import { memoryEngine } from "holdfast/engine";
 * import { SimVfs } from "holdfast/vfs";
 *
 * const database = await memoryEngine({ vfs: new SimVfs() }).create("/rows");
 * const batch = database.batch();
 * batch.put(Uint8Array.of(1), Uint8Array.of(2));
 * await batch.write({ sync: true });
 * await database.close();
 * ```
 */
export function memoryEngine(options?: MemoryEngineOptions): Engine {
  const { vfs = nodeVfs } = checkOptions<MemoryEngineOptions>("memoryEngine", options, ["vfs"]);
  return {
    name: "memory",
    create: (directory) => MemoryDatabase.create(vfs, directory),
    open: (directory) => MemoryDatabase.open(vfs, directory),
    copy: (from, to, options) => copyDatabase(vfs, from, to, options),
    remove: (directory) => removeFiles(vfs, directory),
  };
}

async function copyDatabase(
  vfs: Vfs,
  from: string,
  to: string,
  options: { readonly links?: boolean | undefined } | undefined,
): Promise<boolean> {
  const database = await MemoryDatabase.open(vfs, from);
  if (database === undefined) return false;
  try {
    await database.checkpoint(to, options);
    return true;
  } finally {
    await database.close();
  }
}
