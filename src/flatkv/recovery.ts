/** What opening decides about one database, from what it says of itself and what the books and the log say. Pure. */
import { equalBytes } from "../base/index.js";
import type { MetadataParse } from "./row-format.js";

/** Metadata of stores that kept it otherwise: a version without a hash, or both under other names. */
export type OlderMetadata = "version-only" | "version-and-hash" | "separate-keys";

/** What was found at a database's directory. */
export type DatabaseProbe =
  | { readonly kind: "missing" }
  | { readonly kind: "unreadable"; readonly cause: unknown }
  | {
      readonly kind: "readable";
      /** `undefined` where there is none. */
      readonly metadata: MetadataParse | undefined;
      readonly older: OlderMetadata | undefined;
      /** Whether there is anything but our own metadata and markers. */
      readonly hasRows: boolean;
      /** Versions of all markers. */
      readonly markers: readonly number[];
    };

/** What the books and the log say. */
export interface Expectation {
  readonly storeId: Uint8Array;
  readonly name: string;
  readonly timeline: number;
  /** Everything up to here was durable in the database. */
  readonly syncedVersion: number;
  /** The newest version in the log. */
  readonly lastVersion: number;
}

/** Why a database is made anew. */
export type RebuildReason =
  | "missing"
  | "empty"
  | "unreadable"
  | "metadata-damaged"
  | "ahead-of-log"
  | "behind-synced"
  | "other-timeline"
  | "hash-differs"
  /** Found by a check, not by opening. */
  | "verify";

/** The decision. */
export type DatabaseDecision =
  | {
      readonly kind: "redo";
      /** Everything up to here is there. Equal to `lastVersion`: nothing is to be done. */
      readonly from: number;
      /** Markers above `from`, of batches that survived without those before them. */
      readonly claims: readonly number[];
    }
  | { readonly kind: "rebuild"; readonly reason: RebuildReason; readonly cause?: unknown }
  /** Rows whose hash nobody knows. */
  | { readonly kind: "no-hashes"; readonly older: OlderMetadata | undefined }
  | { readonly kind: "newer"; readonly format: number }
  | { readonly kind: "foreign"; readonly found: string };

/**
 * Decides. The rule: a database is believed up to the last version from which back to the synced one every marker is there, since each marker stands
 * in the batch of its version's rows. What is believed is never zero by assumption.
 */
export function decideDatabase(probe: DatabaseProbe, expected: Expectation): DatabaseDecision {
  if (probe.kind === "missing") return { kind: "rebuild", reason: "missing" };
  if (probe.kind === "unreadable") return { kind: "rebuild", reason: "unreadable", cause: probe.cause };
  const { metadata, older, hasRows, markers } = probe;
  if (metadata === undefined) return hasRows ? { kind: "no-hashes", older } : { kind: "rebuild", reason: "empty" };
  if (metadata.kind === "newer") return metadata;
  if (metadata.kind === "damaged") return { kind: "rebuild", reason: "metadata-damaged" };
  const { storeId, database, timeline, version } = metadata.metadata;
  if (!equalBytes(storeId, expected.storeId)) return { kind: "foreign", found: "another store" };
  if (database !== expected.name) return { kind: "foreign", found: `the database ${database}` };
  const newestMarker = markers.reduce((newest, marker) => Math.max(newest, marker), version);
  if (newestMarker > version) return { kind: "rebuild", reason: "metadata-damaged" };
  if (version > expected.lastVersion) return { kind: "rebuild", reason: "ahead-of-log" };
  if (timeline > expected.timeline) return { kind: "rebuild", reason: "other-timeline" };
  if (version < expected.syncedVersion) return { kind: "rebuild", reason: "behind-synced" };
  const there = new Set(markers);
  let from = expected.syncedVersion;
  while (from < version && there.has(from + 1)) from += 1;
  return { kind: "redo", from, claims: markers.filter((marker) => marker > from) };
}
