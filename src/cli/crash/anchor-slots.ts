/** Damage to an anchor's file, done through the file system, as a disk that loses a sector does it. */
import { Anchor } from "../../anchor/index.js";
import type { SimVfs } from "../../vfs/index.js";

/** Damages the newer one where both slots are sound; else nothing, since then the only sound one must not be lost as well. */
export async function loseNewestSlot(vfs: SimVfs, path: string, slotBytes: number): Promise<void> {
  if ((await vfs.stat(path)) === undefined) return;
  const { slots } = await Anchor.peek(path, { vfs, slotBytes });
  const [first, second] = slots;
  if (first.status !== "valid" || second.status !== "valid") return;
  const { offset } = first.sequence! > second.sequence! ? first : second;
  const file = await vfs.open(path, { access: "read-write" });
  await file.write(new Uint8Array(64).fill(0xa5), offset + 20);
  await file.syncData();
  await file.close();
}
