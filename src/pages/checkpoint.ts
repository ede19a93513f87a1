/**
 * Checkpoints: dirty pages go from memory to their buckets, so that the journal can be pruned and opening has less to redo.
 *
 * Crash argument, for a checkpoint of the state after commit n:
 * - Every page and every byte of the map that is written in place belongs to a commit that is durable in the journal: publishing comes after that. The
 *   books name an older commit until all of it is durable. So a crash leaves each page, and each byte of the map, as of some commit between the two, and
 *   opening redoes all commits after the older one. That sets every node that any of them changed, so it does not matter which of them is there.
 * - A page that is torn would lose nodes that no commit since then changed. Before a batch is written in place its images are durable in the
 *   double-write buffer, and it is synced before the buffer gets the next batch.
 * - The owner's own state is durable before the books move, because opening will not redo its records any more.
 * - The journal is pruned last, up to what the books and the owner do not need.
 *
 * Commits go on meanwhile. They never change a page that was published: they put another in its place, which stays dirty then.
 */
import type { Journal, ProtectedImage } from "../log/index.js";
import type { Books } from "./books.js";
import { structureChannel } from "./channels.js";
import type { PageStoreOwner } from "./owner.js";
import type { CachedPage } from "./page-cache.js";
import { PAGE_BYTES, type Page } from "./page.js";
import type { Store } from "./store.js";
import type { Table } from "./table.js";
import { metaOffset } from "./table-format.js";

/** Of every-commit checkpoints: the journal is pruned once there is so much to give back. */
const PRUNE_BYTES: number = 1 << 20;

/** A page, or a block of the map, that is to be written. */
type Block =
  | { readonly offset: number; readonly entry: CachedPage; readonly page: Page }
  | { readonly offset: number; readonly block: number };

/** Makes a checkpoint of the newest published commit. Any failure ends the store. */
export function checkpoint(store: Store): Promise<void> {
  return store.structure.take(() => store.poisoning(() => writeCheckpoint(store)));
}

/** Starts a checkpoint beside the commits where one is due. Waits only where too much would be dirty. */
export async function checkpointWhenDue(store: Store): Promise<void> {
  const { dirtyPagesMax, logBytesMax } = store.settings;
  const isPast = (times: number): boolean =>
    store.cache.dirtyPages >= dirtyPagesMax * times || store.logBytes >= logBytesMax * times;
  if (store.checkpointing === undefined && isPast(1)) {
    store.checkpointing = store.structure
      .take(() => writeCheckpoint(store))
      .catch((error: unknown) => void store.poison(error))
      .finally(() => {
        store.checkpointing = undefined;
      });
  }
  if (isPast(2)) {
    await store.checkpointing;
    store.checkSound();
  }
}

async function writeCheckpoint(store: Store): Promise<void> {
  store.checkSound();
  const { state, table, books } = store;
  if (state.sequence === books.checkpoint.sequence) return;
  const blocks = takeBlocks(store);
  const { stepsMax } = table;
  const bytesBefore = store.logBytes;

  await store.settings.owner?.sync();
  for (let first = 0; first < blocks.length; first += store.settings.writeBackPages)
    await writeInPlace(store, table, blocks.slice(first, first + store.settings.writeBackPages));
  // Crash before this: the older checkpoint, and all commits since are redone.
  await store.writeBooks({ stepsMax, checkpoint: state });

  store.logBytes -= bytesBefore;
  let pages = 0;
  for (const block of blocks) {
    if (!("page" in block)) continue;
    pages += 1;
    const { entry, page } = block;
    // Unless a later commit changed or cleared it.
    if (entry.page === page && store.cache.dirtyAt(entry.bucket) === entry) store.cache.markClean(entry);
  }
  store.cache.evict();
  store.counts.checkpoints += 1;
  store.counts.pagesWritten += pages;
  if (structureChannel.hasSubscribers) {
    const { path } = store.directory;
    structureChannel.publish({
      directory: path,
      change: "checkpoint",
      sequence: state.sequence,
      pages,
      capacity: table.capacity,
    });
  }
  if (!store.settings.everyCommit || store.unprunedBytes >= PRUNE_BYTES) {
    store.unprunedBytes = 0;
    await pruneJournal(store.journal, store.books, store.settings.owner);
  }
}

/** What is dirty now, in the order of the file. */
function takeBlocks({ cache, table }: Store): readonly Block[] {
  const blocks: Block[] = [];
  for (const entry of cache.dirty()) blocks.push({ offset: table.offsetOf(entry.bucket), entry, page: entry.page });
  for (const block of table.dirtyBlocks) blocks.push({ offset: metaOffset(block), block });
  table.dirtyBlocks = new Set();
  return blocks.sort((a, b) => a.offset - b.offset);
}

/** Writes one batch, so that no crash tears any of it, and makes it durable. */
async function writeInPlace(store: Store, table: Table, blocks: readonly Block[]): Promise<void> {
  const bytes = new Uint8Array(blocks.length * PAGE_BYTES);
  const images = blocks.map((block, index): ProtectedImage => {
    const at = index * PAGE_BYTES;
    if ("page" in block) table.copyPage(block.page, bucketOf(table, block.offset), bytes, at);
    // As it is now, which may be newer than the checkpoint.
    else table.copyBlock(block.block, bytes, at);
    return { target: table.header.salt, offset: block.offset, image: bytes.subarray(at, at + PAGE_BYTES) };
  });
  // Crash during this: the buffer's batch is torn, and nothing of it is in place yet.
  await store.buffer?.protect(images);
  // Crash from here on: opening puts the images in place again.
  await Promise.all(
    runsOf(blocks).map(({ first, end }) =>
      table.write(bytes.subarray(first * PAGE_BYTES, end * PAGE_BYTES), blocks[first]!.offset),
    ),
  );
  // Before the buffer gets the next batch, and before the books say that it is there.
  await table.sync();
}

/** Blocks that follow each other in the file, as one write each: a table that is half dirty has half as many runs as blocks. */
function runsOf(blocks: readonly Block[]): { readonly first: number; readonly end: number }[] {
  const runs: { first: number; end: number }[] = [];
  for (let at = 0; at < blocks.length; at++) {
    const last = runs.at(-1);
    if (last !== undefined && blocks[at]!.offset === blocks[last.first]!.offset + (at - last.first) * PAGE_BYTES)
      last.end = at + 1;
    else runs.push({ first: at, end: at + 1 });
  }
  return runs;
}

function bucketOf(table: Table, offset: number): number {
  return (offset - table.offsetOf(0)) / PAGE_BYTES;
}

/** Drops the commits that neither the books nor the owner need. */
export async function pruneJournal(
  journal: Journal,
  { checkpoint: { lsn } }: Books,
  owner: PageStoreOwner | undefined,
): Promise<void> {
  const first = Math.min(lsn + 1, owner?.retainFrom() ?? Infinity);
  if (first > journal.firstLsn) await journal.truncateBefore(first);
}
