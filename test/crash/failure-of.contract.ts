/** What the fault sweeps look at: the error of one call. */
import { HoldfastError } from "holdfast";

/** The typed error that a promise rejects with; `undefined` where it resolves. Any other error is thrown on. */
export async function failureOf(promise: Promise<unknown>): Promise<HoldfastError | undefined> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
}
