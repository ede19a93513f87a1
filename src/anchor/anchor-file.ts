/** Reading both slots of an anchor file, and putting a whole new file in its place. The order of steps is argued in `anchor.ts`. */
import type { Vfs, VfsFile } from "../vfs/index.js";
import { decodeSlot, encodeSlot, type Slot, type SlotContent } from "./format.js";

/** Both slots of an anchor file. */
export type SlotPair = readonly [Slot, Slot];

/** Reads both slots. Bytes that the file does not have count as zeros. */
export async function readSlots(vfs: Vfs, path: string, slotBytes: number): Promise<SlotPair> {
  const file = await vfs.open(path, { access: "read" });
  try {
    const bytes = new Uint8Array(2 * slotBytes);
    await file.read(bytes, 0);
    return [decodeSlot(bytes.subarray(0, slotBytes)), decodeSlot(bytes.subarray(slotBytes))];
  } finally {
    await file.close();
  }
}

/**
 * Puts a file with these slots at `path`, replacing what is there. Durable when it resolves; a crash before that leaves the old file
 * or the new one, never a mixture.
 */
export async function replaceAnchorFile(
  vfs: Vfs,
  path: string,
  slotBytes: number,
  slots: readonly [SlotContent, SlotContent],
): Promise<void> {
  const temporary = `${path}.new`;
  // A crash may have left one. It is not written over but removed: a new file owes nothing to failed syncs of the old one.
  if ((await vfs.stat(temporary)) !== undefined) await vfs.remove(temporary);
  const bytes = new Uint8Array(2 * slotBytes);
  bytes.set(encodeSlot(slotBytes, slots[0]), 0);
  bytes.set(encodeSlot(slotBytes, slots[1]), slotBytes);
  const file = await vfs.open(temporary, { access: "read-write", create: "exclusive", durableWrites: true });
  try {
    // Crash: a temporary file that nobody reads.
    await file.write(bytes, 0);
  } finally {
    await file.close();
  }
  // Crash before the directory is durable: the name means the old file or the new one, and nobody has seen either yet.
  await vfs.rename(temporary, path);
  await vfs.syncDirectory(vfs.parent(path));
}

/** A descriptor whose writes are durable when they resolve. */
export function openForWrites(vfs: Vfs, path: string): Promise<VfsFile> {
  return vfs.open(path, { access: "read-write", durableWrites: true });
}
