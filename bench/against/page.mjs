/** A workload's page: the chart, the tables with ratios and what each contender does not do, where ours is behind and why, and how it was run. */
import { renderMachine } from "../report.mjs";
import { facts } from "./facts.mjs";
import { versionOf } from "./versions.mjs";

/** Below this a difference is noise. */
const AHEAD = 1.05;

/**
 * @param {import("./context.js").PeerWorkload} workload
 * @param {import("./context.js").PeerOutcome} outcome
 * @param {{ machine: import("../machine.mjs").Machine, floor: string, command: string, quick: boolean, skipped: readonly string[] }} about
 * @returns {string} Markdown
 */
export function renderPage({ name, title }, { grids, notes }, { machine, floor, command, quick, skipped }) {
  const names = [...new Set(grids.flatMap(({ rows }) => rows.map((row) => row.name)))];
  const behind = grids.flatMap((grid) => linesBehind(grid, name === "replay"));
  return [
    `# ${title}`,
    ...(quick ? ["**A quick run, which shows that everything works. Its numbers mean little.**"] : []),
    `![${title}](${name}.svg)`,
    "In brackets: the speed as a multiple of ours, and of the floor where there is one. More than 1 is quicker.",
    ...grids.flatMap((grid) => [`## ${capital(grid.title)}, ${grid.unit}`, tableOf(grid)]),
    "## Where ours is behind",
    "How many times as quick, and in brackets the column.",
    behind.length === 0 ? "Nowhere in this run by more than 5 %." : behind.map((line) => `- ${line}`).join("\n"),
    "## Settings",
    settingsOf(names),
    "## How it was run",
    notes.map((note) => `- ${note}`).join("\n"),
    ...(skipped.length === 0 ? [] : ["Left out:", skipped.map((line) => `- ${line}`).join("\n")]),
    `\`\`\`\n${command}\n\n${renderMachine(machine, floor)}\n\`\`\``,
    "",
  ].join("\n\n");
}

/** @param {import("./context.js").Grid} grid */
function tableOf(grid) {
  const { columns, columnTitle, rows } = grid;
  const [ours, floor] = [rowOf(grid, grid.ours), rows.find(({ name }) => isFloor(name))];
  const header = [`${columnTitle}:`, ...columns.map((column) => column.toLocaleString("en")), "does not do"];
  const body = rows.map(({ name, values }) => [
    name === grid.ours ? `**${name}**` : name,
    ...values.map((value, column) => {
      if (value === undefined) return "–";
      const others = [ours, floor].filter((other) => other !== undefined);
      const ratios = others.map((other) => speedRatio(grid, value, other.values[column]));
      const said = ratios.map((ratio) => (ratio === undefined ? "–" : String(Number(ratio.toPrecision(2)))));
      return ratios.length === 0 ? amount(value) : `${amount(value)} (${said.join("; ")})`;
    }),
    facts[name]?.lacks ?? "",
  ]);
  const lines = [header, header.map((_, index) => (index === 0 || index > columns.length ? "---" : "---:")), ...body];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/**
 * Where peers are quicker than ours by more than noise, and why they can be.
 *
 * @param {import("./context.js").Grid} grid
 * @param {boolean} reading
 * @returns {string[]}
 */
function linesBehind(grid, reading) {
  const ours = rowOf(grid, grid.ours);
  if (ours === undefined) return [];
  return grid.rows.flatMap(({ name, values }) => {
    if (name === grid.ours || isFloor(name)) return [];
    const cells = grid.columns.flatMap((column, index) => {
      const value = values[index];
      const ratio = value === undefined ? undefined : speedRatio(grid, value, ours.values[index]);
      return ratio !== undefined && ratio > AHEAD
        ? [`${ratio.toFixed(ratio < 10 ? 2 : 0)} × (${column.toLocaleString("en")})`]
        : [];
    });
    if (cells.length === 0) return [];
    const why = grid.behind ?? (reading ? facts[name]?.aheadReading : undefined) ?? facts[name]?.ahead ?? "";
    return [`${capital(grid.title)}: ${name} is quicker, ${cells.join(", ")}. ${why}`.trim()];
  });
}

/** @param {readonly string[]} names */
function settingsOf(names) {
  const lines = names.map((name) => `| ${name} | ${versionOf(facts[name]?.from)} | ${facts[name]?.settings ?? ""} |`);
  return ["| | version | durability and how writers share a sync |", "| --- | --- | --- |", ...lines].join("\n");
}

/**
 * @param {import("./context.js").Grid} grid
 * @param {string | undefined} name
 */
function rowOf({ rows }, name) {
  return rows.find((row) => row.name === name);
}

/** @param {string} name */
function isFloor(name) {
  return name.startsWith("floor");
}

/**
 * @param {import("./context.js").Grid} grid
 * @param {number} value
 * @param {number | undefined} other
 * @returns {number | undefined} more than 1 where `value` is the better one
 */
export function speedRatio({ better }, value, other) {
  if (other === undefined) return undefined;
  return better === "higher" ? value / other : other / value;
}

/** @param {number} value */
function amount(value) {
  return value >= 100 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
}

/** @param {string} text */
function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
