/** Every subcommand, in the order in which the help lists them. */
import { benchCommand } from "./bench/command.js";
import type { Command } from "./command.js";
import { crashCommand } from "./crash/command.js";
import { demoCommand } from "./demo/command.js";
import { demoWriterCommand } from "./demo/writer-command.js";
import { inspectCommand } from "./inspect.js";
import { repairCommand } from "./repair.js";
import { tailCommand } from "./tail.js";
import { exportCommand } from "./tidwall/export-command.js";
import { importCommand } from "./tidwall/import-command.js";
import { verifyCommand } from "./verify.js";

/** The commands of `holdfast`. */
export const commands: readonly Command[] = [
  demoCommand,
  inspectCommand,
  verifyCommand,
  repairCommand,
  tailCommand,
  importCommand,
  exportCommand,
  benchCommand,
  crashCommand,
  demoWriterCommand,
];
