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
export type { CorruptionDetails, ErrorDetails } from "./errors.js";
