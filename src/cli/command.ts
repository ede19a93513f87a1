/** What a subcommand of `holdfast` is. */
import type { ArgDef, ArgsDef } from "citty";
import type { Arguments } from "./arguments.js";
import type { ExitCode } from "./exit-code.js";
import type { Terminal } from "./terminal.js";

/** A subcommand, as the list of commands has it. */
export interface ListedCommand {
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** Not listed: the command serves another one. */
  readonly hidden?: boolean;
  load(): Promise<Command>;
}

/** What a subcommand is and does. */
export interface Command {
  /** What it does, writes and does not write, for its own help. Paragraphs. */
  readonly description: string;
  /** What stdout holds with `--json`; undefined where the command has no such option. */
  readonly json?: string;
  /** Positional arguments and options, but for the ones that all commands have. */
  readonly args: ArgsDef;
  /** Command lines with what each does. */
  readonly examples: readonly (readonly [commandLine: string, what: string])[];
  run(context: CommandContext): Promise<ExitCode>;
}

/** What a command gets to work with. */
export interface CommandContext {
  readonly args: Arguments;
  readonly terminal: Terminal;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** `--json`: exactly one JSON document (or a stream of lines, where the help says so) on stdout, nothing else. */
  readonly json: boolean;
}

/** The options that every command has. */
export function commonArgs(command: Pick<Command, "json">): ArgsDef {
  const help: ArgDef = { type: "boolean", alias: "h", description: "Show this help" };
  const debug: ArgDef = { type: "boolean", description: "Show the stack of an error" };
  const json: ArgDef = { type: "boolean", description: `Print JSON on stdout and nothing else: ${command.json ?? ""}` };
  return command.json === undefined ? { debug, help } : { json, debug, help };
}
