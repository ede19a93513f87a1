/**
 * The order in which a commit is made.
 *
 * Crash argument:
 * - The journal's batch is the commit point: it holds the pages' changes, the root, the values and, where the commit can be undone, what was there before. A
 *   crash before it is durable leaves the commit before; a crash after it leaves the new one, because opening redoes pages and values from the journal.
 * - The engine gets the values after the batch is durable, and never before. So no row is ever newer than the journal.
 * - The engine is not synced for a commit. The pages' checkpoint, below which nothing is redone, moves only after a sync of the engine.
 * - Readers get the committed state: who asks for a key whose row is being written waits until the commit is published.
 * - A failure before the commit point changes nothing where the journal refused before any effect. Any other leaves it unknown whether the commit is
 *   durable, or rows and pages at different commits; both end the store, and opening finds out.
 */
import { attempt } from "../base/index.js";
import { type LogInput, isRefusal } from "../log/index.js";
import { LEAF_BYTES, nodeBytes } from "../proof/index.js";
import { carryLeaves } from "./carry-leaves.js";
import { commitChannel } from "./channels.js";
import type { PreparedCommit } from "./prepared-commit.js";
import { type CommitHeader, RECORD_PRIOR, RECORD_VALUES, encodeCommit, encodeEntries } from "./record-format.js";
import { seek } from "./seeker.js";
import type { PackedChanges, StagedChanges } from "./staged-changes.js";
import type { Store } from "./store.js";
import type { ValuesBatch } from "./values.js";
import { walk } from "./walker.js";
import { proveCommitted } from "./prove-keys.js";
import { readCommitted } from "./reads.js";

/** What a commit is to do. */
export interface CommitRequest {
  readonly changes: StagedChanges;
  /** How many commits this one undoes; 0 for an ordinary one. */
  readonly undone: number;
  /** Keys of which the state before is to be proved; `undefined` where no proof is wanted. */
  readonly proveKeys?: readonly Uint8Array[] | undefined;
}

/** Commits changes. Durable, applied and published when it resolves. The caller has the turn. */
export async function commitChanges(store: Store, request: CommitRequest): Promise<PreparedCommit> {
  const prepared = await prepareChanges(store, request);
  await commitPrepared(store, prepared);
  return prepared;
}

/** In memory only: what the changes meet, and what becomes of it. The caller has the turn. */
export async function prepareChanges(
  store: Store,
  { changes, undone, proveKeys: keys }: CommitRequest,
): Promise<PreparedCommit> {
  const { pages, hasher } = store;
  store.prepared = undefined;
  const packed = changes.pack(hasher);
  const { ops } = packed;
  const path = store.directory.path;
  const proof = keys === undefined || keys.length === 0 ? undefined : await proveCommitted(store, keys);
  const trie = store.trie();
  const sought = await seek(path, store.reads, trie, ops);
  const walked = walk({ hasher, root: trie.root, rootLeaf: sought.rootLeaf, ops, pageOf: sought.pageOf });
  const root = nodeBytes(walked.root, 0);
  const sequence = pages.sequence + 1;
  const undoable = undone === 0 && store.settings.undoableCommits > 0;
  const header = { sequence, undoable, undone, keys: ops.length };
  const records = await recordsOf(store, packed, header);
  const staged = await pages.beginSync({
    updates: walked.pages.map(({ page, before, diff }) => ({ page, diff, fresh: before === undefined })),
    clears: walked.clears,
    root,
    records,
  });
  store.prepared = { changes, packed, header, root, sequence, proof, ownRecords: records.length, walked, staged };
  return store.prepared;
}

/** The commit itself. The caller has the turn, and has had it or nobody has since the commit was prepared. */
export async function commitPrepared(store: Store, prepared: PreparedCommit): Promise<void> {
  const { pages, history } = store;
  const { changes, packed, header, sequence, ownRecords, walked, staged } = prepared;
  const { ops } = packed;
  store.prepared = undefined;

  // The commit point. Once it is on its way, for which it needs a turn of the event loop, the engine's batch is filled.
  const written = pages.writeWal(staged);
  written.catch(() => undefined);
  await new Promise((resolve) => setImmediate(resolve));
  const filled = attempt(() => fill(store.values.batch(), packed));
  let lsn: number;
  try {
    lsn = await written;
  } catch (error) {
    throw isRefusal(error) ? error : store.fail(error);
  }

  // Committed. From here on readers of changed keys wait, until the pages and the root are those of the commit.
  const published = store.beginApplying(changes);
  try {
    const applied = filled().write(sequence);
    store.owner.apply(applied);
    await applied;
    // In one go, with nothing awaited: pages and root are published where `commitSync` begins.
    for (const page of walked.pages) carryLeaves(page, ops);
    store.rootLeaf = walked.rootLeaf;
    history.note(header, lsn - ownRecords);
    const synced = pages.commitSync(staged, lsn);
    published();
    await synced;
  } catch (error) {
    throw store.fail(error);
  } finally {
    published();
  }
  if (commitChannel.hasSubscribers)
    commitChannel.publish({
      directory: store.directory.path,
      sequence,
      lsn,
      keys: ops.length,
      pages: walked.pages.length + walked.clears.length,
      undone: header.undone,
    });
}

/** The trie's own records of a commit. */
async function recordsOf(store: Store, { ops, values }: PackedChanges, header: CommitHeader): Promise<LogInput[]> {
  const { recordBytesMax } = store.pages.journal.limits;
  const records = [encodeCommit(header), ...encodeEntries(RECORD_VALUES, ops.bytes, values, recordBytesMax)];
  if (!header.undoable) return records;
  const before = await readCommitted(
    store,
    values.map((_, op) => ops.key(op)),
  );
  return [...records, ...encodeEntries(RECORD_PRIOR, ops.bytes, before, recordBytesMax)];
}

function fill(batch: ValuesBatch, { ops, values }: PackedChanges): ValuesBatch {
  for (let op = 0; op < ops.length; op++) {
    const value = values[op];
    if (value === undefined) batch.delete(ops.bytes, op * LEAF_BYTES);
    else batch.put(ops.bytes, op * LEAF_BYTES, value);
  }
  return batch;
}
