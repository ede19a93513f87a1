export { blake3, blake3Xof } from "./blake3.js";
export { LtHash } from "./lt-hash.js";
export { keccak256, sha256 } from "./noble.js";
export type { Hasher } from "./hasher.js";
export type { Accumulator, LtHashKernel } from "./kernel/kernel.js";
