/** Every subcommand, in the order in which the help lists them. */
import { benchCommand } from "./bench/command.js";
import type { Command } from "./command.js";
import { crashCommand } from "./crash/command.js";
import { demoCommand } from "./demo/command.js";
import { demoWriterCommand } from "./demo/writer-command.js";
import { exportCommand } from "./export.js";
import { rebuildHashesCommand } from "./flatkv/rebuild-hashes-command.js";
import { importCommand } from "./import.js";
import { inspectCommand } from "./inspect.js";
import { repairCommand } from "./repair.js";
import { tailCommand } from "./tail.js";
import { verifyCommand } from "./verify.js";

/** The commands of `holdfast`. */
export const commands: readonly Command[] = [
  demoCommand,
  inspectCommand,
  verifyCommand,
  repairCommand,
  rebuildHashesCommand,
  tailCommand,
  importCommand,
  exportCommand,
  benchCommand,
  crashCommand,
  demoWriterCommand,
];
