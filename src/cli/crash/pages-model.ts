/**
 * What a page store may hold after a crash, folded from the events before it.
 *
 * A legal store is what some beginning of the commits comes to, with every acknowledged one in it, wholly: sequence, root, every page, and what the owner
 * of the commits' other records made of them. There is one page for each bucket that is full, so none leaks.
 */
import { crc32c } from "../../checksum/index.js";

/** A page as it changes: its number, and its content as {@link contentText}; `undefined` where it goes. */
export type PageChange = readonly [page: number, content: string | undefined];

/** What workloads and recoveries note. */
export type PagesEvent =
  | {
      readonly kind: "issued";
      readonly sequence: number;
      readonly root: string;
      readonly changes: readonly PageChange[];
    }
  /** This commit, and with it all before, was acknowledged, and is durable. */
  | { readonly kind: "acked"; readonly sequence: number }
  /** A recovery finished and showed exactly this. */
  | { readonly kind: "opened"; readonly view: string };

/** Bytes as one word. */
export function contentText(bytes: Uint8Array): string {
  return crc32c(bytes).toString(36);
}

/** Equal for equal stores. */
export function viewText(
  sequence: number,
  root: string,
  pages: Iterable<readonly [page: number, content: string]>,
): string {
  const texts = [...pages].toSorted(([a], [b]) => a - b).map(([page, content]) => `${page}=${content}`);
  return `commit ${sequence}, root ${root}: ${texts.join(" ")}`;
}

const NO_ROOT: string = contentText(new Uint8Array(32));

/** See the head of this file. */
export class PagesModel {
  #sequence = 0;
  #root = NO_ROOT;
  #pages: ReadonlyMap<number, string> = new Map();
  #issued: Extract<PagesEvent, { kind: "issued" }>[] = [];
  #acked = 0;
  /** An earlier recovery showed what it must not. */
  #wrong: string | undefined;

  constructor(events: readonly PagesEvent[]) {
    for (const event of events) {
      if (event.kind === "issued") this.#issued.push(event);
      else if (event.kind === "acked") this.#acked = event.sequence;
      else this.#wrong ??= this.#settle(event.view);
    }
  }

  /** Why a store can't be like this; `undefined` when it can. */
  refuse(view: string): string | undefined {
    return this.#wrong ?? this.#settle(view);
  }

  /** Goes on to the state that looks like `view`. */
  #settle(view: string): string | undefined {
    const issued = this.#issued;
    this.#issued = [];
    for (let count = 0; count <= issued.length; count++) {
      if (count > 0) {
        const { sequence, root, changes } = issued[count - 1]!;
        const pages = new Map(this.#pages);
        for (const [page, content] of changes) {
          if (content === undefined) pages.delete(page);
          else pages.set(page, content);
        }
        this.#sequence = sequence;
        this.#root = root;
        this.#pages = pages;
      }
      if (viewText(this.#sequence, this.#root, this.#pages) !== view) continue;
      return this.#sequence >= this.#acked
        ? undefined
        : `it is at commit ${this.#sequence}, though ${this.#acked} was acknowledged`;
    }
    const all = viewText(this.#sequence, this.#root, this.#pages);
    return `it holds {${view}}, which no beginning of the commits comes to; all of them come to {${all}}`;
  }
}
