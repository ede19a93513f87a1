/**
 * Checks what only a mistake in this code can break. Never used on bytes from disk or on what a caller passed: those have typed
 * errors.
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`Assertion failed: ${message}. This is a defect in holdfast; please report it.`);
}
