/** `holdfast inspect` of a Merkle store: its books and those of its pages. */
import { toHex } from "../../base/index.js";
import type { PagesInspection } from "../../pages/index.js";
import type { MerkleInspection } from "../../trie/index.js";
import type { CommandContext } from "../command.js";
import { type ExitCode, exitCodes } from "../exit-code.js";
import { fieldLines } from "../table.js";
import { type Colors, writeLine } from "../terminal.js";
import { formatCount } from "../units.js";

/** Prints what was found. */
export async function showMerkle(
  found: MerkleInspection,
  { terminal, json }: Pick<CommandContext, "terminal" | "json">,
): Promise<ExitCode> {
  await (json
    ? writeLine(terminal.out, JSON.stringify(jsonOf(found)))
    : writeLine(terminal.out, inspectionLines(found, terminal.colors).join("\n")));
  return found.pages !== undefined && found.pages.problems.length === 0 ? exitCodes.ok : exitCodes.problem;
}

function jsonOf({ pages, ...found }: MerkleInspection): object {
  if (pages === undefined) return { kind: "merkle", ...found, pages: null };
  const { checkpoint, log } = pages;
  return {
    kind: "merkle",
    ...found,
    pages: { ...pages, checkpoint: { ...checkpoint, root: toHex(checkpoint.root) }, log: log ?? null },
  };
}

function inspectionLines(
  { directory, engine, hasher, storeId, pages, foreign }: MerkleInspection,
  colors: Colors,
): string[] {
  const lines = [
    colors.bold(directory),
    ...fieldLines([
      ["store", `Merkle store of ${hasher}, values on ${engine}, id ${storeId}`],
      ...(pages === undefined ? [] : pagesFields(pages)),
    ]),
  ];
  if (pages === undefined) lines.push("", `  ${colors.red("problem")}  its pages are missing`);
  else if (pages.unnamed.length > 0)
    lines.push("", `Not in the books, being filled or left by a crash: ${pages.unnamed.join(", ")}`);
  const others = [...foreign, ...(pages?.foreign ?? []).map((name) => `pages/${name}`)];
  if (others.length > 0) lines.push("", `Files that are not the store's: ${others.join(", ")}`);
  const problems = pages?.problems ?? [];
  if (problems.length > 0) lines.push("", ...problems.map((problem) => `  ${colors.red("problem")}  ${problem}`));
  return lines;
}

function pagesFields({ checkpoint, table, capacity, log, problems }: PagesInspection): [string, string][] {
  return [
    ["checkpoint", `commit ${formatCount(checkpoint.sequence)}; later ones are in the log`],
    ["its root", toHex(checkpoint.root)],
    ["pages", `${table}, ${formatCount(capacity)} buckets`],
    ["log", logText(log, problems)],
  ];
}

function logText(log: PagesInspection["log"], problems: readonly string[]): string {
  if (log === undefined) return problems.length > 0 ? "can't be read" : "none: the commits are in a journal elsewhere";
  if (log.lastLsn < log.firstLsn) return `empty; the next record gets LSN ${formatCount(log.lastLsn + 1)}`;
  return `LSN ${formatCount(log.firstLsn)} to ${formatCount(log.lastLsn)}`;
}
