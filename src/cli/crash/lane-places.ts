/** The places in which the suites about lanes keep their journals. */
import { type Journal, Log } from "../../log/index.js";
import { SharedLog } from "../../streams/index.js";
import type { SimVfs } from "../../vfs/index.js";

/** Small enough that a few entries fill a segment. */
export const SMALL_LOG = { blockBytes: 512, segmentBytes: 2048 } as const;

/** A journal that is open, and how to let go of it. */
export interface OpenJournal {
  readonly journal: Journal;
  close(): Promise<void>;
}

/** A kind of place. */
export interface JournalKind {
  readonly name: string;
  open(vfs: SimVfs): Promise<OpenJournal>;
}

/** When a journal acknowledges: once the disk has it, or earlier. What stands on it may not be told of earlier in any case. */
export type Durability = "sync" | "os";

/** A log in a directory of its own. */
export function ownLog(durability: Durability): JournalKind {
  return {
    name: `own log, ${durability}`,
    async open(vfs) {
      const log = await Log.open("/data/log", { ...SMALL_LOG, vfs, durability });
      return { journal: log, close: () => log.close() };
    },
  };
}

/** Options of the shared logs: records of a few hundred bytes must fit into a segment with others, and checkpoints come often. */
export const SMALL_SHARED = { blockBytes: 512, segmentBytes: 8192, checkpointBytes: 2048 } as const;

/** A stream of a shared log. */
export function sharedStream(durability: Durability): JournalKind {
  return {
    name: `shared log, ${durability}`,
    async open(vfs) {
      const shared = await SharedLog.open("/data/log", { ...SMALL_SHARED, vfs, durability });
      const journal = await shared.stream("entries");
      return { journal, close: () => shared.close() };
    },
  };
}
