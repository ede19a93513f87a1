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
