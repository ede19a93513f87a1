/** Aligned text: fields (name, value) and tables with a head. */
import { padVisible, visibleLength } from "./terminal.js";

/** Lines `name   value`, the names padded to one width. A value with several lines goes on below its first. */
export function fieldLines(fields: readonly (readonly [string, string])[], indent = 2): string[] {
  const width = Math.max(0, ...fields.map(([name]) => visibleLength(name)));
  const start = " ".repeat(indent);
  const hang = " ".repeat(indent + width + 2);
  return fields.flatMap(([name, value]) =>
    value.split("\n").map((line, index) => (index === 0 ? `${start}${padVisible(name, width)}  ${line}` : hang + line)),
  );
}

/** One column of a table. */
export interface Column {
  readonly head: string;
  readonly align: "start" | "end";
}

/** A table with a head, columns two blanks apart. */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[], indent = 2): string[] {
  const widths = columns.map((column, index) =>
    Math.max(visibleLength(column.head), ...rows.map((row) => visibleLength(row[index] ?? ""))),
  );
  const line = (cells: readonly string[]): string =>
    (
      " ".repeat(indent) +
      columns
        .map((column, index) =>
          padVisible(cells[index] ?? "", widths[index] ?? 0, column.align === "end" ? "start" : "end"),
        )
        .join("  ")
    ).trimEnd();
  return [line(columns.map((column) => column.head)), ...rows.map(line)];
}
