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
  // Asked for now, so that a package that is missing is told before anything is written.
  const genesis = await demoSettings.genesis();
  const settings = { ...demoSettings, genesis: () => Promise.resolve(genesis) };
  return formOn(flights, (run) => runNode({ ...run, settings, roundFlights: roundFlights ?? defaultRound }));
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
