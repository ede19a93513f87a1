/** What a node of the demo takes in: the records of a file, in rounds. Flights are one such feed, and the blocks of an era1 file another. */
import type { RowReader, StateChangeSet } from "../state/change-set.js";
import type { NodeSettings } from "./node-settings.js";

/** The records of a round that go into one lane, in order, as one body. */
export interface LaneRecords {
  readonly lane: string;
  readonly records: number;
  readonly body: Uint8Array;
}

/** One round. What is in it follows from its number alone, so a round that is made again after a crash is the same. */
export interface Round {
  /** Counted from 0. */
  readonly index: number;
  /** Number of its first record; the first of all is 1. */
  readonly firstRecord: number;
  /** How many records it has. */
  readonly records: number;
  /** Sorted by lane. */
  readonly lanes: readonly LaneRecords[];
  /** What the events count, sorted by name: flights by airport, blocks by miner. */
  readonly counts: readonly (readonly [name: string, count: number])[];
  /** Its records as they stand in the file, one after the other. */
  readonly source: Uint8Array;
  /** What it does to the state, from the rows before. */
  changes(rows: RowReader): Promise<StateChangeSet[]>;
}

/** Adds to counts. */
export type OnCounts = (counts: Iterable<readonly [name: string, count: number]>) => void;

/** See the head of this file. */
export interface Feed {
  /** The rounds from this one on. `onCounts` hears of the counts of what is read, by another way than the rounds' own where there is one. */
  rounds(from: number, onCounts?: OnCounts): AsyncGenerator<Round, void, undefined>;
  /** Puts the bodies of a round's blocks back into the order of the file. `undefined` where they do not have each of the round's records once. */
  restore(round: Pick<Round, "firstRecord" | "records">, bodies: readonly Uint8Array[]): Uint8Array | undefined;
}

/** A feed with all that the demo has to know of it. */
export interface DemoFeed extends Feed {
  readonly form: "node" | "era1";
  readonly settings: NodeSettings;
  /** Records in all, and in a round; the last one may have fewer. */
  readonly records: number;
  readonly roundRecords: number;
  /** How the process that is killed is told of it. */
  readonly words: readonly string[];
  /** What a record is called, and what the run is, in a few words. */
  readonly noun: string;
  readonly title: string;
  /** What stands above the names that were counted most, of so many. */
  readonly rankingHead: (names: number) => string;
  /** More for the document of `--json`. */
  readonly facts: Readonly<Record<string, number | null>>;
  /** More to say at the end. */
  readonly remark: string | undefined;
}
