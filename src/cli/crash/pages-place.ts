/** Where the suites about page stores keep theirs, how it is opened with an owner, and how all of it is read. */
import { Anchor } from "../../anchor/index.js";
import { Held, readU32, readU64, writeU32, writeU64 } from "../../base/index.js";
import type { LogRecord } from "../../log/index.js";
import {
  type Page,
  type PageId,
  PageStore,
  type PageStoreOptions,
  type PageStoreOwner,
  type RedoneCommit,
  childPageId,
} from "../../pages/index.js";
import type { SimVfs } from "../../vfs/index.js";
import { type JournalPlan, type OpenStore, openOnJournal } from "./journal-place.js";
import { contentText, viewText } from "./pages-model.js";

export const PAGES_PATH = "/data/pages";

/** On which journal, and how large everything is. */
export interface PagesPlan extends JournalPlan {
  /** Pages that there may be. */
  readonly ids: number;
  readonly options: Pick<PageStoreOptions, "capacity" | "loadMax" | "checkpoint" | "torn" | "writeBackPages" | "cache">;
  /** Commits whose records the owner keeps. */
  readonly keep: number;
}

/** The id with this number: the root page, its children, and theirs. */
export function pageIdOf(number: number): PageId {
  if (number === 0) return "";
  const child = childPageId("", (number * 7) & 63);
  return number % 2 === 0 ? child : childPageId(child, (number * 13) & 63);
}

/** Type of the owner's records. */
export const OWNER_RECORD = 0x11;

/** The owner's record in a commit: the commit's sequence. */
export function ownerRecord(sequence: number): { readonly type: number; readonly payload: Uint8Array } {
  const payload = new Uint8Array(8);
  writeU64(payload, 0, sequence);
  return { type: OWNER_RECORD, payload };
}

/**
 * An owner that counts: it knows the newest commit that it has applied, durable only once it was synced, and where in the journal the newest
 * few commits have their records.
 */
export class CountingOwner implements PageStoreOwner {
  readonly #anchor: Anchor;
  readonly #keep: number;
  /** The newest commit that was applied. */
  applied: number;
  /** Newest last. */
  kept: readonly { readonly sequence: number; readonly lsn: number }[];
  /** What was redone last, for order. */
  #redone = 0;

  private constructor(anchor: Anchor, keep: number) {
    this.#anchor = anchor;
    this.#keep = keep;
    const value = anchor.value;
    this.applied = value.length === 0 ? 0 : readU64(value, 0);
    this.kept = Array.from({ length: value.length === 0 ? 0 : readU32(value, 8) }, (_, at) => ({
      sequence: readU64(value, 12 + at * 16),
      lsn: readU64(value, 20 + at * 16),
    }));
  }

  static async open(vfs: SimVfs, keep: number): Promise<CountingOwner> {
    const options = { vfs, slotBytes: 512, mode: "alternate", olderIsSafe: true } as const;
    return new CountingOwner(await Anchor.openOrCreate("/data/owner", new Uint8Array(0), options), keep);
  }

  redo(record: LogRecord, { sequence }: RedoneCommit): void {
    if (record.type !== OWNER_RECORD || readU64(record.payload, 0) !== sequence)
      throw new Error(`a record of commit ${sequence} is redone as another`);
    if (this.#redone !== 0 && sequence !== this.#redone + 1)
      throw new Error(`commit ${sequence} is redone after ${this.#redone}`);
    this.#redone = sequence;
    // Only what is redone or durable counts: a gap means that the checkpoint moved past what was synced.
    if (sequence > this.applied + 1) throw new Error(`commit ${sequence} is redone onto ${this.applied}`);
    this.apply(sequence, record.lsn);
  }

  /** A commit is durable: `lsn` is that of the owner's record. */
  apply(sequence: number, lsn: number): void {
    if (sequence <= this.applied) return;
    this.applied = sequence;
    this.kept = [...this.kept, { sequence, lsn }].slice(this.#keep === 0 ? Infinity : -this.#keep);
  }

  async sync(): Promise<void> {
    const { applied, kept } = this;
    const value = new Uint8Array(12 + kept.length * 16);
    writeU64(value, 0, applied);
    writeU32(value, 8, kept.length);
    for (const [at, { sequence, lsn }] of kept.entries()) {
      writeU64(value, 12 + at * 16, sequence);
      writeU64(value, 20 + at * 16, lsn);
    }
    await this.#anchor.write(value);
  }

  retainFrom(): number | undefined {
    return this.kept[0]?.lsn;
  }

  async close(): Promise<void> {
    await this.#anchor.close();
  }
}

/** A store that is open, with its owner. */
export interface OpenPages extends OpenStore<PageStore> {
  readonly owner: CountingOwner;
}

/** Opens it, or makes it. */
export async function openPages(vfs: SimVfs, plan: PagesPlan): Promise<OpenPages> {
  const held = new Held();
  const owner = await CountingOwner.open(vfs, plan.keep);
  held.add(() => owner.close());
  const place = { stream: "pages", checkpointBytes: 65_536 };
  const options = { vfs, owner, ...plan.options };
  const open = await openOnJournal(
    vfs,
    plan,
    place,
    (journal) => PageStore.open(PAGES_PATH, { ...options, ...journal }),
    held,
  );
  return { ...open, owner };
}

/** The content of a page as one word: all but its checksum, which is written when the page goes to its bucket. */
export function pageText({ bytes }: Page): string {
  const content = bytes.slice();
  content.fill(0, 4032, 4036);
  return contentText(content);
}

/** Reads all of an open store, and holds what it says of itself against that. */
export async function readPages({ store, owner }: OpenPages, plan: PagesPlan): Promise<string> {
  const pages: [number, string][] = [];
  for (let number = 0; number < plan.ids; number++) {
    const id = pageIdOf(number);
    const page = await store.load(id);
    if (page === undefined) continue;
    if (page.id !== id) throw new Error(`page ${number} is there under another's id`);
    pages.push([number, pageText(page)]);
  }
  const { pages: full, sequence } = store.stats();
  if (full !== pages.length) throw new Error(`${full} buckets are full, of ${pages.length} pages`);
  if (sequence !== store.sequence) throw new Error("the store tells two sequences");
  if (owner.applied !== sequence) throw new Error(`the owner is at commit ${owner.applied}, the pages at ${sequence}`);
  for (const kept of owner.kept) {
    const record = await store.journal.get(kept.lsn);
    if (record === undefined || record.type !== OWNER_RECORD || readU64(record.payload, 0) !== kept.sequence)
      throw new Error(`the journal has lost what the owner keeps of commit ${kept.sequence}`);
  }
  return viewText(sequence, contentText(store.root), pages);
}

/** Holds the table file against the pages, and the directory against the books. */
export async function checkTable(vfs: SimVfs, { store }: OpenPages): Promise<void> {
  const { sound, problems, pages } = await store.verify();
  if (!sound) throw new Error(`verify found ${JSON.stringify(problems)}`);
  const { pages: full, growing } = store.stats();
  if (pages !== full) throw new Error(`verify counts ${pages} pages, not ${full}`);
  const tables = (await vfs.list(PAGES_PATH)).filter((name) => name.startsWith("table-"));
  if (tables.length > (growing ? 2 : 1)) throw new Error(`there are ${tables.length} tables: ${tables.join(", ")}`);
}
