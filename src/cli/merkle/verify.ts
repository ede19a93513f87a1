/** `holdfast verify` of a Merkle store: every value and page, up to the root. */
import { toHex } from "../../base/index.js";
import type { MerkleInspection } from "../../trie/index.js";
import type { CommandContext } from "../command.js";
import { type ExitCode, exitCodes } from "../exit-code.js";
import { createProgress } from "../progress.js";
import { writeLine } from "../terminal.js";
import { formatCount, formatDuration, formatPlural, formatRate } from "../units.js";
import { openMerkle } from "./store.js";

/** Opens it and checks it. */
export async function verifyMerkle(
  found: MerkleInspection,
  { terminal, signal, json }: CommandContext,
): Promise<ExitCode> {
  const progress = createProgress(terminal, "verify", { json });
  const startMs = performance.now();
  const store = await openMerkle(found);
  try {
    const pagesTotal = store.stats().pages.pages;
    const report = await store.verify({
      signal,
      onProgress: ({ keys, pages }) =>
        progress.update(pages, Math.max(pages, pagesTotal), () => `${formatCount(keys)} keys`),
    });
    progress.stop();
    const { directory } = found;
    const { sound, sequence, keys, pages, problems, problemCount } = report;
    const root = toHex(report.root);
    const { redone } = store.recovery;
    if (json) {
      await writeLine(
        terminal.out,
        JSON.stringify({ kind: "merkle", directory, ...report, root, recovery: store.recovery }),
      );
      return sound ? exitCodes.ok : exitCodes.problem;
    }
    const { colors } = terminal;
    const elapsedMs = performance.now() - startMs;
    const lines = [
      sound ? colors.green("sound") : colors.red(formatPlural(problemCount, "problem")),
      `  commit ${formatCount(sequence)}: ${formatPlural(keys, "key")} in ${formatPlural(pages, "page")}; ` +
        `${formatDuration(elapsedMs)}, ${formatRate((keys / elapsedMs) * 1000)}`,
      `  root ${root}`,
      ...(redone === 0 ? [] : [`  opening did ${formatPlural(redone, "commit")} again`]),
      ...problems.map(({ kind, message }) => `  ${colors.red("problem")}  ${colors.dim(`[${kind}]`)} ${message}`),
      ...(problemCount > problems.length
        ? [`  and ${formatPlural(problemCount - problems.length, "problem")} more`]
        : []),
      ...(sound ? [] : ["", "Restore a copy of the store, or make it anew from what its values came from."]),
    ];
    await writeLine(terminal.out, lines.join("\n"));
    return sound ? exitCodes.ok : exitCodes.problem;
  } finally {
    progress.stop();
    await store.close();
  }
}
