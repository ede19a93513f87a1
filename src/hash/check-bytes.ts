import { invalid } from "../base/index.js";

/** Refuses anything but bytes: indexing a text gives `undefined`, which would be hashed as zeros. */
export function checkBytes(where: string, name: string, value: Uint8Array): void {
  if (!(value instanceof Uint8Array)) throw invalid(where, name, value, "a Uint8Array");
}
