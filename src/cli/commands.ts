/**
 * Every subcommand, in the order in which the help lists them. A command is loaded when it is asked for: most need a good part of the package, and some
 * all of it.
 */
import type { ListedCommand } from "./command.js";

/** The commands of `holdfast`. */
export const commands: readonly ListedCommand[] = [
  {
    name: "demo",
    summary: "Run a small node on 3,000,000 real flights, kill it again and again, verify all.",
    load: async () => (await import("./demo/command.js")).demoCommand,
  },
  {
    name: "inspect",
    summary: "Show a log's bounds, options, anchor, segments and space; of a store: its books.",
    load: async () => (await import("./inspect.js")).inspectCommand,
  },
  {
    name: "verify",
    summary: "Read a whole log or store, check every checksum and the order, and list every problem.",
    load: async () => (await import("./verify.js")).verifyCommand,
  },
  {
    name: "repair",
    summary: "Cut a damaged log before the damage, or make damaged databases of a commit store anew.",
    load: async () => (await import("./repair.js")).repairCommand,
  },
  {
    name: "rebuild-hashes",
    summary: "Make a commit store of databases whose versions or hashes are missing.",
    load: async () => (await import("./flatkv/rebuild-hashes-command.js")).rebuildHashesCommand,
  },
  {
    name: "tail",
    summary: "Print the newest records, and go on as new ones become durable.",
    load: async () => (await import("./tail.js")).tailCommand,
  },
  {
    name: "import",
    summary: "Copy a log of another system into a log of holdfast, or make a commit store of an export.",
    load: async () => (await import("./import.js")).importCommand,
  },
  {
    name: "export",
    summary: "Write a log as a log of another system, or a commit store as one file.",
    load: async () => (await import("./export.js")).exportCommand,
  },
  {
    name: "bench",
    summary: "Take a quick look at the speed of this disk, beside its floor.",
    load: async () => (await import("./bench/command.js")).benchCommand,
  },
  {
    name: "crash",
    summary: "Crash simulated machines at every moment of many workloads, and check what is recovered.",
    load: async () => (await import("./crash/command.js")).crashCommand,
  },
  {
    name: "demo-writer",
    summary: "The process that the demo kills.",
    hidden: true,
    load: async () => (await import("./demo/writer-command.js")).demoWriterCommand,
  },
];
