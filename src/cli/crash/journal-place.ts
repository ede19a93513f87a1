/** Where the suites about stores keep what a store commits to, and how store and journal are opened and closed together. */
import { Held } from "../../base/index.js";
import { type Journal, Log, type LogOptions } from "../../log/index.js";
import { SharedLog } from "../../streams/index.js";
import type { SimVfs } from "../../vfs/index.js";

/** On which journal a store stands. */
export interface JournalPlan {
  /** A log in the store's directory, a log of the caller's, or a stream of a shared one. */
  readonly journal: "own" | "log" | "stream";
  readonly log: Omit<LogOptions, "vfs" | "createIfMissing">;
}

/** What differs from store to store where the journal is a stream. */
export interface StreamPlan {
  readonly stream: string;
  readonly checkpointBytes: number;
}

/** A store's option: the log that it makes for itself, or the journal that it is given. */
export type JournalOption = { readonly log: JournalPlan["log"] } | { readonly journal: Journal };

/** A store that is open on its journal. */
export interface OpenStore<T> {
  readonly store: T;
  close(): Promise<void>;
}

/** Opens a store on its journal. Both close with what `held` holds already, which is let go of too when the opening fails. */
export async function openOnJournal<T extends { close(): Promise<void> }>(
  vfs: SimVfs,
  plan: JournalPlan,
  place: StreamPlan,
  open: (option: JournalOption) => Promise<T>,
  held: Held = new Held(),
): Promise<OpenStore<T>> {
  try {
    const store = await open(await openJournal(vfs, plan, place, held));
    held.add(() => store.close());
    return { store, close: () => letGo(held) };
  } catch (error) {
    await held.release();
    throw error;
  }
}

/** Does something with a closed store; its journal is open meanwhile, where it is the caller's. */
export async function withJournal(
  vfs: SimVfs,
  plan: JournalPlan,
  place: StreamPlan,
  act: (option: JournalOption) => Promise<void>,
): Promise<void> {
  const held = new Held();
  try {
    await act(await openJournal(vfs, plan, place, held));
  } catch (error) {
    await held.release();
    throw error;
  }
  await letGo(held);
}

async function openJournal(
  vfs: SimVfs,
  { journal: kind, log }: JournalPlan,
  { stream, checkpointBytes }: StreamPlan,
  held: Held,
): Promise<JournalOption> {
  if (kind === "own") return { log };
  if (kind === "log") {
    const journal = await Log.open("/data/log", { ...log, vfs });
    held.add(() => journal.close());
    return { journal };
  }
  const shared = await SharedLog.open("/data/log", { ...log, vfs, checkpointBytes });
  held.add(() => shared.close());
  return { journal: await shared.stream(stream) };
}

async function letGo(held: Held): Promise<void> {
  const [failure] = await held.release();
  if (failure !== undefined) throw failure;
}
