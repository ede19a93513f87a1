/**
 * A log whose payloads hold checksums of their own, over a file in which such payloads stood before. A CRC-32C around bytes that are followed by their
 * own CRC-32C is the same whatever the bytes are; so what tells a lost sector from the one that the disk shows in its place must be something else.
 */
import type { LogCall } from "../../src/cli/crash/log-calls.js";
import type { LogOptions } from "../../src/log/index.js";

/** A group of three blocks fills a segment. */
export const SEALED_OPTIONS: Omit<LogOptions, "vfs"> = { blockBytes: 512, segmentBytes: 2048, spareSegmentsMax: 1 };

/** The third record goes to the file that the first was in. */
export const SEALED_CALLS: readonly LogCall[] = [
  { call: "append", bytes: 1300, filling: "sealed" },
  { call: "append", bytes: 1300, filling: "sealed" },
  { call: "truncate-before", keep: 1 },
  { call: "append", bytes: 1300, filling: "sealed" },
];
