/** The libraries that reading an era1 file takes. */
import { loadPackage } from "../demo-package.js";
import { isRlpShallow } from "./rlp-depth.js";
import type { Uncompress } from "./snappy-frames.js";

/** Lists that a list of a header or a body may stand in. */
const depthMax = 8;

const packages = "@ethereumjs/rlp@10.1.3 hysnappy@1.1.1";

/** A value of RLP: bytes, or a list of values. */
export type RlpValue = Uint8Array | readonly RlpValue[];

/** See the head of this file. */
export interface Era1Libraries {
  /** Decodes one value that takes up all of the bytes, or throws. */
  decodeRlp(bytes: Uint8Array): RlpValue;
  encodeRlp(value: RlpValue): Uint8Array;
  readonly uncompress: Uncompress;
}

/** Loads them. One that is not installed is a `MissingPackageError`. */
export async function loadEra1Libraries(): Promise<Era1Libraries> {
  const { decode, encode } = await loadPackage<typeof import("@ethereumjs/rlp")>("@ethereumjs/rlp", packages);
  const { snappyUncompressor } = await loadPackage<typeof import("hysnappy")>("hysnappy", packages);
  return {
    decodeRlp(bytes) {
      if (!isRlpShallow(bytes, depthMax)) throw new RangeError(`lists that nest more than ${depthMax} deep`);
      return decode(bytes);
    },
    encodeRlp: (value) => encode(value as Parameters<typeof encode>[0]),
    uncompress: snappyUncompressor(),
  };
}
