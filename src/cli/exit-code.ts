/** The one table of exit codes: what a script sees of a command. The help prints it. */
import {
  type ErrorDetails,
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
} from "../base/index.js";
import { InterruptedError } from "./interruption.js";

/** Exit codes by name. */
export const exitCodes: {
  readonly ok: 0;
  readonly problem: 1;
  readonly usage: 2;
  readonly locked: 3;
  readonly io: 4;
  readonly internal: 70;
  readonly interrupted: 130;
} = { ok: 0, problem: 1, usage: 2, locked: 3, io: 4, internal: 70, interrupted: 130 };

/** One of {@link exitCodes}. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** An error that says itself how the command ends. */
export class ExitCodeError extends HoldfastError {
  readonly exitCode: ExitCode;

  constructor(code: string, message: string, exitCode: ExitCode, details: ErrorDetails = {}) {
    super(code, message, details);
    this.exitCode = exitCode;
  }
}

/** What each exit code means, in the order in which the help lists them. */
export const exitCodeMeanings: readonly (readonly [ExitCode, string])[] = [
  [exitCodes.ok, "all is well"],
  [exitCodes.problem, "a problem was found: damage, a mismatch, a format that can't be read"],
  [exitCodes.usage, "wrong usage, or a package that the command needs is missing"],
  [exitCodes.locked, "another process holds the lock"],
  [exitCodes.io, "the file system refused"],
  [exitCodes.internal, "a bug in holdfast"],
  [exitCodes.interrupted, "interrupted (Ctrl-C)"],
];

/** The exit code that an error ends the command with. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof ExitCodeError) return error.exitCode;
  if (error instanceof InterruptedError) return exitCodes.interrupted;
  if (error instanceof LockedError) return exitCodes.locked;
  if (error instanceof IoError) return exitCodes.io;
  if (error instanceof CorruptionError || error instanceof FormatError) return exitCodes.problem;
  if (error instanceof InvalidArgumentError || error instanceof LimitError || error instanceof ConflictError)
    return exitCodes.usage;
  if (error instanceof StateError && error.cause !== undefined) return exitCodeOf(error.cause);
  if (!(error instanceof HoldfastError) && isSystemErrno(errnoOf(error))) return exitCodes.io;
  return exitCodes.internal;
}

/** `ENOENT`, `EIO` and their like; not Node's own `ERR_…` codes, which speak of a bug. */
function isSystemErrno(code: string | undefined): boolean {
  return code !== undefined && /^E[A-Z0-9]+$/.test(code);
}
