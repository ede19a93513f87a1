/** What the tests of the demo's node share: small settings, rounds, and an audit of what they come to. */
import { memoryEngine } from "../../../engine/index.js";
import { encodeAccount } from "../../../flatkv/index.js";
import type { SimVfs, Vfs } from "../../../vfs/index.js";
import { SharedLog } from "../../../streams/index.js";
import { type Audit, type AuditDemands, auditNode } from "./audit.js";
import { Expectation } from "./expectation.js";
import { chunksOf, flightsOf } from "../flights.contract.js";
import type { StateChangeSet } from "../state/change-set.js";
import { airportAddress } from "../state/flight-changes.js";
import { FlightNode } from "./node.js";
import type { NodeSettings } from "./node-settings.js";
import { openFlightStores } from "./node-stores.js";
import { type Round, makeRound } from "./round.js";

/** Flights in a round. */
export const roundFlights = 12;

/** A first version of one account. */
const genesis: StateChangeSet = {
  database: "account",
  changes: [{ key: airportAddress("ANC"), value: encodeAccount({ balance: 7n, nonce: 0n }) }],
};

/** A node that prunes and checkpoints after few rounds. */
export function smallSettings(vfs: Vfs): NodeSettings {
  return {
    log: { vfs, segmentBytes: 32 * 1024, blockBytes: 512, checkpointBytes: 16 * 1024 },
    roundsKept: 2,
    windowStep: 1,
    checkpointEvery: 2,
    checkpointsMax: 2,
    state: { engine: memoryEngine({ vfs }), snapshots: { everyCommits: 3, keep: 2 } },
    trie: { engine: memoryEngine({ vfs }), pages: { capacity: 8, checkpoint: { logBytesMax: 8 * 1024 } } },
    genesis: () => Promise.resolve([genesis]),
  };
}

/** A round of made-up flights. */
export function roundOf(index: number): Round {
  const firstFlight = index * roundFlights + 1;
  return makeRound(index, firstFlight, flightsOf(firstFlight, firstFlight + roundFlights - 1).bytes);
}

/** What made-up flights up to `rounds` of these rounds come to. */
export function expectationOf(settings: NodeSettings, rounds: number): Expectation {
  return new Expectation(chunksOf(1, rounds * roundFlights, 100), roundFlights, settings);
}

/** Audits a node that was to commit up to `rounds` of these rounds. */
export async function auditRounds(
  directory: string,
  settings: NodeSettings,
  rounds: number,
  demands: AuditDemands,
): Promise<Audit> {
  const expectation = expectationOf(settings, rounds);
  try {
    return await auditNode(directory, settings, expectation, demands);
  } finally {
    await expectation.close();
  }
}

/** Commits rounds up to `rounds`, and cuts the power; then the Merkle store has none of the commits of the newest `behind` rounds. */
export async function withTrieBehind(vfs: SimVfs, rounds: number, behind: number): Promise<SimVfs> {
  const commitUntil = async (end: number): Promise<FlightNode> => {
    const node = await FlightNode.open("/node", lazySettings(vfs));
    for (let index = node.opening.rounds; index < end; index++) await node.commit(roundOf(index));
    return node;
  };
  await (await commitUntil(rounds - behind)).close();
  const stores = await openFlightStores("/node", lazySettings(vfs));
  const { lastLsn } = await stores.shared.stream("trie");
  await stores.close();
  await commitUntil(rounds);
  const next = vfs.powerCut();
  const shared = await SharedLog.open("/node", lazySettings(next).log);
  await (await shared.stream("trie")).truncateAfter(lastLsn);
  await shared.close();
  return next;
}

/** Small settings, but that the Merkle store makes checkpoints when it is closed only, and its table never grows. */
export function lazySettings(vfs: Vfs): NodeSettings {
  const small = smallSettings(vfs);
  return { ...small, trie: { ...small.trie, pages: { capacity: 64 } } };
}
