/** From the words of a command line to an exit code. Knows no process: tests run it with a terminal of their own. */
import { HoldfastError } from "../base/index.js";
import { adviceFor } from "./advice.js";
import { parseArguments, suggestion, UsageError } from "./arguments.js";
import { type ListedCommand, commonArgs } from "./command.js";
import { type ExitCode, exitCodeOf, exitCodes } from "./exit-code.js";
import { commandHelp, programHelp } from "./help.js";
import { type Terminal, writeLine } from "./terminal.js";
import { packageVersion } from "./version.js";

/** Runs one command line (without `node` and the script). Never rejects: an error is printed and becomes an exit code. */
export async function runCommandLine(
  words: readonly string[],
  commands: readonly ListedCommand[],
  terminal: Terminal,
  signal: AbortSignal,
): Promise<ExitCode> {
  const [name, ...rest] = words;
  const command = commands.find((candidate) => candidate.name === name);
  try {
    if (name === undefined) {
      await terminal.err.write(programHelp(commands, packageVersion(), terminal.colors));
      return exitCodes.usage;
    }
    if (name === "--help" || name === "-h" || name === "help") {
      const about = commands.find((candidate) => candidate.name === rest[0]);
      await terminal.out.write(
        about === undefined
          ? programHelp(commands, packageVersion(), terminal.colors)
          : commandHelp(about, await about.load(), terminal.colors),
      );
      return exitCodes.ok;
    }
    if (name === "--version" || name === "-v") {
      await writeLine(terminal.out, packageVersion());
      return exitCodes.ok;
    }
    if (command === undefined) throw unknownCommand(name, commands);
    const loaded = await command.load();
    if (rest.includes("--help") || rest.includes("-h")) {
      await terminal.out.write(commandHelp(command, loaded, terminal.colors));
      return exitCodes.ok;
    }
    const args = parseArguments(rest, { ...loaded.args, ...commonArgs(loaded) });
    return await loaded.run({ args, terminal, signal, json: args.flag("json") });
  } catch (error) {
    // What the work throws when it was aborted is the reason that the signal carries, whatever wraps it.
    const cause: unknown = signal.aborted ? signal.reason : error;
    await printError(cause, terminal, { json: rest.includes("--json"), debug: rest.includes("--debug"), command });
    return exitCodeOf(cause);
  }
}

function unknownCommand(name: string, commands: readonly ListedCommand[]): UsageError {
  if (name.startsWith("-"))
    return new UsageError(`There is no option ${name} before a command's name. See holdfast --help.`);
  const known = commands.filter((command) => command.hidden !== true).map((command) => command.name);
  return new UsageError(`There is no command ${name}.${suggestion(name, known, "")} See holdfast --help.`);
}

async function printError(
  error: unknown,
  terminal: Terminal,
  how: { readonly json: boolean; readonly debug: boolean; readonly command: ListedCommand | undefined },
): Promise<void> {
  const { colors } = terminal;
  if (how.json) {
    const known = error instanceof HoldfastError ? error.toJSON() : { name: nameOf(error), message: messageOf(error) };
    await writeLine(terminal.out, JSON.stringify({ error: known }));
    if (!how.debug) return;
  }
  const code = error instanceof HoldfastError ? error.code : nameOf(error);
  const lines = how.json ? [] : [`${colors.red("error")} ${messageOf(error)} ${colors.dim(`[${code}]`)}`];
  if (!how.json && error instanceof UsageError && how.command !== undefined)
    lines.push(`See holdfast ${how.command.name} --help.`);
  const advice = adviceFor(error);
  if (!how.json && advice !== undefined) lines.push(advice);
  if (!how.json && exitCodeOf(error) === exitCodes.internal && !how.debug) {
    lines.push("This is a bug in holdfast. Run it again with --debug and report what it prints.");
  }
  if (how.debug && error instanceof Error) lines.push(stackOf(error));
  await writeLine(terminal.err, lines.join("\n"));
}

function stackOf(error: Error): string {
  const stack = error.stack ?? error.message;
  return error.cause instanceof Error ? `${stack}\nCaused by: ${stackOf(error.cause)}` : stack;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "Error";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
