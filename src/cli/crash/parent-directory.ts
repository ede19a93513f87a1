/** The caller's part of every workload and recovery: the directory that a store is made in has to be there. */
import type { SimVfs } from "../../vfs/index.js";

/** Makes `/data`, durably. */
export async function makeParent(vfs: SimVfs): Promise<void> {
  await vfs.makeDirectory("/data");
  await vfs.syncDirectory("/");
}
