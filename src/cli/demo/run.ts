/** What the forms of the demo are given, and what they give back. */
import type { CommandContext } from "../command.js";
import type { FlightFile } from "./flight-file.js";
import type { PlannedKill } from "./kill-plan.js";
import type { Place } from "./place.js";

/** A run of the demo. */
export interface DemoRun extends Pick<CommandContext, "terminal" | "signal" | "json"> {
  readonly kills: readonly PlannedKill[];
  readonly seed: number;
  readonly place: Place;
  /** Prints a line; nothing with `--json`. */
  readonly say: (line?: string) => Promise<void>;
}

/** A run of a form that takes flights in. */
export interface FlightsRun extends DemoRun {
  readonly file: Pick<FlightFile, "path">;
  /** Flights to make durable, from the first of the file on. */
  readonly records: number;
  readonly flush: "pool" | "inline";
}

/** What a run comes to. */
export interface DemoReport {
  /** The document of `--json`. */
  readonly summary: object;
  /** The same for people. */
  readonly lines: readonly string[];
  readonly verdict: string;
  /** Where the files are that stay. */
  readonly kept: string | undefined;
}
