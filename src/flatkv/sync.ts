/**
 * The order in which a version is committed.
 *
 * Crash argument:
 * - The journal's batch is the commit point. A crash before it is durable leaves the version before: a batch is there wholly or not at all, and no
 *   database has heard of it. A crash after it leaves the new version: opening redoes what the databases lack.
 * - A database gets rows, metadata and marker in one batch, after the commit point. So none is ever ahead of the log, and what any of them says of
 *   itself is true of its rows.
 * - Nothing is published before every database has it. While they are being written, readers get the rows as they were.
 * - A failure before the commit point leaves it unknown whether the version is in the journal, and one after it leaves databases at different
 *   versions. Both end the store; opening finds out, so a version is never logged twice.
 */
import { attempt } from "../base/index.js";
import type { EngineBatch } from "../engine/index.js";
import { isRefusal } from "../log/index.js";
import { commitChannel } from "./channels.js";
import type { CommitDatabase } from "./commit-format.js";
import { appendCommit } from "./commit-log.js";
import type { Staging } from "./staging.js";
import type { Store } from "./store.js";

/** Commits what is staged as the next version. Durable, applied and published when it resolves. */
export async function commitStaged(store: Store, staging: Staging): Promise<void> {
  const version = store.state.version + 1;
  const { storeId, timeline } = store.books;
  const shares = store.databases.map((database, at): CommitDatabase => {
    const rows = staging.changesOf(database.name);
    const hash = staging.hashOf(database.name);
    if (rows.length === 0) return { checksum: store.state.checksums[at]!, hash: undefined, rows };
    return { checksum: hash.checksum(), hash, rows };
  });

  // The commit point. Once it is on its way, for which it needs a turn of the event loop, the batches for the databases are filled.
  const appended = appendCommit(store.journal, { storeId, timeline, version, databases: shares });
  appended.catch(() => undefined);
  await new Promise((resolve) => setImmediate(resolve));
  const filled = attempt(() =>
    store.databases.map((database, at) =>
      database.batchOf(shares[at]!.rows, { timeline, version, hash: staging.hashOf(database.name) }),
    ),
  );
  let lsn: number;
  try {
    lsn = await appended;
  } catch (error) {
    throw isRefusal(error) ? error : store.fail(error);
  }

  // Committed. Each database may be ahead of the others until all have it.
  store.applying = staging;
  try {
    await writeAll(filled());
  } catch (error) {
    throw store.fail(error);
  }

  for (const database of store.databases) database.reached({ version, hash: staging.hashOf(database.name) });
  store.state = { version, lsn, checksums: shares.map(({ checksum }) => checksum) };
  store.applying = undefined;
  store.unsyncedBytes += staging.bytes;
  if (commitChannel.hasSubscribers)
    commitChannel.publish({
      directory: store.directory.path,
      version,
      lsn,
      rows: shares.reduce((sum, { rows }) => sum + rows.length, 0),
    });
}

/** Writes all batches, and waits for each even where one fails. */
async function writeAll(batches: readonly EngineBatch[]): Promise<void> {
  const outcomes = await Promise.allSettled(batches.map((batch) => batch.write()));
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}
