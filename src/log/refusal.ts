import type { HoldfastError } from "../base/index.js";

/** Whether a journal refused an append before it had any effect, so that whoever called can go on as before. Anything else leaves it unknown what is durable. */
export function isRefusal(error: unknown): boolean {
  const code = (error as Partial<HoldfastError> | undefined)?.code;
  return code === "HF_BATCH_TOO_LARGE" || code === "HF_RECORD_TOO_LARGE" || code === "HF_INVALID_ARGUMENT";
}
