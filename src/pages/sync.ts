/**
 * The order in which pages are committed.
 *
 *     beginSync    chooses buckets and writes the records, in memory and on the side     crash or failure: nothing has happened
 *     writeWal     appends START, CLEAR…, UPDATE…, the owner's, END as one batch         the commit point: all of it is durable, or nothing
 *     commitSync   publishes, and writes pages in place, now or in a later checkpoint    crash: opening redoes it from the journal
 *
 * Crash argument:
 * - Nothing of the table is written, and nothing in memory is changed, before the batch is durable. So a bucket that a commit clears, or gives to
 *   another page, keeps the page that is committed there until the commit is.
 * - What the batch says is absolute, and all of a page that is new to its bucket is in it. `checkpoint.ts` tells why redoing it comes out right whatever
 *   was written of it.
 * - Nobody else appends to the journal: a checkpoint drops what is in it. Where somebody did, the store ends before it drops any of theirs.
 * - A failure before the batch is handed over leaves the store as it was. One after that leaves it unknown whether the commit is durable, so it ends the
 *   store: a later commit must not take buckets that an earlier one may have.
 */
import { ConflictError, StateError } from "../base/index.js";
import { isRefusal, takePart } from "../log/index.js";
import { checkpoint, checkpointWhenDue } from "./checkpoint.js";
import { commitChannel } from "./channels.js";
import { growWhenDue, hasRoom, makeRoom } from "./growth.js";
import { TOMBSTONE } from "./meta-map.js";
import { checkChanges, stageChanges } from "./staging.js";
import type { Staged } from "./staged.js";
import type { PageChanges } from "./staged-sync.js";
import type { Store } from "./store.js";

/** Commits changes: the three steps, one after the other. Resolves to the sequence once they are durable and published. */
export async function commitPages(store: Store, changes: PageChanges): Promise<number> {
  const staged = await beginSync(store, changes);
  const lsn = await writeWal(store, staged);
  await commitSync(store, staged, lsn);
  return staged.sequence;
}

/** The first step. A commit that was begun before and not written is dropped. */
export async function beginSync(store: Store, changes: PageChanges): Promise<Staged> {
  store.checkUsable();
  const fresh = checkChanges(changes);
  const { slot } = store;
  if (slot.isBusy) throw busy(store);
  slot.drop();
  // Buckets are chosen in the table that will be there when the commit is.
  while (slot.gate !== undefined || !hasRoom(store, fresh)) {
    await (slot.gate ?? makeRoom(store, fresh));
    store.checkUsable();
  }
  if (slot.isBusy) throw busy(store);
  slot.take();
  try {
    const staged = await stageChanges(store, changes);
    store.checkSound();
    slot.hold(staged);
    return staged;
  } catch (error) {
    slot.free();
    throw error;
  }
}

/** The second step, and the commit point. Resolves to the LSN of the last record once the batch is durable. */
export function writeWal(store: Store, staged: Staged): Promise<number> {
  const { slot, journal } = store;
  return takePart(journal, () => {
    store.checkUsable();
    if (!slot.mayWrite(staged)) throw superseded(store, staged);
    // Another's records would be pruned with ours, and ours with theirs.
    if (journal.lastLsn !== store.state.lsn) throw store.fail(secondWriter(store));
    return appendStaged(store, staged);
  });
}

async function appendStaged(store: Store, staged: Staged): Promise<number> {
  const { slot, journal } = store;
  slot.write();
  try {
    const { lastLsn } = await journal.appendAll(staged.records);
    // A journal of a weaker durability acknowledges before the disk does.
    if (journal.durableLsn < lastLsn) await journal.sync();
    return lastLsn;
  } catch (error) {
    slot.free();
    throw isRefusal(error) ? error : store.fail(error);
  }
}

/** The third step, for a batch that is durable in the journal with its last record at `lsn`. */
export async function commitSync(store: Store, staged: Staged, lsn: number): Promise<void> {
  store.checkUsable();
  if (!store.slot.has(staged)) throw superseded(store, staged);
  publish(store, staged, lsn);
  try {
    // Where the commit waits for it, a crash on the way is the same as one just after the commit point.
    await (store.settings.everyCommit ? checkpoint(store) : checkpointWhenDue(store));
  } finally {
    store.slot.free();
  }
  growWhenDue(store);
}

/** Readers and later commits see it from here on. */
function publish(store: Store, { sequence, root, updates, clears, meta, stepsMax, bytes }: Staged, lsn: number): void {
  const { table, cache, watcher } = store;
  for (const { id, bucket } of clears) {
    cache.remove(id);
    watcher?.changed(id, bucket);
  }
  for (const [bucket, byte] of meta.changes()) table.setMeta(bucket, byte);
  for (const { page, bucket } of updates) {
    cache.putDirty(page, bucket);
    watcher?.changed(page.id, bucket);
  }
  table.stepsMax = Math.max(table.stepsMax, stepsMax);
  for (const { bucket } of clears)
    if (table.meta.at(bucket) === TOMBSTONE) table.meta.sweep(bucket, table.stepsMax, (swept) => table.touched(swept));
  cache.evict();
  store.state = { sequence, lsn, root };
  store.logBytes += bytes;
  store.unprunedBytes += bytes;
  if (commitChannel.hasSubscribers)
    commitChannel.publish({
      directory: store.directory.path,
      sequence,
      lsn,
      updated: updates.length,
      cleared: clears.length,
    });
}

function busy({ directory: { path } }: Store): StateError {
  return new StateError(
    "HF_BUSY",
    `${path} is in the middle of another commit. Wait for its last step before the next one begins.`,
    { path },
  );
}

function secondWriter({ directory: { path }, journal, state }: Store): ConflictError {
  return new ConflictError(
    "HF_SECOND_WRITER",
    `Something else wrote to the journal of ${path}: it ends at LSN ${journal.lastLsn}, and the newest commit at ${state.lsn}. Give each store a journal of its own.`,
    { path, expected: state.lsn, found: journal.lastLsn },
  );
}

function superseded({ directory: { path } }: Store, { sequence }: Staged): StateError {
  return new StateError(
    "HF_BUSY",
    `The commit with sequence ${sequence} of ${path} was written or refused already, or another one was begun after it. Begin it again.`,
    { path, sequence },
  );
}
