/** Problems of a log as people read them. */
import type { LogProblem } from "../log/index.js";
import type { Colors } from "./terminal.js";

/** Two lines each: where, and what. */
export function problemLines(problems: readonly LogProblem[], colors: Colors): string[] {
  return problems.flatMap(({ path, offset, lsn, code, message, harmless }) => [
    `  ${harmless ? colors.yellow("harmless") : colors.red("problem")}  ${path} at byte ${offset}${lsn === undefined ? "" : `, LSN ${lsn}`} ${colors.dim(`[${code}]`)}`,
    `    ${message}`,
  ]);
}
