/** Proofs of the committed state. What they lack is loaded, and they go on where they were, or begin anew where a commit came in between. */
import { assert, equalBytes } from "../base/index.js";
import type { Page, PageId } from "../pages/index.js";
import { type MultiProof, type PathProof, multiProofOf } from "../proof/index.js";
import { type ProofNeed, attemptCheck, attemptProof } from "./prover.js";
import { damagedLeaves } from "./seeker.js";
import type { Store } from "./store.js";
import { LeavesDiffer } from "./trie-reads.js";

/** Loads on their way at a time. */
const LOADS_MAX = 64;
/** So many times proofs begin anew because of a commit, before they take a turn among the commits. */
const RESTARTS_MAX = 8;

/** The proof of one key at the newest commit. */
export async function proveKey(store: Store, key: Uint8Array): Promise<PathProof> {
  const attempt = attemptProof(store.hasher, store.trie(), (id) => store.pages.peek(id), key);
  if (attempt.kind === "proof") return attempt.proof;
  const [proof] = await besideCommits(store, [key]);
  return proof!;
}

/** One proof for many keys, all at the newest commit. */
export async function proveKeys(store: Store, keys: readonly Uint8Array[]): Promise<MultiProof> {
  return multiProofOf(await besideCommits(store, keys));
}

/** As {@link proveKeys}, for who has the turn, so that nothing is being committed. */
export async function proveCommitted(store: Store, keys: readonly Uint8Array[]): Promise<MultiProof> {
  const proofs = await new Proving(store, keys).run();
  return multiProofOf(proofs!);
}

/**
 * Whether the trie has these keys with these value hashes, and does not have those with `undefined`, at the commit with this sequence. Returns the first
 * key of which that is not so, and `"moved"` where another commit came in between. Pages are loaded for absent keys only.
 */
export async function findDifference(
  store: Store,
  sequence: number,
  states: readonly { readonly key: Uint8Array; readonly valueHash: Uint8Array | undefined }[],
): Promise<Uint8Array | "moved" | undefined> {
  const absent: Uint8Array[] = [];
  const trie = store.trie();
  const peek = (id: PageId): Page | undefined => store.pages.peek(id);
  for (const { key, valueHash } of states) {
    const outcome = attemptCheck(trie, peek, key, valueHash);
    if (outcome === false) return key;
    // A value has been checked against the hash in its row; only that there is none has to be believed to somebody.
    if (outcome !== true && valueHash === undefined) absent.push(key);
  }
  if (absent.length === 0) return undefined;
  const proofs = await new Proving(store, absent).run();
  if (proofs === undefined || store.pages.sequence !== sequence) return "moved";
  return absent.find((key, at) => {
    const { terminal } = proofs[at]!;
    return terminal.kind === "leaf" && equalBytes(terminal.key, key);
  });
}

async function besideCommits(store: Store, keys: readonly Uint8Array[]): Promise<PathProof[]> {
  for (let restart = 0; restart < RESTARTS_MAX; restart++) {
    const proofs = await new Proving(store, keys).run();
    if (proofs !== undefined) return proofs;
  }
  return await store.turns.take(async () => (await new Proving(store, keys).run())!);
}

/** Proofs of several keys at one commit. */
class Proving {
  readonly #store: Store;
  readonly #keys: readonly Uint8Array[];
  /** Pages that something was loaded for, in case the cache lets go of them again. They are those of one commit. */
  readonly #pages = new Map<PageId, Page>();
  readonly #loaded = new Set<string>();

  constructor(store: Store, keys: readonly Uint8Array[]) {
    this.#store = store;
    this.#keys = keys;
  }

  /** The proofs; `undefined` where a commit came in between. */
  async run(): Promise<PathProof[] | undefined> {
    const store = this.#store;
    const { sequence } = store.pages;
    const proofs: (PathProof | undefined)[] = [];
    let waiting = this.#keys.map((_, at) => at);
    for (;;) {
      const trie = store.trie();
      const needs = new Map<string, ProofNeed>();
      const later: number[] = [];
      for (const at of waiting) {
        const attempt =
          needs.size === LOADS_MAX ? undefined : attemptProof(store.hasher, trie, this.#peek, this.#keys[at]!);
        if (attempt?.kind === "proof") proofs[at] = attempt.proof;
        else {
          later.push(at);
          if (attempt !== undefined) needs.set(nameOf(attempt), attempt);
        }
      }
      if (needs.size === 0) return proofs as PathProof[];
      waiting = later;
      for (const name of needs.keys()) {
        assert(!this.#loaded.has(name), `${name} was loaded for a proof, and is missing still`);
        this.#loaded.add(name);
      }
      await this.#loadAll([...needs.values()]);
      store.checkUsable();
      if (store.pages.sequence !== sequence) return undefined;
    }
  }

  readonly #peek = (id: PageId): Page | undefined => this.#pages.get(id) ?? this.#store.pages.peek(id);

  async #loadAll(needs: readonly ProofNeed[]): Promise<void> {
    const store = this.#store;
    const { epoch, applying } = store;
    const outcomes = await Promise.allSettled(needs.map((need) => this.#load(need)));
    for (const outcome of outcomes) {
      if (outcome.status === "fulfilled") continue;
      const error: unknown = outcome.reason;
      if (!(error instanceof LeavesDiffer)) throw error;
      // The engine goes on to the next commit a little before the pages do.
      if (applying === undefined && store.epoch === epoch) throw damagedLeaves(store.directory.path, error);
      await store.applying?.done;
    }
  }

  async #load(need: ProofNeed): Promise<void> {
    const { reads, pages } = this.#store;
    if (need.kind === "page") this.#pages.set(need.id, await reads.page(need.id));
    else if (need.kind === "slots") {
      this.#pages.set(need.page.id, need.page);
      await reads.loadSlots(need.page, need.first, need.end);
    } else {
      const { sequence } = pages;
      const leaf = await reads.rootLeaf(this.#store.trie().root);
      if (pages.sequence === sequence) this.#store.rootLeaf = leaf;
    }
  }
}

function nameOf(need: ProofNeed): string {
  if (need.kind === "page") return `page ${need.id}`;
  return need.kind === "slots" ? `slots ${need.first} ${need.page.id}` : need.kind;
}
