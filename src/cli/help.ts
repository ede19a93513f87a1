/** Help texts, made from the commands themselves. */
import type { ArgDef } from "citty";
import { type Command, type ListedCommand, commonArgs } from "./command.js";
import { exitCodeMeanings } from "./exit-code.js";
import { fieldLines } from "./table.js";
import type { Colors } from "./terminal.js";

const wrapColumns = 92;

/** The help of `holdfast` itself. */
export function programHelp(commands: readonly ListedCommand[], version: string, colors: Colors): string {
  const lines = [
    `${colors.bold("holdfast")} ${version}: crash-safe state for TypeScript.`,
    "",
    heading("Usage", colors),
    "  holdfast <command> [arguments] [options]",
    "",
    heading("Commands", colors),
    ...fieldLines(
      commands
        .filter((command) => command.hidden !== true)
        .map((command) => [colors.cyan(command.name), wrap(command.summary, wrapColumns - 16).join("\n")]),
    ),
    "",
    heading("Options of holdfast itself", colors),
    ...fieldLines([
      [colors.cyan("--version, -v"), "Print the version"],
      [colors.cyan("--help, -h"), "Show this help; after a command's name, the help of the command"],
    ]),
    "",
    ...exitCodeLines(colors),
    "",
    "Start with: holdfast demo --records 200000",
  ];
  return `${lines.join("\n")}\n`;
}

/** The help of one command. */
export function commandHelp(
  { name, summary }: Pick<ListedCommand, "name" | "summary">,
  command: Command,
  colors: Colors,
): string {
  const definitions = { ...command.args, ...commonArgs(command) };
  const positionals = Object.entries(definitions).filter(([, definition]) => definition.type === "positional");
  const options = Object.entries(definitions).filter(([, definition]) => definition.type !== "positional");
  const usage = positionals.map(([positional, definition]) =>
    isRequired(definition) ? `<${positional}>` : `[${positional}]`,
  );
  const lines = [
    `${colors.bold(`holdfast ${name}`)}: ${summary}`,
    "",
    ...command.description.split("\n").flatMap((paragraph) => wrap(paragraph, wrapColumns)),
    "",
    heading("Usage", colors),
    `  ${["holdfast", name, ...usage, "[options]"].join(" ")}`,
    "",
  ];
  if (positionals.length > 0) {
    lines.push(
      heading("Arguments", colors),
      ...fieldLines(positionals.map(([positional, definition]) => field(positional, definition, colors))),
      "",
    );
  }
  lines.push(
    heading("Options", colors),
    ...fieldLines(options.map(([option, definition]) => field(option, definition, colors))),
    "",
  );
  lines.push(heading("Examples", colors));
  for (const [commandLine, what] of command.examples) lines.push(`  ${colors.cyan(commandLine)}`, `      ${what}`);
  lines.push("", ...exitCodeLines(colors));
  return `${lines.join("\n")}\n`;
}

function exitCodeLines(colors: Colors): string[] {
  return [
    heading("Exit codes", colors),
    ...fieldLines(exitCodeMeanings.map(([code, meaning]) => [String(code), meaning])),
  ];
}

function field(name: string, definition: ArgDef, colors: Colors): readonly [string, string] {
  const text = definition.description ?? "";
  const preset = definition.default === undefined ? "" : ` (default ${String(definition.default)})`;
  const described = wrap(text + preset, wrapColumns - 24).join("\n");
  if (definition.type === "positional") return [colors.cyan(name), described];
  const alias = "alias" in definition && definition.alias !== undefined ? [definition.alias].flat() : [];
  // A name of one letter is the option `-n` itself.
  const names = [name, ...alias].map((each) => (each.length === 1 ? `-${each}` : `--${each}`)).join(", ");
  const value = definition.type === "boolean" ? "" : ` ${valueHint(definition)}`;
  return [colors.cyan(names + value), described];
}

function valueHint(definition: ArgDef): string {
  if (definition.valueHint !== undefined) return definition.valueHint;
  return "VALUE";
}

function isRequired(definition: ArgDef): boolean {
  return definition.required !== false && definition.default === undefined;
}

function heading(text: string, colors: Colors): string {
  return colors.bold(text);
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return lines;
}
