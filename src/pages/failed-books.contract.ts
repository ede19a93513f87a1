/** A larger table is about to be named, and the write of the books fails though it reaches the disk; commits wait meanwhile. */
import { FaultPlan, SimVfs, keepEverything } from "../vfs/index.js";
import { PageDiff } from "./page-diff.js";
import { childPageId } from "./page-id.js";
import { PageStore } from "./page-store.js";
import { Page } from "./page.js";

/** Resolves to how many commits were acknowledged, and how many are there after the store was opened again. */
export async function failBooksOfGrowth(
  seed: number,
): Promise<{ readonly acked: number; readonly found: number; readonly code: string | undefined }> {
  const vfs = new SimVfs({ seed });
  const options = { capacity: 16, loadMax: 0.25 } as const;
  const store = await PageStore.open("/store", { vfs, ...options });
  vfs.faults = new FaultPlan([{ operation: "write", path: "/store/anchor", errno: "EIO", writtenBytes: 4096 }]);
  let acked = 0;
  let code: string | undefined;
  for (let at = 0; at < 40 && code === undefined; at++) {
    // Five pages at first, so that the table grows; then changes of the first one.
    const pages = at === 0 ? [0, 1, 2, 3, 4] : [0];
    const updates = pages.map((child) => {
      const page = Page.empty(childPageId("", child));
      page.words[0] = at + 1;
      const diff = new PageDiff();
      diff.add(0);
      return { page, diff, fresh: at === 0 };
    });
    try {
      await store.commit({ updates, clears: [], root: new Uint8Array(32).fill(at + 1) });
      acked += 1;
    } catch (error) {
      code = (error as { readonly code?: string }).code;
    }
  }
  const after = vfs.powerCut(keepEverything);
  const again = await PageStore.open("/store", { vfs: after, ...options });
  const found = again.sequence;
  for (let child = 0; child < 5; child++)
    if ((await again.load(childPageId("", child))) === undefined) throw new Error("a page is lost");
  await again.close();
  return { acked, found, code };
}
