import type { LtHashKernel } from "./kernel.js";
import { plainKernel } from "./plain-kernel.js";

let chosen: LtHashKernel | undefined;

/** The quickest kernel that this machine runs, made when it is first asked for. */
export function defaultKernel(): LtHashKernel {
  chosen ??= plainKernel();
  return chosen;
}
