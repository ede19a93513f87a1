/** The table that people read. */

const COLUMNS = /** @type {const} */ (["what", "measured", "floor or peer", "ratio", "asked", "reached"]);

/**
 * @param {readonly { title: string, outcome: import("./context.js").Outcome }[]} results
 * @returns {string}
 */
export function renderTable(results) {
  const cells = results.flatMap(({ outcome }) => outcome.rows.map(cellsOf));
  const widths = COLUMNS.map((column, index) =>
    Math.max(column.length, ...cells.map((row) => row[index]?.length ?? 0)),
  );
  const line = (/** @type {readonly string[]} */ row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join("  ")
      .trimEnd();
  const lines = [line(COLUMNS), widths.map((width) => "─".repeat(width)).join("  "), ...cells.map(line)];
  const notes = results
    .filter(({ outcome }) => outcome.notes.length > 0)
    .map(({ title, outcome }) => [title, ...outcome.notes.map((note) => `  ${note}`)].join("\n"));
  return [lines.join("\n"), ...notes].join("\n\n");
}

/**
 * @param {import("./context.js").Row} row
 * @returns {string[]}
 */
function cellsOf({ what, measured, beside, ratio, asked, reached }) {
  return [
    what,
    measured,
    beside,
    ratio,
    asked,
    asked === "" ? "" : reached === undefined ? "n/a" : reached ? "yes" : "no",
  ];
}

/**
 * @param {import("./machine.mjs").Machine} machine
 * @param {string} floorLanguage
 * @returns {string}
 */
export function renderMachine(machine, floorLanguage) {
  return [
    `machine      ${machine.cpu}, ${machine.memoryGiB} GiB`,
    `kernel       ${machine.kernel}`,
    `node         ${machine.node}`,
    `file system  ${machine.fileSystem}`,
    `floor        ${floorLanguage}`,
    `time         ${machine.time}`,
  ].join("\n");
}
