/** The forms of the demo, and which options are of which. */
import { type Arguments, UsageError } from "../arguments.js";
import { type FlightFile, findFlightFile, openFlightFile } from "./flight-file.js";
import { blockFeed, scanBlocks } from "./node/block-feed.js";
import type { DemoFeed } from "./node/feed.js";
import { flightFeed } from "./node/flight-feed.js";
import { type NodeSettings, blockSettings, demoSettings } from "./node/node-settings.js";
import { runNode } from "./node/run.js";
import { runPlain } from "./plain/run.js";
import type { DemoReport, DemoRun } from "./run.js";

export const defaultRound = 4096;
export const defaultWriters = 64;

/** A form that has all that it needs. */
export interface Form {
  /** How much work it is, in flights or in blocks: kills are spread over it. */
  readonly total: number;
  readonly run: (run: DemoRun) => Promise<DemoReport>;
}

/** The form that the options ask for, with its files looked at. Options of another form are refused. Writes nothing. */
export async function formOf(args: Arguments, signal: AbortSignal): Promise<Form> {
  const file = args.text("era1");
  const isPlain = args.flag("plain");
  const flush = args.choice("flush", ["pool", "inline"] as const);
  const writers = args.wholeNumber("writers", { min: 1, max: 100_000 });
  const roundFlights = args.wholeNumber("round", { min: 1, max: 65_536 });
  if (args.flag("genesis")) {
    for (const name of ["records", "round", "writers", "data", "era1"])
      if (args.text(name) !== undefined)
        throw new UsageError(`--${name} says what comes after the genesis, and --genesis takes in nothing more.`);
    if (isPlain) throw new UsageError("--genesis is of the node, and --plain runs without one.");
    return await nodeForm(demoSettings, flush, (settings) =>
      flightFeed("-", { records: 0, roundRecords: defaultRound, settings }),
    );
  }
  if (file !== undefined) {
    for (const name of ["records", "round", "writers", "data"])
      if (args.text(name) !== undefined) throw ofFlights(name);
    if (isPlain) throw ofFlights("plain");
    const scanned = await scanBlocks(file, { signal });
    return await nodeForm(blockSettings, flush, (settings) => blockFeed(file, scanned, settings));
  }
  if (isPlain && roundFlights !== undefined)
    throw new UsageError("--round is of the node, and --plain runs without one.");
  if (!isPlain && writers !== undefined)
    throw new UsageError("--writers is of the plain log: give --plain with it. The node commits round after round.");
  const { file: flights, records } = await flightsOf(args);
  if (isPlain)
    return {
      total: records,
      run: (run) => runPlain({ ...run, file: flights, records, flush, writers: writers ?? defaultWriters }),
    };
  return await nodeForm(demoSettings, flush, (settings) =>
    flightFeed(flights.path, { records, roundRecords: roundFlights ?? defaultRound, settings }),
  );
}

/** The node with what `feedOf` makes of the settings. */
async function nodeForm(
  given: NodeSettings,
  flush: "pool" | "inline",
  feedOf: (settings: NodeSettings) => DemoFeed,
): Promise<Form> {
  // Asked for now, so that a package that is missing is told before anything is written.
  const genesis = await given.genesis();
  const feed = feedOf({ ...given, genesis: () => Promise.resolve(genesis) });
  return { total: feed.records, run: (run) => runNode({ ...run, feed, flush }) };
}

async function flightsOf(args: Arguments): Promise<{ readonly file: FlightFile; readonly records: number }> {
  const wanted = args.wholeNumber("records", { min: 1, max: Number.MAX_SAFE_INTEGER });
  const file = await openFlightFile(args.text("data") ?? findFlightFile());
  if (wanted !== undefined && wanted > file.flights)
    throw new UsageError(`--records is ${wanted}, and ${file.path} has ${file.flights} flights.`);
  return { file, records: wanted ?? file.flights };
}

function ofFlights(name: string): UsageError {
  return new UsageError(`--${name} is of flights, and --era1 takes in the blocks of a file instead.`);
}
