/**
 * One small value, replaced atomically and durably.
 *
 * Invariants while an anchor is open and not poisoned, between writes:
 * - mirror: both slots hold the current value with the current sequence, durably;
 * - alternate: one slot holds the current value with sequence n, the other the one before it with n − 1, both durably.
 *
 * Why mirror writes twice: with one write into alternating slots, a newest slot that fails its checksum may be a write that a crash
 * tore, which nobody was told of, or an acknowledged value that rotted. The bytes can't tell. Falling back forgets an
 * acknowledged value in the second case; refusing makes the file unreadable after a plain crash in the first. With two copies of
 * every acknowledged value both cases have the same, right answer: the newest sound slot.
 *
 * Crash argument for `write` of n + 1 in mirror mode. Slot 0 is written durably, then slot 1, then the caller is told.
 * - Crash during the first: slot 0 holds anything, slot 1 holds n. The answer is n, or n + 1 where it was already whole.
 * - Crash during the second: slot 0 holds n + 1 and slot 1 anything. The answer is n + 1.
 * - After the second, both hold n + 1: a crash changes nothing, damage to one slot is answered by the other.
 * In alternate mode only the slot with n − 1 is written over: a crash during it leaves n in the other, and the answer is n or n + 1.
 *
 * Crash argument for `open`. What the slots show need not be what the disk holds. A killed process may have written n + 1 into
 * the page cache only; a sync that failed may have left pages that look clean and were never stored, or have thrown the new
 * ones away while the disk got them. So two slots that look equal prove nothing, and which of them is the only durable copy
 * can't be known; writing over either in place could lose it. `open` writes what it adopts into a new file, with honest, fresh pages,
 * makes that durable, renames it over the old one, makes the name durable, and only then shows the value (R3, R4).
 * - Crash before the rename is durable: the old file is untouched, or the new one is there. Nobody saw the difference.
 * - After it, the old file and whatever its disk blocks held are gone: an abandoned n + 1 can't come back later.
 *
 * A failed write poisons the anchor (R4): whether n + 1 is stored is unknown until the next `open`, which decides and makes it so.
 */
import { ConflictError, LimitError, StateError } from "../base/index.js";
import type { VfsFile, VfsLock } from "../vfs/index.js";
import { openForWrites, readSlots, replaceAnchorFile } from "./anchor-file.js";
import { encodeSlot, valueBytesMax, type SlotContent } from "./format.js";
import { checkAnchorOptions, type AnchorOptions, type AnchorSettings, type PeekOptions } from "./options.js";
import { peekAnchor, type PeekedAnchor } from "./peek.js";
import { chooseSlots, type ChosenSlots } from "./recovery.js";

/** Writes that may wait for the one on its way. */
const WAITING_WRITES_MAX = 1024;

interface AnchorParts {
  readonly path: string;
  readonly settings: AnchorSettings;
  readonly file: VfsFile;
  readonly lock: VfsLock | undefined;
  readonly newest: SlotContent;
  readonly older: SlotContent;
  /** The slot that holds `newest`; in mirror mode both do. */
  readonly newestSlot: 0 | 1;
  readonly healed: boolean;
}

/**
 * A file that holds one small value: read when opened, replaced atomically and durably by {@link write}.
 *
 * One process at a time may have it open. The caller makes sure of that, or passes `lock: true`. Others may {@link peek}.
 *
 * @example
 * ```ts
 * import { Anchor } from "holdfast/anchor";
 *
 * const anchor = await Anchor.openOrCreate("./height", new Uint8Array(0), { kind: 7 });
 * await anchor.write(new TextEncoder().encode("height 12"));
 * await anchor.close();
 * ```
 */
export class Anchor {
  readonly path: string;
  /** Whether opening found one slot damaged, and wrote it anew. */
  readonly healed: boolean;
  readonly #settings: AnchorSettings;
  readonly #file: VfsFile;
  readonly #lock: VfsLock | undefined;
  #newest: SlotContent;
  #older: SlotContent;
  #newestSlot: 0 | 1;
  /** Settles when every write so far has; never rejects. */
  #tail: Promise<void> = Promise.resolve();
  #waiting = 0;
  #poison: unknown;
  #poisoned = false;
  #closing: Promise<void> | undefined;

  private constructor(parts: AnchorParts) {
    this.path = parts.path;
    this.healed = parts.healed;
    this.#settings = parts.settings;
    this.#file = parts.file;
    this.#lock = parts.lock;
    this.#newest = parts.newest;
    this.#older = parts.older;
    this.#newestSlot = parts.newestSlot;
  }

  /**
   * Makes an anchor that holds `value`; durable with its name when it resolves. A crash before leaves no file at `path`, or the
   * whole one.
   *
   * Errors: `HF_EXISTS` where something is at `path`; `HF_VALUE_TOO_LARGE`; invalid options; `HF_IO`; `HF_LOCKED`.
   */
  static async create(path: string, value: Uint8Array, options?: AnchorOptions): Promise<Anchor> {
    const settings = checkAnchorOptions("Anchor.create", options);
    checkValue(path, value, settings);
    return await withLock(path, settings, async (lock) => {
      if ((await settings.vfs.stat(path)) !== undefined) {
        throw new ConflictError("HF_EXISTS", `${path} exists already. Open it, or choose another path.`, { path });
      }
      return await Anchor.#create(path, value, settings, lock);
    });
  }

  /**
   * Opens an anchor for writing. What it holds is durable in both slots when this resolves; one damaged slot is healed.
   *
   * Errors: `HF_CORRUPTION` where neither slot is sound; `HF_FORMAT_NEWER`, `HF_FORMAT_UNKNOWN`, `HF_FORMAT_FOREIGN` (another kind);
   * `HF_OPTION_MISMATCH` (another mode or slot size); `HF_IO`, with `ENOENT` where no file is; `HF_LOCKED`; invalid options. After an
   * error nothing that the file held is lost.
   */
  static async open(path: string, options?: AnchorOptions): Promise<Anchor> {
    const settings = checkAnchorOptions("Anchor.open", options);
    return await withLock(path, settings, (lock) => Anchor.#open(path, settings, lock));
  }

  /** Opens the anchor at `path`, or makes one that holds `initial`. Errors as for {@link open} and {@link create}. */
  static async openOrCreate(path: string, initial: Uint8Array, options?: AnchorOptions): Promise<Anchor> {
    const settings = checkAnchorOptions("Anchor.openOrCreate", options);
    checkValue(path, initial, settings);
    return await withLock(path, settings, async (lock) =>
      (await settings.vfs.stat(path)) === undefined
        ? await Anchor.#create(path, initial, settings, lock)
        : await Anchor.#open(path, settings, lock),
    );
  }

  /**
   * Reads the anchor at `path` beside its writer, taking no lock and changing nothing (R9).
   *
   * In mirror mode the value is durable: while a write is on its way, the one before it is returned. In alternate mode it is the
   * newest that can be read, which a power cut may still take back.
   *
   * Errors as for {@link open}, but for the mode and slot size, which are taken from the file.
   */
  static async peek(path: string, options?: PeekOptions): Promise<PeekedAnchor> {
    return await peekAnchor(path, options);
  }

  static async #create(
    path: string,
    value: Uint8Array,
    settings: AnchorSettings,
    lock: VfsLock | undefined,
  ): Promise<Anchor> {
    const content: SlotContent = { mode: settings.mode, sequence: 1, kind: settings.kind, value: value.slice() };
    return await Anchor.#install(path, settings, lock, { newest: content, older: undefined, damaged: false });
  }

  static async #open(path: string, settings: AnchorSettings, lock: VfsLock | undefined): Promise<Anchor> {
    const slots = await readSlots(settings.vfs, path, settings.slotBytes);
    return await Anchor.#install(path, settings, lock, chooseSlots(path, slots, settings));
  }

  /** Puts a fresh file with both slots in place, then opens it for writes. */
  static async #install(
    path: string,
    settings: AnchorSettings,
    lock: VfsLock | undefined,
    chosen: ChosenSlots,
  ): Promise<Anchor> {
    const { vfs, slotBytes, mode } = settings;
    let newest = chosen.newest;
    let older = chosen.newest;
    if (mode === "alternate") {
      // Without a value before it, the adopted one takes both slots, so that one damaged slot always leaves something to read.
      if (chosen.older === undefined) newest = { ...newest, sequence: newest.sequence + 1 };
      else older = chosen.older;
    }
    await replaceAnchorFile(vfs, path, slotBytes, [newest, older]);
    const file = await openForWrites(vfs, path);
    return new Anchor({ path, settings, file, lock, newest, older, newestSlot: 0, healed: chosen.damaged });
  }

  /** A copy of the value that was opened or last written. Always durable. */
  get value(): Uint8Array {
    return this.#newest.value.slice();
  }

  /** Counts the values that this file has held, from 1; opening may skip numbers in alternate mode. */
  get sequence(): number {
    return this.#newest.sequence;
  }

  /**
   * A copy of what would be read if the slot of the current value were damaged now: the value before it in alternate mode, the value
   * itself in mirror mode. What depends on an older anchor may be deleted only as far as this one allows.
   */
  get fallbackValue(): Uint8Array {
    return this.#older.value.slice();
  }

  /** The longest value that fits, in bytes. */
  get valueBytesMax(): number {
    return valueBytesMax(this.#settings.slotBytes);
  }

  /**
   * Replaces the value. Durable when it resolves; until then a crash leaves the old value or the new one. Concurrent calls are done
   * one after the other, in order. `value` is copied at once.
   *
   * Errors: `HF_VALUE_TOO_LARGE`, `HF_BACKPRESSURE` (over 1,024 waiting), `HF_CLOSED`, without effect. `HF_IO`: this write failed, it is
   * unknown whether it is stored, and the anchor is poisoned: every later call is `HF_POISONED` with that as the cause. Open it again.
   */
  async write(value: Uint8Array): Promise<void> {
    this.#checkUsable();
    checkValue(this.path, value, this.#settings);
    if (this.#waiting >= WAITING_WRITES_MAX) {
      throw new LimitError(
        "HF_BACKPRESSURE",
        `${this.path} has ${WAITING_WRITES_MAX} writes waiting. Await them first.`,
        {
          path: this.path,
          waitingMax: WAITING_WRITES_MAX,
        },
      );
    }
    const copy = value.slice();
    this.#waiting++;
    const turn = this.#tail.then(() => this.#replace(copy));
    this.#tail = turn.then(ignore, ignore);
    try {
      await turn;
    } finally {
      this.#waiting--;
    }
  }

  /** Waits for the writes so far, then releases the file and the lock. Idempotent. Makes nothing durable: all of it is. */
  close(): Promise<void> {
    this.#closing ??= this.#tail.then(() => closeBoth(this.#file, this.#lock));
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Runs alone: `#tail` orders the calls, and only this changes the slots. */
  async #replace(value: Uint8Array): Promise<void> {
    this.#checkPoison();
    const { mode, slotBytes, kind } = this.#settings;
    const sequence = this.#newest.sequence + 1;
    if (!Number.isSafeInteger(sequence)) {
      throw new LimitError("HF_SEQUENCE_EXHAUSTED", `${this.path} has no sequence number left.`, { path: this.path });
    }
    const content: SlotContent = { mode, sequence, kind, value };
    const bytes = encodeSlot(slotBytes, content);
    try {
      if (mode === "mirror") {
        // Crash here: slot 1 still holds the old value, durably.
        await this.#file.write(bytes, 0);
        // Crash here: slot 0 holds the new value, durably.
        await this.#file.write(bytes, slotBytes);
        this.#older = content;
      } else {
        const target = this.#newestSlot === 0 ? 1 : 0;
        // Crash here: the other slot still holds the current value, durably.
        await this.#file.write(bytes, target * slotBytes);
        this.#newestSlot = target;
        this.#older = this.#newest;
      }
    } catch (error) {
      this.#poisoned = true;
      this.#poison = error;
      throw error;
    }
    this.#newest = content;
  }

  #checkUsable(): void {
    if (this.#closing !== undefined) {
      throw new StateError("HF_CLOSED", `The anchor ${this.path} is closed. Open it again.`, { path: this.path });
    }
    this.#checkPoison();
  }

  #checkPoison(): void {
    if (!this.#poisoned) return;
    throw new StateError(
      "HF_POISONED",
      `A write to ${this.path} failed, so what it holds is unknown. Close it and open it again; the cause has the first failure.`,
      { path: this.path },
      this.#poison,
    );
  }
}

/** Runs `act` under the lock where the options ask for one; what fails leaves no lock behind. */
async function withLock(
  path: string,
  settings: AnchorSettings,
  act: (lock: VfsLock | undefined) => Promise<Anchor>,
): Promise<Anchor> {
  const lock = settings.lock ? await settings.vfs.lock(`${path}.lock`) : undefined;
  try {
    return await act(lock);
  } catch (error) {
    await lock?.release();
    throw error;
  }
}

/** Closes the file, and releases the lock even if that fails. */
async function closeBoth(file: VfsFile, lock: VfsLock | undefined): Promise<void> {
  try {
    await file.close();
  } finally {
    await lock?.release();
  }
}

function checkValue(path: string, value: Uint8Array, settings: AnchorSettings): void {
  const max = valueBytesMax(settings.slotBytes);
  if (value.byteLength <= max) return;
  throw new LimitError(
    "HF_VALUE_TOO_LARGE",
    `A value of ${value.byteLength} bytes does not fit into a slot of ${path}, which holds ${max}. Make the anchor with a larger slotBytes.`,
    { path, bytes: value.byteLength, bytesMax: max },
  );
}

function ignore(): void {
  // The caller of the write has the outcome; the queue only needs to know that it is over.
}
