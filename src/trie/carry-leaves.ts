import { LEAF_WORDS } from "../proof/index.js";
import type { OpList } from "./op-list.js";
import type { WalkedPage } from "./page-edit.js";
import { isStored, slotOf } from "./page-shape.js";
import { SlotLeaves, leavesOf } from "./slot-leaves.js";

/** Moves what is known of a page's leaves from its old state to its new one, with what the ops did. The old one has nothing then. */
export function carryLeaves({ page, before, from, to, adopted }: WalkedPage, ops: OpList): void {
  // A new page has come with its leaves.
  if (before === undefined) return;
  const leaves = leavesOf(before) ?? new SlotLeaves();
  before.companion = undefined;
  page.companion = leaves;
  const depth = page.id.length;
  let inAdopted = -1;
  for (const { slot, leaves: words, count } of adopted) leaves.set(slot, words, 0, count);
  let next = 0;
  for (let op = from; op < to; op++) {
    const at = op * LEAF_WORDS;
    const slot = slotOf(ops.words, at, depth);
    // What was adopted has the ops in it already. Adopted slots and ops both ascend.
    while (next < adopted.length && adopted[next]!.slot <= slot) inAdopted = adopted[next++]!.slot;
    if (slot === inAdopted) continue;
    if (isStored(page, slot)) leaves.forget(slot);
    else if (ops.isDelete(op)) leaves.delete(slot, ops.words, at);
    else leaves.put(slot, ops.words, at);
  }
}
