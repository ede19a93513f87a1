/** A workload's chart, drawn by Vega without a browser. One file serves light and dark pages. */
import { View, parse } from "vega";
import { compile } from "vega-lite";

const INK = "#57606a";
const GRID = "#d8dee4";
const PAPER = "#ffffff";
/** Readable on light and on dark. */
const COLORS = ["#4c8dd6", "#e08b2d", "#3fa564", "#d9555a", "#9a74cf", "#b0793f", "#d873b0", "#3aa6b0"];
const OURS = ["holdfast", "holdfast, inline", "FlatKV", "MerkleStore"];
const DARK = `<style>@media (prefers-color-scheme: dark) {
[fill="${INK}"] { fill: #c9d1d9 } [stroke="${INK}"] { stroke: #8b949e } [stroke="${GRID}"] { stroke: #30363d } [fill="${PAPER}"] { fill: #0d1117 }
}</style>`;

/**
 * @param {import("./context.js").PeerWorkload} workload
 * @param {import("./context.js").PeerOutcome} outcome
 * @returns {Promise<string>} SVG
 */
export async function drawChart({ title }, { grids, chart }) {
  /** @type {any} what vega-lite says of its specifications takes longer to satisfy than to look at the chart */
  const spec = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title: { text: title, anchor: "start" },
    background: PAPER,
    padding: 16,
    config: {
      view: { stroke: null },
      title: { color: INK, subtitleColor: INK, fontSize: 14 },
      axis: {
        labelColor: INK,
        titleColor: INK,
        gridColor: GRID,
        domainColor: INK,
        tickColor: INK,
        titleFontWeight: "normal",
      },
      legend: { labelColor: INK, titleColor: INK, titleFontWeight: "normal" },
    },
    ...(chart === "dots" ? { hconcat: grids.map(dots) } : { concat: grids.map(lines), columns: 2 }),
    resolve: {
      scale: { color: chart === "dots" && sameColumns(grids) ? "shared" : chart === "dots" ? "independent" : "shared" },
    },
  };
  const { spec: vega } = compile(spec);
  const svg = await new View(parse(vega), { renderer: "none" }).toSVG();
  return svg.replace(/<svg[^>]*>/, (tag) => `${tag}${DARK}`);
}

/**
 * A row for each contender, a dot for each column.
 *
 * @param {import("./context.js").Grid} grid
 * @param {number} index
 */
function dots(grid, index) {
  const values = valuesOf(grid);
  const order = grid.rows.map(({ name }) => name);
  const domain = grid.columns.map((column) => column.toLocaleString("en"));
  const y = {
    field: "contender",
    type: "nominal",
    sort: order,
    title: null,
    axis: {
      labels: index === 0 || !grid.title.includes(" a record"),
      ticks: false,
      domain: false,
      grid: true,
      labelLimit: 220,
      labelFontWeight: {
        condition: { test: OURS.map((name) => `datum.value === '${name}'`).join(" || "), value: "bold" },
        value: "normal",
      },
    },
  };
  const x = {
    field: "value",
    type: "quantitative",
    scale: { type: "log", nice: true },
    title: `${grid.unit}, ${grid.better} is better`,
    axis: logAxis(values.map(({ value }) => value)),
  };
  return {
    title: { text: grid.title, fontSize: 12, fontWeight: "normal", anchor: "start" },
    width: 260,
    height: { step: 22 },
    data: { values },
    layer: [
      {
        mark: { type: "rule", strokeWidth: 2, stroke: GRID },
        encoding: {
          y,
          x: { ...x, aggregate: "min" },
          x2: { field: "value", aggregate: "max" },
        },
      },
      {
        mark: { type: "point", filled: true, size: 70, opacity: 1 },
        encoding: {
          y,
          x,
          color: {
            field: "column",
            type: "nominal",
            title: grid.columnTitle,
            scale: { domain, range: COLORS.slice(0, domain.length) },
            ...(domain.length === 1 ? { legend: null } : {}),
          },
        },
      },
    ],
  };
}

/**
 * A line for each contender along the columns.
 *
 * @param {import("./context.js").Grid} grid
 * @param {number} _index
 * @param {readonly import("./context.js").Grid[]} grids
 */
function lines(grid, _index, grids) {
  const values = valuesOf(grid);
  const domain = [...new Set(grids.flatMap(({ rows }) => rows.map(({ name }) => name)))];
  return {
    title: { text: grid.title, fontSize: 12, fontWeight: "normal", anchor: "start" },
    width: 330,
    height: 200,
    data: { values },
    mark: { type: "line", point: { size: 36, filled: true }, strokeWidth: 2 },
    encoding: {
      x: {
        field: "at",
        type: "quantitative",
        scale: { type: "log" },
        title: grid.columnTitle,
        axis: logAxis(grid.columns),
      },
      y: {
        field: "value",
        type: "quantitative",
        scale: { type: "log" },
        title: grid.unit,
        axis: logAxis(values.map(({ value }) => value)),
      },
      color: {
        field: "contender",
        type: "nominal",
        title: null,
        scale: { domain, range: domain.map((_, at) => COLORS[at % COLORS.length]) },
        legend: { labelLimit: 240, symbolType: "circle", symbolStrokeWidth: 0, symbolOpacity: 1 },
      },
    },
  };
}

/** @param {import("./context.js").Grid} grid */
function valuesOf({ rows, columns }) {
  return rows.flatMap(({ name, values }) =>
    values.flatMap((value, column) => {
      const at = columns[column] ?? 0;
      return value === undefined ? [] : [{ contender: name, at, column: at.toLocaleString("en"), value }];
    }),
  );
}

/**
 * A line at each power of ten; where those are few, at its double and its fivefold too.
 *
 * @param {readonly number[]} numbers
 */
function logAxis(numbers) {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)].map((number) => Math.log10(number));
  const [first, last] = [Math.floor(least ?? 0), Math.ceil(most ?? 0)];
  const steps = last - first > 2 ? [1] : [1, 2, 5];
  const values = Array.from({ length: last - first + 1 }, (_, at) => steps.map((step) => step * 10 ** (first + at)));
  const labelExpr = "datum.value >= 1000 ? format(datum.value, '~s') : format(datum.value, '~g')";
  return { values: values.flat(), labelExpr };
}

/** @param {readonly import("./context.js").Grid[]} grids */
function sameColumns(grids) {
  return grids.every(({ columns }) => columns.join(" ") === grids[0]?.columns.join(" "));
}
