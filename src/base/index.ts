export {
  ConflictError,
  CorruptionError,
  FormatError,
  HoldfastError,
  InvalidArgumentError,
  IoError,
  LimitError,
  LockedError,
  StateError,
  errnoOf,
} from "./errors.js";
export type { Codec } from "./codec.js";
export type { CorruptionDetails, ErrorDetails } from "./errors.js";
export { abortable } from "./abortable.js";
export { assert } from "./assert.js";
export { attempt } from "./attempt.js";
export { equalBytes, isZero, readU16, readU32, readU64, toHex, writeU16, writeU32, writeU64 } from "./bytes.js";
export { checkBoolean, checkInteger, checkOneOf, checkOptions, checkSignal, invalid } from "./check-options.js";
export { Held } from "./held.js";
export { SeededRandom } from "./seeded-random.js";
export { Slab } from "./slab.js";
export { Turns } from "./turns.js";
