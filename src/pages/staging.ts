/**
 * The first step of a commit, without the waiting: which buckets its pages get, and its records. All of it is on the side: the store is only read, and
 * a failure at any point leaves nothing behind.
 */
import { ConflictError, type InvalidArgumentError, invalid, writeU64 } from "../base/index.js";
import type { LogInput } from "../log/index.js";
import { tableFull } from "./errors.js";
import { findEntry } from "./load.js";
import { StagedMeta, TOMBSTONE } from "./meta-map.js";
import { isPageId } from "./options.js";
import type { CachedPage } from "./page-cache.js";
import { PageDiff } from "./page-diff.js";
import { type PageId, describePageId } from "./page-id.js";
import { Page, SEQUENCE_AT } from "./page.js";
import { Way, freeBucket } from "./probe.js";
import type { Staged } from "./staged.js";
import type { PageChanges } from "./staged-sync.js";
import type { Store } from "./store.js";
import type { Table } from "./table.js";
import {
  type ClearRecord,
  type LoggedPage,
  ROOT_BYTES,
  UPDATE_RECORD,
  encodeClear,
  encodeEnd,
  encodeStart,
  encodeUpdateInto,
  isOwnType,
  updateBytes,
} from "./wal-format.js";

const WHERE = "PageStore.beginSync";

/** Refuses changes that no commit can have. Returns how many pages are fresh. */
export function checkChanges({ updates, clears, root, records }: PageChanges): number {
  if (!(root instanceof Uint8Array) || root.length !== ROOT_BYTES) throw invalid(WHERE, "root", root, "32 bytes");
  for (const record of records ?? []) {
    const type = record instanceof Uint8Array ? 0 : (record.type ?? 0);
    if (isOwnType(type))
      throw invalid(WHERE, "records", `a record of type ${type}`, "of types below 0xb0 or above 0xbf");
  }
  let fresh = 0;
  const ids = new Set<PageId>();
  const once = (id: PageId): void => {
    if (!isPageId(id)) throw invalid(WHERE, "clears", id, "ids of pages");
    if (ids.has(id)) throw twice(id);
    ids.add(id);
  };
  for (const id of clears) once(id);
  for (const update of updates) {
    if (!(update.page instanceof Page) || !(update.diff instanceof PageDiff))
      throw invalid(WHERE, "updates", update, "pages with their diffs");
    once(update.page.id);
    if (update.fresh) fresh += 1;
  }
  return fresh;
}

/** Chooses buckets, and writes the records. */
export async function stageChanges(store: Store, changes: PageChanges): Promise<Staged> {
  const { table, cache, books } = store;
  const sequence = store.state.sequence + 1;
  const meta = new StagedMeta(table.meta);
  let { stepsMax } = table;

  const clears: ClearRecord[] = [];
  for (const id of changes.clears) {
    const { bucket } = cache.get(id) ?? (await known(store, id));
    meta.set(bucket, TOMBSTONE);
    clears.push({ id, bucket });
  }
  const updates: LoggedPage[] = [];
  for (const { page, diff, fresh } of changes.updates) {
    const { id } = page;
    if (fresh) {
      const { low, byte } = table.hash.of(id);
      if (mayHave(table, low, byte) && (await findEntry(store, id)) !== undefined) throw exists(store, id);
      const free = freeBucket(meta, low);
      if (free === undefined) throw tableFull(store.directory.path, table.capacity);
      meta.set(free.bucket, byte);
      stepsMax = Math.max(stepsMax, free.steps);
      updates.push({ page, bucket: free.bucket, fresh, diff: PageDiff.ofNonZero(page) });
    } else {
      const { bucket } = cache.get(id) ?? (await known(store, id));
      updates.push({ page, bucket, fresh, diff });
    }
    writeU64(page.bytes, SEQUENCE_AT, sequence);
  }

  const root = changes.root.slice();
  const others = changes.records ?? [];
  const start = encodeStart({
    storeId: books.storeId,
    table: table.number,
    sequence,
    previousRoot: store.state.root,
    root,
    clears: clears.length,
    updates: updates.length,
    others: others.length,
  });
  const records: LogInput[] = [start];
  for (const { id, bucket } of clears) records.push(encodeClear(id, bucket));
  appendUpdates(updates, records);
  for (const record of others) records.push(record);
  records.push(encodeEnd(sequence, records.length + 1));
  return { sequence, root, records, updates, clears, meta, stepsMax, bytes: bytesOf(records) };
}

/** All payloads in one piece of memory. */
function appendUpdates(updates: readonly LoggedPage[], records: LogInput[]): void {
  let bytes = 0;
  for (const { diff } of updates) bytes += updateBytes(diff);
  const slab = new Uint8Array(bytes);
  const words = new Int32Array(slab.buffer);
  let at = 0;
  for (const update of updates) {
    const end = encodeUpdateInto(update, slab, words, at);
    records.push({ type: UPDATE_RECORD, payload: slab.subarray(at, end) });
    at = end;
  }
}

function bytesOf(records: readonly LogInput[]): number {
  let bytes = 0;
  for (const record of records) bytes += record instanceof Uint8Array ? record.length : record.payload.length;
  return bytes;
}

/** Whether the map says that a page with this hash may be in the table. */
function mayHave({ meta, capacity }: Table, low: number, byte: number): boolean {
  return new Way(low, capacity).seek(meta, byte);
}

async function known(store: Store, id: PageId): Promise<CachedPage> {
  const entry = await findEntry(store, id);
  if (entry !== undefined) return entry;
  const { path } = store.directory;
  throw new ConflictError(
    "HF_PAGE_ABSENT",
    `${path} has no page ${describePageId(id)} that could be changed or cleared. A page that is new must be marked as fresh.`,
    { path, page: describePageId(id) },
  );
}

function exists({ directory: { path } }: Store, id: PageId): ConflictError {
  return new ConflictError(
    "HF_PAGE_EXISTS",
    `${path} has a page ${describePageId(id)} already, so it can't be fresh. Load it, and change a copy.`,
    { path, page: describePageId(id) },
  );
}

function twice(id: PageId): InvalidArgumentError {
  return invalid(WHERE, "updates", `page ${describePageId(id)} twice`, "different pages");
}
