import { type Page, PageDiff } from "../pages/index.js";
import { NODE_WORDS } from "../proof/index.js";
import { SLOTS } from "./page-shape.js";
import { SlotLeaves, leavesOf } from "./slot-leaves.js";

/** A page that a walk changed or made. */
export interface WalkedPage {
  /** As it becomes. */
  readonly page: Page;
  /** As it was; `undefined` for one that is new. */
  readonly before: Page | undefined;
  /** Which nodes changed; of a new page, which are not zeros. */
  readonly diff: PageDiff;
  /** The ops that met it: `[from, to)`. */
  readonly from: number;
  readonly to: number;
  /** Slots whose page went, with the leaves that it had. */
  readonly adopted: readonly AdoptedSlot[];
}

/** The leaves of a slot whose page went: `count` of them, packed. */
export interface AdoptedSlot {
  readonly slot: number;
  readonly leaves: Int32Array;
  readonly count: number;
}

/** A page on its way from one state to the next. The old one is left as it is: the first change makes a copy. */
export class PageEdit {
  readonly before: Page | undefined;
  readonly from: number;
  readonly to: number;
  readonly diff: PageDiff = new PageDiff();
  /** What is known of the leaves of the page as it was; of a new page, all of them. */
  readonly leaves: SlotLeaves | undefined;
  readonly adopted: AdoptedSlot[] = [];
  /** How many leaves come or go below the page. */
  leafDelta = 0;
  #page: Page;
  #isCopied: boolean;

  constructor(page: Page, isNew: boolean, from: number, to: number) {
    this.before = isNew ? undefined : page;
    this.#page = page;
    this.#isCopied = isNew;
    this.from = from;
    this.to = to;
    if (isNew) {
      const leaves = new SlotLeaves(Math.min(to - from, SLOTS));
      page.companion = leaves;
      this.leaves = leaves;
    } else this.leaves = leavesOf(page);
  }

  get page(): Page {
    return this.#page;
  }

  /** The words of the page as it is by now. Another array after the first change. */
  get words(): Int32Array {
    return this.#page.words;
  }

  /** The page, to be changed. */
  change(): Page {
    if (!this.#isCopied) {
      this.#page = this.#page.copy();
      this.#isCopied = true;
    }
    return this.#page;
  }

  /** The words of the page, where node `node` is about to be written. */
  changeNode(node: number): Int32Array {
    this.diff.add(node);
    return this.change().words;
  }

  /** Writes a terminator. */
  clearNode(node: number): void {
    const at = node * NODE_WORDS;
    this.changeNode(node).fill(0, at, at + NODE_WORDS);
  }

  setElided(slot: number, elided: boolean): void {
    if (this.#page.isElided(slot) !== elided) this.change().setElided(slot, elided);
  }

  /** What came of it. */
  done(): WalkedPage {
    const { page, before, diff, from, to, adopted } = this;
    return { page, before, diff, from, to, adopted };
  }
}
