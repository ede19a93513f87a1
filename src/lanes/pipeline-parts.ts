/** What a pipeline is made of, and opening all of it. */
import { Anchor } from "../anchor/index.js";
import { CorruptionError, checkInteger } from "../base/index.js";
import type { SharedLog } from "../streams/index.js";
import { type Vfs, nodeVfs } from "../vfs/index.js";
import { type AnchorStore, JournalAnchor } from "./anchor-store.js";
import { closeAll } from "./close-all.js";
import { EntryLog } from "./entry-log.js";
import { LaneSet } from "./lane-set.js";
import { type PersistPipelineOptions, type PipelineSettings, checkPipelineOptions } from "./persist-options.js";
import { logPerLaneDirectory, openPlace } from "./open-place.js";
import { NO_ANCHOR, keysOf } from "./pipeline-needs.js";
import type { LanePlace } from "./place.js";

const CHAIN = "chain";
const ANCHOR = "anchor";
/** Tells a pipeline's anchor file from others: "lane". */
const ANCHOR_KIND = 0x656e_616c;

/** An open pipeline's parts. */
export interface PipelineParts<K, T, C, A> {
  readonly options: PersistPipelineOptions<K, T, C, A>;
  readonly settings: PipelineSettings;
  readonly place: LanePlace;
  readonly lanes: LaneSet<K, T>;
  readonly chain: EntryLog;
  readonly anchor: AnchorStore;
  /** Closes all of it, even if some fails. */
  readonly close: () => Promise<void>;
}

/** Opens everything. `onChainFailure` hears of what ends the chain. */
export async function openParts<K, T, C, A>(
  where: string | SharedLog | LanePlace,
  options: PersistPipelineOptions<K, T, C, A>,
  onChainFailure: (cause: unknown) => void,
): Promise<PipelineParts<K, T, C, A>> {
  const settings = checkPipelineOptions(where, options);
  const chainFirst = checkInteger("PersistPipeline.open", "chain.firstIndex", options.chain.firstIndex, { min: 0 }, 0);
  const lanesFirst = checkInteger("PersistPipeline.open", "lanes.firstIndex", options.lanes.firstIndex, { min: 0 }, 0);
  const vfs = options.vfs ?? nodeVfs;
  const directory = logPerLaneDirectory(where, options.layout);
  const { place, isOwned } = await openPlace("PersistPipeline.open", where, options, [ANCHOR, `${ANCHOR}.new`]);
  const closeables: { close(): Promise<void> }[] = isOwned ? [place] : [];
  try {
    let anchor: AnchorStore;
    if (directory !== undefined) {
      const { mode = "alternate", slotBytes } = options.anchor;
      const file = { vfs, mode, olderIsSafe: true, kind: ANCHOR_KIND, slotBytes };
      const path = vfs.join(directory, ANCHOR);
      await requireAnchor(vfs, path, place);
      anchor = await Anchor.openOrCreate(path, NO_ANCHOR, file);
      closeables.unshift(anchor);
    } else {
      const placed = await place.open(ANCHOR);
      closeables.unshift(placed);
      anchor = await JournalAnchor.open(
        await EntryLog.open(placed.journal, `the anchor of ${place.path}`, 0),
        NO_ANCHOR,
      );
    }
    const placed = await place.open(CHAIN);
    closeables.unshift(placed);
    const chain = await EntryLog.open(placed.journal, `the chain of ${place.path}`, chainFirst, onChainFailure);
    const { codec } = options.lanes;
    const lanes = await LaneSet.over<K, T>(
      { place, keys: keysOf(options), codec, firstIndex: lanesFirst, ownsPlace: false },
      [CHAIN, ANCHOR],
    );
    const close = async (): Promise<void> => {
      await chain.close();
      // What the lanes still have to do needs the place. What goes wrong there, `closeAll` tells.
      await lanes.close().catch(() => undefined);
      await closeAll([lanes, ...closeables]);
    };
    return { options, settings, place, lanes, chain, anchor, close };
  } catch (error) {
    await closeAll(closeables).catch(() => undefined);
    throw error;
  }
}

/** The chain is made when the anchor is durable. So where there is a chain, an anchor that is missing was lost, and is not one still to come (R7). */
async function requireAnchor(vfs: Vfs, path: string, place: LanePlace): Promise<void> {
  if ((await vfs.stat(path)) !== undefined || !(await place.list()).names.includes(CHAIN)) return;
  throw new CorruptionError({ path, expected: "the anchor of the chain and the lanes beside it", found: "none" });
}
