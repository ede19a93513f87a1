#!/usr/bin/env node
/** The `holdfast` command: wires the process (streams, signals, exit code) to the command line. */
import { commands } from "./commands.js";
import { interruptionSignal } from "./interruption.js";
import { runCommandLine } from "./run.js";
import { processTerminal } from "./terminal.js";

// `holdfast tail … | head` closes the pipe early: that is an end, not an error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

const { signal, release } = interruptionSignal();
// Waiting on a promise keeps no process alive by itself; a command that has not ended does.
const alive = setInterval(() => undefined, 60_000);
process.exitCode = await runCommandLine(process.argv.slice(2), commands, processTerminal(), signal);
clearInterval(alive);
release();
