import type { LtHashKernel } from "./kernel.js";
import { plainKernel } from "./plain-kernel.js";
import { simdKernel } from "./simd-kernel.js";

let chosen: LtHashKernel | undefined;

/** The quickest kernel that this machine runs, made when it is first asked for. */
export function defaultKernel(): LtHashKernel {
  chosen ??= simdKernel() ?? plainKernel();
  return chosen;
}
