/** Options of a command that are for one kind of its work only. */
import type { ArgsDef } from "citty";
import { type Arguments, UsageError } from "./arguments.js";

/** Refuses options that are for another `kind` of work than the one that was asked for. One that is given its default is not noticed. */
export function refuseOptions(args: Arguments, definitions: ArgsDef, kind: string): void {
  for (const [name, definition] of Object.entries(definitions)) {
    const isGiven =
      definition.type === "boolean"
        ? args.flag(name)
        : args.text(name) !== undefined && args.text(name) !== definition.default;
    if (isGiven) throw new UsageError(`--${name} is for ${kind} only.`);
  }
}
