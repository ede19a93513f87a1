/**
 * A directory with a log of its own for each journal, as folders beside each other.
 *
 * A further log, `registry`, holds the name of every journal. It is what makes a journal whose folder is gone an error by name instead of an empty
 * journal (R7), and its lock keeps a second opener out of all of them.
 *
 * Crash argument for a new journal: its log is made first, its name is appended to the registry next, and only then anybody may append to it.
 * - Crash before its log is whole: the folder has no anchor and nothing in it was acknowledged; the next one to ask makes the log.
 * - Crash before its name is in the registry: the log is sound and empty. Opening it puts the name there.
 */
import { CorruptionError, FormatError, type HoldfastError, StateError } from "../base/index.js";
import { Log, type LogOptions, type LogRecord } from "../log/index.js";
import type { Vfs } from "../vfs/index.js";
import { closeAll } from "./close-all.js";
import { folderOf, nameOf } from "./journal-name.js";
import type { LanePlace, PlaceListing, PlacedJournal } from "./place.js";

const REGISTRY = "registry";
/** Of a log: where there is one, the directory is a log's own. */
const LOCK = "lock";
/** Record type of a name in the registry. */
const NAME_TYPE = 1;
/** What a log that was never whole leaves in its folder. */
const UNFINISHED = new Set(["lock", "anchor.new"]);

/** What may be chosen for the logs under a path. An append to a lane is always durable. */
export type LaneLogOptions = Omit<LogOptions, "vfs" | "createIfMissing" | "durability" | "syncIntervalMs">;

/** Whether there are lanes in `path` that have a log each. */
export async function holdsLogPerLane(vfs: Vfs, path: string): Promise<boolean> {
  return (await vfs.stat(vfs.join(path, REGISTRY)))?.kind === "directory";
}

/** See the head of this file. */
export class DirectoryPlace implements LanePlace {
  readonly path: string;
  readonly #vfs: Vfs;
  readonly #options: LogOptions;
  readonly #registry: Log;
  readonly #registered: Set<string>;
  /** Files beside the journals that are no journals, and not foreign either. */
  readonly #others: ReadonlySet<string>;
  readonly #open = new Map<string, Log>();
  #closing: Promise<void> | undefined;

  private constructor(
    path: string,
    options: LogOptions & { readonly vfs: Vfs },
    registry: Log,
    registered: Set<string>,
    others: ReadonlySet<string>,
  ) {
    this.path = path;
    this.#vfs = options.vfs;
    this.#options = options;
    this.#registry = registry;
    this.#registered = registered;
    this.#others = others;
  }

  /** Opens the directory, or makes it. `others` are the names of files in it that someone else keeps there. Errors: see `Log.open`. */
  static async open(
    vfs: Vfs,
    path: string,
    log: LaneLogOptions | undefined,
    others: readonly string[] = [],
  ): Promise<DirectoryPlace> {
    if ((await vfs.stat(vfs.join(path, LOCK))) !== undefined && !(await holdsLogPerLane(vfs, path))) {
      throw new FormatError(
        "HF_FORMAT_UNKNOWN",
        `${path} holds a log, such as a shared one, and no folders of lanes. Open it without layout: "log-per-lane".`,
        { path },
      );
    }
    // Opening the registry makes the directory too, and those above it. A crash before it is whole leaves nothing that anybody was told of.
    const options = { ...log, vfs };
    const registry = await Log.open(vfs.join(path, REGISTRY), options);
    try {
      const registered = new Set<string>();
      for await (const record of registry.read()) registered.add(nameIn(registry.directory, record));
      return new DirectoryPlace(path, options, registry, registered, new Set([REGISTRY, ...others]));
    } catch (error) {
      await registry.close().catch(() => undefined);
      throw error;
    }
  }

  async list(): Promise<PlaceListing> {
    const names = new Set(this.#registered);
    const foreign: string[] = [];
    for (const folder of await this.#vfs.list(this.path)) {
      if (this.#others.has(folder)) continue;
      const name = nameOf(folder);
      if (name !== undefined && this.#registered.has(name)) continue;
      const kind = name === undefined ? "foreign" : await this.#lookAt(this.#vfs.join(this.path, folder));
      if (kind === "log") names.add(name!);
      else if (kind === "foreign") foreign.push(folder);
    }
    return { names: [...names].sort(), foreign: foreign.sort() };
  }

  async open(name: string): Promise<PlacedJournal> {
    if (this.#closing !== undefined)
      throw new StateError("HF_CLOSED", `The lanes in ${this.path} are closed. Open them again.`, { path: this.path });
    const path = this.#vfs.join(this.path, folderOf(name));
    const isRegistered = this.#registered.has(name);
    if (isRegistered && (await this.#vfs.stat(this.#vfs.join(path, "anchor"))) === undefined) throw lost(path);
    const log = await Log.open(path, this.#options);
    this.#open.set(name, log);
    try {
      // Crash here: an empty log that nobody was told of.
      if (!isRegistered) await this.#registry.append(new TextEncoder().encode(name), NAME_TYPE);
    } catch (error) {
      this.#open.delete(name);
      await log.close().catch(() => undefined);
      throw error;
    }
    this.#registered.add(name);
    return {
      journal: log,
      close: async () => {
        if (this.#open.get(name) === log) this.#open.delete(name);
        await log.close();
      },
    };
  }

  close(): Promise<void> {
    this.#closing ??= closeAll([...this.#open.values(), this.#registry]);
    return this.#closing;
  }

  /** What a path is that nobody registered. */
  async #lookAt(path: string): Promise<"log" | "unfinished" | "foreign"> {
    if ((await this.#vfs.stat(path))?.kind !== "directory") return "foreign";
    const names = await this.#vfs.list(path);
    if (names.includes("anchor")) return "log";
    return names.every((name) => UNFINISHED.has(name)) ? "unfinished" : "foreign";
  }
}

/** The name in a record of the registry. */
function nameIn(path: string, { lsn, type, payload }: LogRecord): string {
  if (type !== NAME_TYPE) {
    throw new FormatError(
      "HF_FORMAT_UNKNOWN",
      `${path} holds a record of type ${type} at LSN ${lsn}, which this build does not know. It is no registry of lanes, or a newer build wrote it.`,
      { path, lsn, type },
    );
  }
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(payload);
}

function lost(path: string): HoldfastError {
  return new CorruptionError({ path, expected: "the log that the registry names", found: "none" });
}
