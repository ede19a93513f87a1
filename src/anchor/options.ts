/** The options of anchors, and their checks. */
import { checkBoolean, checkInteger, checkOneOf, checkOptions, invalid } from "../base/index.js";
import { nodeVfs, type Vfs } from "../vfs/index.js";
import type { AnchorMode } from "./format.js";

/** How an anchor is made and opened. `mode`, `slotBytes` and `kind` are stored; opening with others is an error. */
export interface AnchorOptions {
  /** Default: the file system of this machine. */
  readonly vfs?: Vfs | undefined;
  /**
   * `"mirror"` (default): every write goes durably to one slot, then to the other. Damage to one slot loses nothing.
   *
   * `"alternate"`: every write goes to the older slot only, at half the cost. Damage to the newer slot yields the value
   * before it, without an error; so `olderIsSafe` must be declared.
   */
  readonly mode?: AnchorMode | undefined;
  /** Declares that going back by one value is safe. Needed for `"alternate"`, without effect for `"mirror"`. Default false. */
  readonly olderIsSafe?: boolean | undefined;
  /** Bytes of one slot: a power of two from 512 to 65,536, at least the block that the device writes. Default 4096. */
  readonly slotBytes?: number | undefined;
  /** What the value is for, 0 to 2^32 − 1, so that one store's anchor is not taken for another's. Default 0. */
  readonly kind?: number | undefined;
  /** Holds the lock `<path>.lock` until `close`. Default false: the caller makes sure that there is one writer. */
  readonly lock?: boolean | undefined;
}

/** How an anchor is looked at without opening it. */
export interface PeekOptions {
  /** Default: the file system of this machine. */
  readonly vfs?: Vfs | undefined;
  /** Used only where the first slot is damaged and can't say. Default 4096. */
  readonly slotBytes?: number | undefined;
  /** Refuses an anchor of another kind. Default: any. */
  readonly kind?: number | undefined;
}

/** Checked options, complete. */
export interface AnchorSettings {
  readonly vfs: Vfs;
  readonly mode: AnchorMode;
  readonly slotBytes: number;
  readonly kind: number;
  readonly lock: boolean;
}

const SLOT_BYTES_DEFAULT = 4096;
const SLOT_BYTES_RANGE = { min: 512, max: 65_536, powerOfTwo: true };
const KIND_RANGE = { min: 0, max: 0xffff_ffff };

export function checkAnchorOptions(where: string, given: AnchorOptions | undefined): AnchorSettings {
  const options = checkOptions<AnchorOptions>(where, given, [
    "vfs",
    "mode",
    "olderIsSafe",
    "slotBytes",
    "kind",
    "lock",
  ]);
  const mode = checkOneOf(where, "mode", options.mode, ["mirror", "alternate"], "mirror");
  const olderIsSafe = checkBoolean(where, "olderIsSafe", options.olderIsSafe, false);
  if (mode === "alternate" && !olderIsSafe) {
    throw invalid(
      where,
      "olderIsSafe",
      olderIsSafe,
      'true for mode "alternate", which goes back by one value when the newer slot is damaged',
    );
  }
  return {
    vfs: options.vfs ?? nodeVfs,
    mode,
    slotBytes: checkInteger(where, "slotBytes", options.slotBytes, SLOT_BYTES_RANGE, SLOT_BYTES_DEFAULT),
    kind: checkInteger(where, "kind", options.kind, KIND_RANGE, 0),
    lock: checkBoolean(where, "lock", options.lock, false),
  };
}

export function checkPeekOptions(
  where: string,
  given: PeekOptions | undefined,
): { readonly vfs: Vfs; readonly slotBytes: number; readonly kind: number | undefined } {
  const options = checkOptions<PeekOptions>(where, given, ["vfs", "slotBytes", "kind"]);
  return {
    vfs: options.vfs ?? nodeVfs,
    slotBytes: checkInteger(where, "slotBytes", options.slotBytes, SLOT_BYTES_RANGE, SLOT_BYTES_DEFAULT),
    kind: checkInteger(where, "kind", options.kind, KIND_RANGE, undefined),
  };
}
