/** The forms of the demo, and which options are of which. */
import { type Arguments, UsageError } from "../arguments.js";
import { findFlightFile, openFlightFile } from "./flight-file.js";
import { demoSettings } from "./node/node-settings.js";
import { runNode } from "./node/run.js";
import { runPlain } from "./plain/run.js";
import { expectReplay } from "./replay/replay-expectation.js";
import { runReplay } from "./replay/run.js";
import type { DemoReport, DemoRun, FlightsRun } from "./run.js";

export const defaultRound = 4096;
export const defaultWriters = 64;

/** A form that has all that it needs. */
export interface Form {
  /** How much work it is, in flights or in versions: kills are spread over it. */
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
    return formOn({ file: { path: "-" }, records: 0, flush }, await nodeForm(defaultRound));
  }
  if (file !== undefined) {
    for (const name of ["records", "round", "writers", "data"])
      if (args.text(name) !== undefined) throw ofFlights(name);
    if (isPlain) throw ofFlights("plain");
    if (flush !== "pool") throw ofFlights("flush");
    return await replayForm(file, signal);
  }
  if (isPlain && roundFlights !== undefined)
    throw new UsageError("--round is of the node, and --plain runs without one.");
  if (!isPlain && writers !== undefined)
    throw new UsageError("--writers is of the plain log: give --plain with it. The node commits round after round.");
  const flights = await flightsOf(args, flush);
  if (isPlain) return formOn(flights, (run) => runPlain({ ...run, writers: writers ?? defaultWriters }));
  return formOn(flights, await nodeForm(roundFlights ?? defaultRound));
}

async function nodeForm(roundFlights: number): Promise<(run: FlightsRun) => Promise<DemoReport>> {
  // Asked for now, so that a package that is missing is told before anything is written.
  const genesis = await demoSettings.genesis();
  const settings = { ...demoSettings, genesis: () => Promise.resolve(genesis) };
  return (run) => runNode({ ...run, settings, roundFlights });
}

async function replayForm(path: string, signal: AbortSignal): Promise<Form> {
  const expectation = await expectReplay(path, { signal });
  return { total: expectation.state.version, run: (run) => runReplay({ ...run, path, expectation }) };
}

type Flights = Pick<FlightsRun, "file" | "records" | "flush">;

async function flightsOf(args: Arguments, flush: Flights["flush"]): Promise<Flights> {
  const wanted = args.wholeNumber("records", { min: 1, max: Number.MAX_SAFE_INTEGER });
  const file = await openFlightFile(args.text("data") ?? findFlightFile());
  if (wanted !== undefined && wanted > file.flights)
    throw new UsageError(`--records is ${wanted}, and ${file.path} has ${file.flights} flights.`);
  return { file, records: wanted ?? file.flights, flush };
}

function formOn(flights: Flights, run: (run: FlightsRun) => Promise<DemoReport>): Form {
  return { total: flights.records, run: (given) => run({ ...given, ...flights }) };
}

function ofFlights(name: string): UsageError {
  return new UsageError(`--${name} is of flights, and --era1 replays the blocks of a file instead.`);
}
