/** Looking at an anchor that another process may be writing, without changing a byte (R9). */
import { CorruptionError } from "../base/index.js";
import { readSlots, type SlotPair } from "./anchor-file.js";
import type { AnchorMode, Slot } from "./format.js";
import { checkPeekOptions, type PeekOptions } from "./options.js";
import { chooseSlots } from "./recovery.js";

/** A writer may be in the middle of one slot, then of the other, while both are read. So often they are read again. */
const READS_MAX = 4;
const READ_AGAIN_MS = 5;

/** One slot, for people and tools. */
export interface PeekedSlot {
  /** Where it starts in the file. */
  readonly offset: number;
  readonly status: Slot["status"];
  readonly sequence?: number;
  readonly valueBytes?: number;
  /** What is wrong with a damaged one. */
  readonly problem?: string;
}

/** What an anchor holds. */
export interface PeekedAnchor {
  readonly value: Uint8Array;
  readonly sequence: number;
  readonly mode: AnchorMode;
  readonly kind: number;
  readonly slotBytes: number;
  readonly slots: readonly [PeekedSlot, PeekedSlot];
}

/** `Anchor.peek`. */
export async function peekAnchor(path: string, options?: PeekOptions): Promise<PeekedAnchor> {
  const { vfs, slotBytes: slotBytesGiven, kind } = checkPeekOptions("Anchor.peek", options);
  let slotBytes = slotBytesGiven;
  for (let reads = 1; ; reads++) {
    let slots = await readSlots(vfs, path, slotBytes);
    const stored = slots[0].status === "other-size" ? slots[0].slotBytes : slotBytes;
    if (stored !== slotBytes && stored >= 512 && stored <= 65_536) {
      slotBytes = stored;
      slots = await readSlots(vfs, path, slotBytes);
    }
    try {
      return choosePeeked(path, slots, slotBytes, kind);
    } catch (error) {
      if (!(error instanceof CorruptionError) || reads === READS_MAX) throw error;
    }
    await vfs.delay(READ_AGAIN_MS);
  }
}

function choosePeeked(path: string, slots: SlotPair, slotBytes: number, kind: number | undefined): PeekedAnchor {
  const { newest, older } = chooseSlots(path, slots, { mode: undefined, kind, slotBytes });
  const onItsWay = newest.mode === "mirror" && older !== undefined && newest.sequence === older.sequence + 1;
  const shown = onItsWay ? older : newest;
  return {
    value: shown.value.slice(),
    sequence: shown.sequence,
    mode: shown.mode,
    kind: shown.kind,
    slotBytes,
    slots: [peekedSlot(slots[0], 0), peekedSlot(slots[1], slotBytes)],
  };
}

function peekedSlot(slot: Slot, offset: number): PeekedSlot {
  if (slot.status === "valid") {
    return { offset, status: slot.status, sequence: slot.sequence, valueBytes: slot.value.length };
  }
  return slot.status === "damaged"
    ? { offset, status: slot.status, problem: slot.problem }
    : { offset, status: slot.status };
}
