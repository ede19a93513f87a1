/** The state of a store at a place in its journal. */
import { CorruptionError } from "../base/index.js";
import { type Books, type KnownState, knownStateAt } from "./books.js";
import type { CommitLog } from "./commit-log.js";

/** What the commit that ends at `lsn` says that the databases come to; where the journal has none there, what the books know of it. */
export async function stateAt(commits: CommitLog, books: Books, lsn: number): Promise<KnownState> {
  const placed = await commits.endingAt(lsn);
  if (placed !== undefined) {
    const { version, databases } = placed.commit;
    return { version, lsn, checksums: databases.map(({ checksum }) => checksum.slice()) };
  }
  const known = knownStateAt(books, lsn);
  if (known !== undefined) return known;
  throw new CorruptionError({
    path: commits.where,
    lsn,
    expected: "a commit, or a snapshot where the journal is empty",
    found: "neither",
  });
}

/** The newest state that a reader can show: what the journal shows of this timeline, or a snapshot, which is durable even where a reader can't see its commit. */
export async function stateSeen(commits: CommitLog, books: Books): Promise<KnownState> {
  const newest = books.snapshots.at(-1) ?? books.base;
  let { lastLsn } = commits;
  if (lastLsn > books.timelineLsn && lastLsn >= commits.firstLsn) {
    // A rollback whose abandoned records are still there.
    if ((await oldestTimeline(commits, books)) < books.timeline) lastLsn = books.timelineLsn;
  }
  return lastLsn <= newest.lsn ? newest : await stateAt(commits, books, lastLsn);
}

/** The timeline of the first commit after the one where the books' began. */
async function oldestTimeline(commits: CommitLog, { timelineLsn }: Books): Promise<number> {
  for (;;) {
    const lsn = Math.max(timelineLsn + 1, commits.firstLsn);
    try {
      return (await commits.headerAt(lsn)).timeline;
    } catch (error) {
      // Pruned between the two, by a writer in another process.
      if (commits.firstLsn <= lsn) throw error;
    }
  }
}
