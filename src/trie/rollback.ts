/**
 * Going back: what was there before the newest commits is put back, by a commit of its own.
 *
 * The PRIOR records of the commits are read from the journal, newest first, and an older one wins over a newer. Nothing is cut: the new commit is as
 * durable and atomic as any other, and says how many it undid, so that the next opening knows what can still be undone.
 */
import { CorruptionError, InvalidArgumentError, checkInteger } from "../base/index.js";
import { headerOf } from "./history.js";
import { RECORD_COMMIT, RECORD_PRIOR, RECORD_VALUES, parseEntries } from "./record-format.js";
import { StagedChanges } from "./staged-changes.js";
import type { Store } from "./store.js";
import type { PreparedCommit } from "./prepared-commit.js";
import { commitChanges } from "./sync.js";

/** Undoes the newest `commits` undoable commits. The caller has the turn. */
export async function rollBack(store: Store, commits: number): Promise<PreparedCommit> {
  const where = "MerkleStore.rollback";
  checkInteger(where, "commits", commits, { min: 1 }, 1);
  const { commits: undoable } = store.history;
  if (commits > undoable.length)
    throw new InvalidArgumentError(
      "HF_VERSION_OUT_OF_RANGE",
      `${where}: ${commits} commits can't be undone; ${undoable.length} can. Nothing was changed.`,
      { commits, undoable: undoable.length },
    );
  const changes = new StagedChanges(store.seed);
  for (const { lsn, sequence } of undoable.slice(-commits).reverse()) await stagePrior(store, changes, lsn, sequence);
  return await commitChanges(store, { changes, undone: commits });
}

/** Stages what was there before the commit whose COMMIT record is at `lsn`. */
async function stagePrior(store: Store, changes: StagedChanges, lsn: number, sequence: number): Promise<void> {
  const { journal } = store.pages;
  const { path } = store.directory;
  let keys = -1;
  for await (const record of journal.read({ from: lsn, to: journal.lastLsn })) {
    if (record.lsn === lsn) {
      if (record.type !== RECORD_COMMIT) break;
      const header = headerOf(path, record);
      if (header.sequence !== sequence) break;
      keys = header.keys;
    } else if (record.type === RECORD_PRIOR) {
      const entries = parseEntries(record.payload);
      if (entries === undefined) break;
      for (const { key, value } of entries) changes.set(key, value);
      keys -= entries.length;
    } else if (record.type !== RECORD_VALUES) break;
  }
  if (keys === 0) return;
  throw new CorruptionError({
    path,
    lsn,
    expected: `what was there before commit ${sequence}`,
    found: "other records",
    advice: "The store is as it was. The journal's `verify` tells how far the damage goes.",
  });
}
