/** What a golden directory is, and what the small stores in them have in common. */
import { type Codec, json } from "../../src/events/index.js";
import type { LogOptions } from "../../src/log/index.js";
import type { Vfs } from "../../src/vfs/index.js";

/** What a store holds, by the name of each list in it. Writing on makes each of them longer, and changes nothing that is in them. */
export type Contents = Record<string, readonly string[]>;

export interface GoldenStore {
  readonly name: string;
  /** The version of its own format that this build writes. Default 1. */
  readonly version?: number;
  /** Made on the real file system, because what it stands on works on no other. */
  readonly onRealDisk?: boolean;
  make(directory: string, vfs: Vfs): Promise<void>;
  look(directory: string): Promise<Contents>;
  /** Left out where files of the kind are written once. */
  writeOn?(directory: string): Promise<void>;
}

const small = { blockBytes: 512, segmentBytes: 2048 } as const;
export const log: Required<Pick<LogOptions, "blockBytes" | "segmentBytes" | "spareSegmentsMax">> = {
  ...small,
  spareSegmentsMax: 0,
} as const;
export const text: Codec<string> = json<string>();

export const encode = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Long enough that a few fill a segment. */
export const long = (value: string): string => value.padEnd(300, ".");
