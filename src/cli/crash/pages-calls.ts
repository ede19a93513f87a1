/** The calls that workloads on a page store are made of, and how each is made and noted. */
import { SeededRandom } from "../../base/index.js";
import { Page, PageDiff, type PageUpdate, type StagedSync } from "../../pages/index.js";
import type { SimVfs } from "../../vfs/index.js";
import { pick } from "./log-calls.js";
import { type PageChange, type PagesEvent, contentText } from "./pages-model.js";
import { type OpenPages, type PagesPlan, openPages, ownerRecord, pageIdOf, pageText } from "./pages-place.js";

/** What becomes of one page: it comes, or some nodes of it change; it loses one half and gets another; or it goes. */
export type PageCall = readonly [page: number, how: "nodes" | "halves" | "clear"];

/** One call, or several at once. */
export type PagesCall =
  | { readonly call: "commit"; readonly pages: readonly PageCall[] }
  /** Begins a commit, and gives it up. */
  | { readonly call: "drop"; readonly pages: readonly PageCall[] }
  | { readonly call: "checkpoint" | "reopen" | "read" }
  /** A checkpoint, reads and commits beside each other. */
  | { readonly call: "together"; readonly commits: readonly (readonly PageCall[])[] };

/** A commit that was made up. */
interface MadeCommit {
  readonly updates: readonly PageUpdate[];
  readonly clears: readonly string[];
  readonly changes: readonly PageChange[];
}

/** Makes calls on a store and notes them. */
export class PagesCaller {
  readonly #vfs: SimVfs;
  readonly #plan: PagesPlan;
  readonly #note: (event: PagesEvent) => void;
  readonly #pages = new Map<number, Page>();
  #open: OpenPages;
  /** Commits and given-up ones so far. */
  #made = 0;

  private constructor(vfs: SimVfs, plan: PagesPlan, note: (event: PagesEvent) => void, open: OpenPages) {
    this.#vfs = vfs;
    this.#plan = plan;
    this.#note = note;
    this.#open = open;
  }

  /** Makes the store. */
  static async open(vfs: SimVfs, plan: PagesPlan, note: (event: PagesEvent) => void): Promise<PagesCaller> {
    return new PagesCaller(vfs, plan, note, await openPages(vfs, plan));
  }

  /** Goes on with a recovered one. */
  static async resume(
    vfs: SimVfs,
    plan: PagesPlan,
    note: (event: PagesEvent) => void,
    open: OpenPages,
  ): Promise<PagesCaller> {
    const caller = new PagesCaller(vfs, plan, note, open);
    caller.#made = 1000 + open.store.sequence;
    for (let number = 0; number < plan.ids; number++) {
      const page = await open.store.load(pageIdOf(number));
      if (page !== undefined) caller.#pages.set(number, page);
    }
    return caller;
  }

  get open(): OpenPages {
    return this.#open;
  }

  async make(call: PagesCall): Promise<void> {
    const { store } = this.#open;
    switch (call.call) {
      case "commit":
        await this.#commit(call.pages);
        return;
      case "drop": {
        const { updates, clears } = this.#makeUp(call.pages);
        await store.beginSync({ updates, clears, root: new Uint8Array(32).fill(this.#made) });
        return;
      }
      case "checkpoint":
        await store.checkpoint();
        return;
      case "read":
        await this.#read();
        return;
      case "reopen":
        await this.#open.close();
        this.#open = await openPages(this.#vfs, this.#plan);
        return;
      case "together": {
        const commits = (async () => {
          for (const pages of call.commits) await this.#commit(pages);
        })();
        await Promise.all([commits, store.checkpoint(), this.#look()]);
      }
    }
  }

  async close(): Promise<void> {
    await this.#open.close();
  }

  /** Lets go of everything after a failure. */
  async abandon(): Promise<void> {
    await this.#open.close().catch(() => undefined);
  }

  /** The three steps, with the owner's part where a real owner has it. */
  async #commit(calls: readonly PageCall[]): Promise<void> {
    const { store, owner } = this.#open;
    const { updates, clears, changes } = this.#makeUp(calls);
    const root = new Uint8Array(32).fill(this.#made);
    const sequence = store.sequence + 1;
    const records = [ownerRecord(sequence)];
    const staged: StagedSync = await store.beginSync({ updates, clears, root, records });
    for (const { page } of updates) this.#pages.set(numberOf(this.#plan, page), page);
    for (const [number, content] of changes) if (content === undefined) this.#pages.delete(number);
    const texts = changes.map(([number, content]): PageChange => [
      number,
      content === undefined ? undefined : pageText(this.#pages.get(number)!),
    ]);
    this.#note({ kind: "issued", sequence, root: contentText(root), changes: texts });
    const lsn = await store.writeWal(staged);
    owner.apply(sequence, lsn - 1);
    await store.commitSync(staged, lsn);
    this.#note({ kind: "acked", sequence });
  }

  #makeUp(calls: readonly PageCall[]): MadeCommit {
    this.#made += 1;
    const random = new SeededRandom(this.#made).fork("pages");
    const updates: PageUpdate[] = [];
    const clears: string[] = [];
    const changes: PageChange[] = [];
    const done = new Set<number>();
    for (const [number, how] of calls) {
      if (done.has(number)) continue;
      done.add(number);
      const before = this.#pages.get(number);
      if (how === "clear") {
        if (before === undefined) continue;
        clears.push(pageIdOf(number));
        changes.push([number, undefined]);
        continue;
      }
      const page = before?.copy() ?? Page.empty(pageIdOf(number));
      const diff = new PageDiff();
      if (how === "halves") swapHalves(page, diff, random);
      for (let count = 1 + random.below(3); count > 0; count--) setNode(page, diff, random.below(126), random);
      page.leafCount = random.below(1000);
      page.setElided(random.below(64), random.chance(0.5));
      // Of a fresh page the diff does not matter.
      updates.push({ page, diff: before === undefined ? new PageDiff() : diff, fresh: before === undefined });
      changes.push([number, ""]);
    }
    return { updates, clears, changes };
  }

  /** Looks at pages while others commit: each is as some commit left it. */
  async #look(): Promise<void> {
    for (let look = 0; look < 12; look++) {
      const id = pageIdOf(look % this.#plan.ids);
      const page = await this.#open.store.load(id);
      if (page !== undefined && page.id !== id) throw new Error("a page was loaded under another's id");
      await this.#vfs.delay(0);
    }
  }

  /** Holds every page against what was committed. */
  async #read(): Promise<void> {
    for (let number = 0; number < this.#plan.ids; number++) {
      const page = await this.#open.store.load(pageIdOf(number));
      const expected = this.#pages.get(number);
      const isSame =
        page === undefined || expected === undefined ? page === expected : pageText(page) === pageText(expected);
      if (!isSame) throw new Error(`page ${number} is not what was committed`);
    }
  }
}

function numberOf({ ids }: PagesPlan, { id }: Page): number {
  for (let number = 0; number < ids; number++) if (pageIdOf(number) === id) return number;
  throw new Error("a page that the plan does not have");
}

function setNode(page: Page, diff: PageDiff, node: number, random: SeededRandom): void {
  page.bytes.set(random.chance(0.2) ? new Uint8Array(32) : random.bytes(32), node * 32);
  diff.add(node);
}

/** As a batch that takes all keys of one half away and puts some into the other: the walker marks the empty node first, then what it fills. */
function swapHalves(page: Page, diff: PageDiff, random: SeededRandom): void {
  const gone = page.words.subarray(0, 8).every((word) => word === 0) ? 1 : 0;
  page.bytes.fill(0, gone * 32, (gone + 1) * 32);
  diff.add(gone);
  page.bytes.set(random.bytes(32), (1 - gone) * 32);
  diff.add(1 - gone);
}

/** Changes of `count` pages at random. */
export function randomPages(random: SeededRandom, ids: number, count: number, clears = 0.25): PageCall[] {
  return Array.from({ length: count }, (): PageCall => {
    const how = random.chance(clears) ? "clear" : random.chance(0.3) ? "halves" : "nodes";
    return [random.below(ids), how];
  });
}

/** `count` calls at random. */
export function randomPagesCalls(random: SeededRandom, ids: number, count: number): PagesCall[] {
  const some = (): PageCall[] => randomPages(random, ids, 1 + random.below(4));
  const commit = (): PagesCall => ({ call: "commit", pages: some() });
  return [
    { call: "commit", pages: randomPages(random, ids, 2 + random.below(3), 0) },
    ...Array.from({ length: count }, () =>
      pick<() => PagesCall>(random, [
        commit,
        commit,
        commit,
        () => ({ call: "drop", pages: some() }),
        () => ({ call: "checkpoint" }),
        () => ({ call: random.chance(0.6) ? "reopen" : "read" }),
        () => ({ call: "together", commits: [some(), ...(random.chance(0.5) ? [some()] : [])] }),
      ])(),
    ),
  ];
}
