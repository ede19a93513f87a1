/**
 * What one batch over all stores saves: the same rounds once into the node, and once into stores of which each has a log of its own, and so waits for a
 * durable write of its own. Counted, not computed.
 */
import { join } from "node:path";
import { Log } from "../../../log/index.js";
import { EventLog } from "../../../events/index.js";
import { FlatKv } from "../../../flatkv/index.js";
import { PersistPipeline } from "../../../lanes/index.js";
import { SharedLog } from "../../../streams/index.js";
import { MerkleStore } from "../../../trie/index.js";
import { prepareVersion } from "../../node/state.js";
import { flightChangeSets } from "../state/flight-changes.js";
import { Ledger } from "./ledger.js";
import { eventsOfRound } from "./node-events.js";
import type { NodeSettings } from "./node-settings.js";
import { flightForm } from "./node-stores.js";
import { FlightNode } from "./node.js";
import type { Round } from "./round.js";
import { Window } from "./window.js";

/** Waits for the disk in each, prunes included, from the second round on: the first one makes the lanes. */
export interface SyncsSaved {
  readonly rounds: number;
  readonly together: number;
  readonly separate: number;
}

/** Commits the rounds, two at least, in two new directories in `directory`. */
export async function countSyncs(
  directory: string,
  settings: NodeSettings,
  rounds: readonly Round[],
): Promise<SyncsSaved> {
  const node = await FlightNode.open(join(directory, "together"), settings);
  let together: number;
  try {
    together = await countFrom(rounds, (round) => node.commit(round), () => node.counters.syncs); // prettier-ignore
  } finally {
    await node.close();
  }
  const separate = await countSeparate(join(directory, "separate"), settings, rounds);
  return { rounds: rounds.length - 1, together, separate };
}

async function countFrom(
  [first, ...rest]: readonly Round[],
  commit: (round: Round) => Promise<void>,
  syncs: () => number,
): Promise<number> {
  await commit(first!);
  const before = syncs();
  for (const round of rest) await commit(round);
  return syncs() - before;
}

/** Lanes, chain and anchor have one log even here: with one for each lane it would be hundreds of writes a round. */
async function countSeparate(directory: string, settings: NodeSettings, rounds: readonly Round[]): Promise<number> {
  const form = flightForm(settings);
  const inside = (name: string): string => join(directory, name);
  await using shared = await SharedLog.open(directory, settings.log);
  const { checkpointBytes: _, ...logOptions } = settings.log;
  await using events = await Log.open(inside("events-log"), logOptions);
  await using states = await Log.open(inside("state-log"), logOptions);
  await using tries = await Log.open(inside("trie-log"), logOptions);
  await using told = await EventLog.on(events, { events: form.events, snapshot: form.snapshot });
  await using pipeline = await PersistPipeline.open(shared, {
    lanes: { codec: form.block },
    chain: { codec: form.certificate },
    anchor: {
      codec: form.anchor,
      needs: ({ firstRound, firstBlocks }) => ({ chain: firstRound, lanes: firstBlocks }),
    },
  });
  await using flatkv = await FlatKv.open(inside("state"), { ...settings.state, journal: states });
  await using trie = await MerkleStore.open(inside("trie"), { ...settings.trie, journal: tries });
  await Promise.all((await prepareVersion({ flatkv, trie }, () => settings.genesis())).commit());
  const ledger = new Ledger();
  const window = new Window(settings);
  const commit = async (round: Round): Promise<void> => {
    const version = await prepareVersion({ flatkv, trie }, (rows) => flightChangeSets(round.lanes, rows));
    const { certificate, blocks } = ledger.seal(round);
    const firstRound = window.add(certificate);
    await Promise.all([
      pipeline.persist({
        anchor: { round: round.index, firstRound, firstBlocks: window.firstBlocks(ledger.heads) },
        chain: { firstIndex: round.index, values: [certificate] },
        lanes: blocks.map((block) => ({ key: block.airport, values: [block], firstIndex: block.number })),
      }),
      told.appendAll(eventsOfRound(round, certificate)),
      ...version.commit(),
    ]);
  };
  const syncs = (): number =>
    shared.stats().log.syncs + [events, states, tries].reduce((sum, log) => sum + log.stats().syncs, 0);
  return await countFrom(rounds, commit, syncs);
}
