/**
 * What the two slots of an anchor mean together: a pure decision. `anchor.ts` has the crash argument.
 *
 * | slots | mirror, to write | mirror, to look | alternate |
 * |---|---|---|---|
 * | both valid, equal sequence and bytes | that value | that value | damage (no build writes it) |
 * | both valid, equal sequence, other bytes | damage | damage | damage |
 * | both valid, sequences n and n + 1 | n + 1 | n: the write of n + 1 may not be durable yet | n + 1 |
 * | both valid, further apart | the newer: the older slot lost a write | the newer | the newer |
 * | one valid | that value | that value | that value |
 * | one valid, the other of a newer version | refused, newer | refused | refused |
 * | none valid | refused: newer, foreign, another option, not an anchor, or damage, in this order | the same | the same |
 */
import { ConflictError, CorruptionError, FormatError, equalBytes } from "../base/index.js";
import { ANCHOR_VERSION, type AnchorMode, type Slot, type SlotContent } from "./format.js";

/** What the opener asked for; `undefined` takes what is stored. */
export interface WantedAnchor {
  readonly mode: AnchorMode | undefined;
  readonly kind: number | undefined;
  readonly slotBytes: number;
}

/** The outcome. */
export interface ChosenSlots {
  /** The value to go on with. */
  readonly newest: SlotContent;
  /** The one before it, where the other slot holds one. */
  readonly older: SlotContent | undefined;
  /** Whether a slot was damaged. */
  readonly damaged: boolean;
}

/** Chooses, or throws a `FormatError`, `ConflictError` or `CorruptionError` about `path`. */
export function chooseSlots(path: string, slots: readonly [Slot, Slot], wanted: WantedAnchor): ChosenSlots {
  for (const slot of slots) {
    if (slot.status === "newer") {
      throw new FormatError(
        "HF_FORMAT_NEWER",
        `${path} is an anchor of version ${slot.version}; this build reads up to ${ANCHOR_VERSION}. Open it with the build that wrote it, or a later one.`,
        { path, version: slot.version, supported: ANCHOR_VERSION },
      );
    }
  }
  const first = slotContent(slots[0], wanted);
  const second = slotContent(slots[1], wanted);
  if (first === undefined || second === undefined) {
    const only = first ?? second;
    if (only === undefined) throw refusal(path, slots, wanted);
    return { newest: only, older: undefined, damaged: true };
  }
  if (first.sequence === second.sequence) {
    if (first.mode === "alternate" || second.mode === "alternate" || !equalBytes(first.value, second.value)) {
      throw new CorruptionError({
        path,
        offset: wanted.slotBytes,
        expected:
          first.mode === "alternate" ? "slots of different sequences" : "the same value in both slots of a sequence",
        found: `sequence ${first.sequence} in both${first.mode === "alternate" ? "" : ", with different values"}`,
      });
    }
    return { newest: first, older: undefined, damaged: false };
  }
  const [newest, older] = first.sequence > second.sequence ? [first, second] : [second, first];
  return { newest, older, damaged: false };
}

/** The content of a slot that is sound and of the wanted anchor. */
function slotContent(slot: Slot, wanted: WantedAnchor): SlotContent | undefined {
  if (slot.status !== "valid") return undefined;
  if (wanted.kind !== undefined && slot.kind !== wanted.kind) return undefined;
  if (wanted.mode !== undefined && slot.mode !== wanted.mode) return undefined;
  return slot;
}

/** Why neither slot will do. */
function refusal(path: string, slots: readonly [Slot, Slot], wanted: WantedAnchor): Error {
  for (const slot of slots) {
    if (
      (slot.status === "valid" || slot.status === "other-size") &&
      wanted.kind !== undefined &&
      slot.kind !== wanted.kind
    ) {
      return new FormatError(
        "HF_FORMAT_FOREIGN",
        `${path} is an anchor of kind ${slot.kind}, not ${wanted.kind}. It belongs to something else.`,
        {
          path,
          kind: slot.kind,
          wanted: wanted.kind,
        },
      );
    }
  }
  for (const slot of slots) {
    if (slot.status === "other-size") return mismatch(path, "slotBytes", slot.slotBytes, wanted.slotBytes);
    if (slot.status === "valid") return mismatch(path, "mode", slot.mode, wanted.mode ?? slot.mode);
  }
  const [first, second] = slots;
  const unrecognised = (slot: Slot): boolean =>
    slot.status === "unknown" || (slot.status === "damaged" && slot.problem === "zeros");
  if ((first.status === "unknown" || second.status === "unknown") && unrecognised(first) && unrecognised(second)) {
    return new FormatError("HF_FORMAT_UNKNOWN", `${path} is not an anchor. Nothing was changed.`, { path });
  }
  return new CorruptionError({
    path,
    offset: 0,
    expected: "a sound slot",
    found: `${describeSlot(first)} in slot 0, ${describeSlot(second)} in slot 1 (byte ${wanted.slotBytes})`,
  });
}

function mismatch(path: string, option: string, stored: string | number, given: string | number): ConflictError {
  return new ConflictError(
    "HF_OPTION_MISMATCH",
    `${path} was made with ${option} ${stored}, and opened with ${given}. Open it as it was made.`,
    { path, option, stored, given },
  );
}

function describeSlot(slot: Slot): string {
  return slot.status === "damaged" ? slot.problem : slot.status === "unknown" ? "foreign bytes" : slot.status;
}
