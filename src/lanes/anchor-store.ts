/** Where a pipeline keeps its anchor: a file of two slots, or a journal beside the lanes. */
import type { EntryLog } from "./entry-log.js";

/** The newest value, and the one that might have to serve in its place. An `Anchor` is such a store as it is. */
export interface AnchorStore {
  /** Durable. */
  readonly value: Uint8Array;
  /** What would be read if the newest were damaged. Nothing that it needs may be dropped. */
  readonly fallbackValue: Uint8Array;
  write(value: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** Older values that a journal may hold before they are dropped, which costs a write. */
const OLDER_MAX = 64;

/** The last entry of a journal. A journal never falls back: it has its newest entry or fails. */
export class JournalAnchor implements AnchorStore {
  readonly entries: EntryLog;
  #value: Uint8Array;

  private constructor(entries: EntryLog, value: Uint8Array) {
    this.entries = entries;
    this.#value = value;
  }

  /** `initial` is the value of a journal that was never written. */
  static async open(entries: EntryLog, initial: Uint8Array): Promise<JournalAnchor> {
    const last = await entries.get(entries.nextIndex - 1);
    return new JournalAnchor(entries, last === undefined ? initial : last.value.slice());
  }

  get value(): Uint8Array {
    return this.#value.slice();
  }

  get fallbackValue(): Uint8Array {
    return this.value;
  }

  async write(value: Uint8Array): Promise<void> {
    await this.entries.append({ values: [value] });
    await this.adopt(value);
  }

  /** Takes over a value that was appended to the entries. */
  async adopt(value: Uint8Array): Promise<void> {
    this.#value = value.slice();
    const { firstIndex, nextIndex } = this.entries;
    if (nextIndex - firstIndex > OLDER_MAX) await this.entries.startAt(nextIndex - 1);
  }

  close(): Promise<void> {
    return this.entries.close();
  }
}
