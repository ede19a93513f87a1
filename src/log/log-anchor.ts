/** The anchor of a log: how it is made and opened. */
import { Anchor } from "../anchor/index.js";
import { ConflictError } from "../base/index.js";
import type { LogDirectory } from "./log-directory.js";
import { LOG_ANCHOR_KIND, type LogState, encodeLogState } from "./state.js";

/** A slot is a whole number of blocks, so that a torn write of one slot can't harm the other. */
const SLOT_BYTES_MIN = 4096;

/** Makes the anchor of a new log, durably. Nothing may be at its path. */
export async function createLogAnchor(directory: LogDirectory, state: LogState): Promise<Anchor> {
  const slotBytes = Math.max(SLOT_BYTES_MIN, state.blockBytes);
  return await Anchor.create(directory.anchor, encodeLogState(state), {
    vfs: directory.vfs,
    kind: LOG_ANCHOR_KIND,
    slotBytes,
  });
}

/** Opens the anchor of a log for writing. */
export async function openLogAnchor(directory: LogDirectory): Promise<Anchor> {
  const { vfs } = directory;
  const options = { vfs, kind: LOG_ANCHOR_KIND };
  try {
    return await Anchor.open(directory.anchor, { ...options, slotBytes: SLOT_BYTES_MIN });
  } catch (error) {
    // Only logs with large blocks have larger slots; they cost a second look.
    if (!(error instanceof ConflictError)) throw error;
    const { slotBytes } = await Anchor.peek(directory.anchor, options);
    return await Anchor.open(directory.anchor, { ...options, slotBytes });
  }
}
