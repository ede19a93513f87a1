/** What the demo exists to find. */
import type { ErrorDetails } from "../../base/index.js";
import { ExitCodeError, exitCodes } from "../exit-code.js";

/** A flight was lost, invented, repeated or changed. Code `HF_DEMO_MISMATCH`, exit code 1. */
export class DemoMismatchError extends ExitCodeError {
  constructor(message: string, details: ErrorDetails = {}) {
    super("HF_DEMO_MISMATCH", message, exitCodes.problem, details);
  }
}
