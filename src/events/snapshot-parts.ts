/** A snapshot as records: parts that stand before their checkpoint, which names their count, their size and their checksum. */
import { CorruptionError, FormatError } from "../base/index.js";
import { crc32c } from "../checksum/index.js";
import type { Journal } from "../log/index.js";
import { headerOf } from "./checkpoint.js";
import { undecodable, unknownVersion } from "./errors.js";
import { type RecordBody, SNAPSHOT_TYPE, type StoredCheckpoint, decodePart, encodePart } from "./format.js";
import { wantTypes, wantedRecords } from "./reader.js";
import { type SnapshotType, decodeVersioned } from "./versioned.js";

/** The parts of a snapshot; at least one, also of an empty one. */
export function splitSnapshot(bytes: Uint8Array, partBytes: number): RecordBody[] {
  const parts: RecordBody[] = [];
  for (let at = 0; at < Math.max(1, bytes.length); at += partBytes) {
    const body = encodePart(parts.length, bytes.subarray(at, at + partBytes));
    parts.push({ type: SNAPSHOT_TYPE, version: 0, body });
  }
  return parts;
}

/** A snapshot, or why it can't be used. What is no fault of the snapshot's is thrown. */
export type SnapshotOutcome =
  | { readonly kind: "state"; readonly state: unknown }
  | { readonly kind: "unusable"; readonly cause: FormatError | CorruptionError };

/** Reads the state of a checkpoint that has one. */
export async function readSnapshot(
  journal: Journal,
  checkpoint: StoredCheckpoint,
  definition: SnapshotType<unknown>,
  signal: AbortSignal | undefined,
): Promise<SnapshotOutcome> {
  const { lsn, version } = checkpoint;
  const { versionMin, version: versionMax } = definition;
  if (version > versionMax || version < versionMin) {
    const details = { lsn, version, versionMin, versionMax };
    return { kind: "unusable", cause: unknownVersion("The snapshot", details, version > versionMax) };
  }
  try {
    const bytes = await joinSnapshot(journal, checkpoint, signal);
    if (bytes === undefined) return { kind: "unusable", cause: damagedSnapshot(lsn) };
    return { kind: "state", state: decodeVersioned(definition, version, bytes) };
  } catch (error) {
    if (error instanceof CorruptionError) return { kind: "unusable", cause: error };
    if (error instanceof ReadFailure) throw error.cause;
    return { kind: "unusable", cause: undecodable("The snapshot", lsn, error) };
  }
}

/** What the journal threw, so that it is told apart from what a codec throws. */
class ReadFailure extends Error {}

/** The bytes of a snapshot; `undefined` where they are not the ones that were written. */
async function joinSnapshot(
  journal: Journal,
  checkpoint: StoredCheckpoint,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  const { firstPartLsn, lsn, partCount, snapshotBytes, snapshotCrc } = checkpoint;
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    const range = { from: firstPartLsn, to: lsn - 1, ...(signal === undefined ? {} : { signal }) };
    for await (const run of wantedRecords(journal, range, wantTypes([SNAPSHOT_TYPE]), () => undefined)) {
      for (const record of run) {
        const part = decodePart(record.payload.subarray(headerOf(record).bodyStart), parts.length);
        if (part === undefined) return undefined;
        parts.push(part);
        length += part.length;
      }
      // What is more than the checkpoint says is not kept.
      if (length > snapshotBytes) return undefined;
    }
  } catch (error) {
    if (error instanceof CorruptionError) throw error;
    throw new ReadFailure("The journal could not be read.", { cause: error });
  }
  if (parts.length !== partCount || length !== snapshotBytes) return undefined;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return crc32c(bytes) === snapshotCrc ? bytes : undefined;
}

function damagedSnapshot(lsn: number): FormatError {
  return new FormatError(
    "HF_SNAPSHOT_DAMAGED",
    `The snapshot of the checkpoint at LSN ${lsn} is not the one that was written: a part is missing, or its checksum differs.`,
    { lsn },
  );
}
