/**
 * Opening a store, or making one.
 *
 * Crash argument: the anchor is written last. Until then the directory holds nothing that counts: pages without a commit and an engine without values, and the next opening
 * takes the first and makes the second again. Where they hold more, the anchor was lost, and that is an error. What the anchor goes with is durable with its
 * names before.
 *
 * What is recovered, the page store decides: it redoes the commits since its checkpoint, and hands their values to the owner, which puts them into the
 * engine again (redo.ts). So the engine has to be open before the pages.
 */
import { Anchor, openAnchored } from "../anchor/index.js";
import {
  CorruptionError,
  FormatError,
  type Held,
  InvalidArgumentError,
  equalBytes,
  readU32,
  toHex,
} from "../base/index.js";
import type { EngineDatabase } from "../engine/index.js";
import type { Hasher } from "../hash/index.js";
import { PageStore } from "../pages/index.js";
import type { VfsLock } from "../vfs/index.js";
import { type Books, MERKLE_ANCHOR_KIND, decodeBooks, encodeBooks } from "./books.js";
import { openChannel } from "./channels.js";
import { History, readHistory } from "./history.js";
import { type MerkleSettings, checkStoredOptions, hasherOfNew } from "./options.js";
import type { MerkleRecovery } from "./recovery-report.js";
import { Owner, anchorMissing, checkHeard } from "./redo.js";
import { LEAF_ROWS, STATE_KEY, STORE_ID_BYTES, type ValuesState, encodeState, parseState } from "./row-format.js";
import { Store } from "./store.js";
import { StoreDirectory } from "./store-directory.js";
import { Values } from "./values.js";

/** What opening yields. */
export interface OpenedStore {
  readonly store: Store;
  readonly recovery: MerkleRecovery;
}

/** Opens the store in a directory, or makes one. After an error nothing is held, and nothing is lost. */
export async function openStore(path: string, settings: MerkleSettings): Promise<OpenedStore> {
  const { vfs, createIfMissing } = settings;
  const directory = new StoreDirectory(vfs, path);
  const opened = await openAnchored({
    vfs,
    path,
    lock: directory.lock,
    anchor: directory.anchor,
    createIfMissing,
    where: "MerkleStore.open",
    refuseForeign: () => refuseForeign(directory),
    recover: (lock, held) => openExisting(directory, settings, lock, held),
    create: (lock, held) => createStore(directory, settings, lock, held),
  });
  if (openChannel.hasSubscribers) openChannel.publish({ directory: path, recovery: opened.recovery });
  return opened;
}

async function openExisting(
  directory: StoreDirectory,
  settings: MerkleSettings,
  lock: VfsLock,
  held: Held,
): Promise<OpenedStore> {
  const { vfs, engine } = settings;
  const anchor = await Anchor.open(directory.anchor, { vfs, kind: MERKLE_ANCHOR_KIND });
  held.add(() => anchor.close());
  const books = decodeBooks(directory.anchor, anchor.value);
  const hasher = checkStoredOptions(directory.path, settings, books);
  const database = await engine.open(directory.values);
  if (database === undefined) throw damaged(directory.values, "the database of values", "none");
  held.add(() => database.close());
  const state = await stateOf(directory, database, books);
  const values = await Values.of(database, books.storeId);
  const owner = new Owner(directory.path, values, hasher, state.sequence);
  const pages = await openPages(directory, settings, owner, false);
  held.add(() => pages.close());
  await owner.flush();
  if (owner.redone === 0) checkHeard(values, state.sequence, pages.sequence);
  checkReached(directory, state, pages);
  const history = await readHistory(directory.path, pages.journal, settings.undoableCommits);
  owner.retain(() => history.retainFrom());
  const store = storeOf(directory, settings, { lock, anchor, hasher, pages, values, owner, history, books });
  return { store, recovery: { sequence: pages.sequence, redone: owner.redone, created: false } };
}

async function createStore(
  directory: StoreDirectory,
  settings: MerkleSettings,
  lock: VfsLock,
  held: Held,
): Promise<OpenedStore> {
  const { vfs, engine } = settings;
  const hasher = hasherOfNew(settings);
  const owner = new Owner(directory.path, undefined, hasher, 0);
  await refuseValues(directory);
  const pages = await openPages(directory, settings, owner, true);
  held.add(() => pages.close());
  if (pages.sequence > 0) throw anchorMissing(directory.path, `pages of ${pages.sequence} commits`);
  await removeValues(directory, settings);
  const books: Books = { storeId: vfs.randomBytes(STORE_ID_BYTES), engine: engine.name, hasher: hasher.name };
  const database = await engine.create(directory.values);
  held.add(() => database.close());
  const first = database.batch();
  first.put(STATE_KEY, encodeState({ storeId: books.storeId, sequence: 0 }));
  await first.write({ sync: true });
  const values = new Values(database, books.storeId, false);
  owner.attach(values);
  await vfs.syncDirectory(directory.path);
  // Even where the directory was there already: an earlier opening may have been killed between making it and making its name durable.
  await vfs.syncDirectory(vfs.parent(directory.path));
  const anchor = await Anchor.create(directory.anchor, encodeBooks(books), { vfs, kind: MERKLE_ANCHOR_KIND });
  held.add(() => anchor.close());
  const history = new History(settings.undoableCommits);
  owner.retain(() => history.retainFrom());
  const store = storeOf(directory, settings, { lock, anchor, hasher, pages, values, owner, history, books });
  return { store, recovery: { sequence: 0, redone: 0, created: true } };
}

interface Opened {
  readonly lock: VfsLock;
  readonly anchor: Anchor;
  readonly hasher: Hasher;
  readonly pages: PageStore;
  readonly values: Values;
  readonly owner: Owner;
  readonly history: History;
  readonly books: Books;
}

function storeOf(directory: StoreDirectory, settings: MerkleSettings, { books, ...opened }: Opened): Store {
  return new Store({ directory, settings, ...opened, seed: readU32(books.storeId, 0) });
}

async function openPages(
  { pages: path }: StoreDirectory,
  { vfs, journal, log, pages }: MerkleSettings,
  owner: Owner,
  createIfMissing: boolean,
): Promise<PageStore> {
  try {
    return await PageStore.open(path, {
      ...pages,
      vfs,
      createIfMissing,
      owner,
      ...(journal === undefined ? {} : { journal }),
      ...(log === undefined ? {} : { log }),
    });
  } catch (error) {
    // Told as a store that is not there; but it belongs to one that is.
    if (error instanceof InvalidArgumentError && error.details["path"] === path)
      throw damaged(path, "the pages of the store", "none");
    throw error;
  }
}

/** What the engine says of itself, where it is this store's. */
async function stateOf(directory: StoreDirectory, database: EngineDatabase, books: Books): Promise<ValuesState> {
  const stored = await database.get(STATE_KEY);
  const state = stored === undefined ? undefined : parseState(stored);
  if (state === "newer") throw newer(directory.values);
  if (state === undefined)
    throw damaged(
      directory.values,
      "what the database says of itself",
      stored === undefined ? "nothing" : "other bytes",
    );
  if (equalBytes(state.storeId, books.storeId)) return state;
  throw new FormatError(
    "HF_FORMAT_FOREIGN",
    `${directory.values} holds the values of another store. Put the right ones there.`,
    { path: directory.values, expected: toHex(books.storeId), found: toHex(state.storeId) },
  );
}

/** The engine had heard of no commit that is not there. */
function checkReached(directory: StoreDirectory, { sequence }: ValuesState, pages: PageStore): void {
  if (sequence > pages.sequence)
    throw damaged(
      directory.path,
      `a journal that reaches commit ${sequence}, which the values have`,
      `one that ends at ${pages.sequence}`,
    );
}

/** An interrupted making makes pages first. An engine without them is no half of one. */
async function refuseValues({ vfs, path, pages, values }: StoreDirectory): Promise<void> {
  if ((await vfs.stat(pages)) !== undefined || (await vfs.stat(values)) === undefined) return;
  throw anchorMissing(path, "a database without pages");
}

/** Removes an engine that an interrupted making left. One with values is none. */
async function removeValues(directory: StoreDirectory, { vfs, engine }: MerkleSettings): Promise<void> {
  if ((await vfs.stat(directory.values)) === undefined) return;
  let database: EngineDatabase | undefined;
  try {
    database = await engine.open(directory.values);
  } catch (error) {
    // What is half made may be any bytes.
    if (!(error instanceof CorruptionError)) throw error;
  }
  if (database !== undefined) {
    try {
      for await (const rows of database.iterate({ ...LEAF_ROWS, limit: 1 }))
        if (rows.length > 0) throw anchorMissing(directory.path, "a database with values");
    } finally {
      await database.close();
    }
  }
  await engine.remove(directory.values);
}

/** A directory without an anchor is new, or it is something else, which must not be taken for new. */
async function refuseForeign(directory: StoreDirectory): Promise<void> {
  const foreign = await directory.foreign();
  if (foreign.length === 0) return;
  const { path } = directory;
  throw new FormatError(
    "HF_FORMAT_UNKNOWN",
    `${path} holds ${foreign.join(", ")}, and is no store of this kind. Choose an empty directory.`,
    { path, found: foreign.join(", ") },
  );
}

function newer(path: string): FormatError {
  return new FormatError("HF_FORMAT_NEWER", `${path} was written by a newer build. Use that.`, { path });
}

function damaged(path: string, expected: string, found: string): CorruptionError {
  return new CorruptionError({ path, expected, found });
}
