import type { FlatKvTask } from "./flatkv-task.js";

/** What most processes do: small memtables and segments, so that files come and go, and options that differ from process to process. */
export function flatKvTask(
  directory: string,
  draw: (below: number) => number,
): Omit<FlatKvTask, "seed" | "generation" | "afterwards" | "verifySnapshots"> {
  return {
    directory,
    writeBufferBytes: 65_536,
    segmentBytes: 256 * 1024,
    syncEveryCommits: 10 + draw(200),
    snapshotEveryCommits: [0, 50, 150][draw(3)] ?? 0,
    links: draw(3) > 0,
    importFrom: undefined,
    exportTo: undefined,
    commits: Number.MAX_SAFE_INTEGER,
    perMille: { rollback: 8, snapshot: 15, verify: 10 },
  };
}
