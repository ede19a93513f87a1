/**
 * Looks at everything that a node holds and compares it with what the flight file says that it must hold: certificates, blocks, anchor, events, state.
 *
 * A block's hash covers its bytes and the hash of the block before it, a certificate's those of its blocks and the certificate before it. So a certificate
 * that hashes to what the file gives means that every flight so far was taken in, once, in order, byte for byte, those included that were pruned
 * since. That speaks of the lanes as they should be; the blocks that they hold are read and hashed here, and the flights in those of the kept rounds are
 * compared with the file itself, without any hash and without the code that cuts rounds into blocks. The commit store and the Merkle store must have, at their
 * versions, the hashes and the root that a run without crashes has.
 */
import { equalBytes, toHex } from "../../../base/index.js";
import { equalCounts } from "../airport-count.js";
import { type DatabaseRows, type StateVersion, checkState, stateOf, verifyState } from "../state/state-audit.js";
import { type TrieContent, type TrieVersion, checkTrie, trieOf, verifyTrie } from "../state/trie-audit.js";
import { checkFlights, checkLanes } from "./audit-lanes.js";
import type { Certificate } from "./certificate.js";
import { type Part, demand, isHash } from "./demand.js";
import type { Expectation } from "./expectation.js";
import { type NodeEventInput, type NodeState, eventsHash } from "./node-events.js";
import { hydrateState, orMismatch, versionAfter } from "./node-recovery.js";
import type { NodeSettings } from "./node-settings.js";
import { type NodeEventLog, type NodePipeline, type FlightStores, openFlightStores } from "./node-stores.js";
import { firstRoundKept, roundsKeptMax } from "./window.js";

/** What must be there. */
export interface AuditDemands {
  /** Rounds that were acknowledged: there must be at least so many. */
  readonly acknowledged: number;
  /** How often the node had recovered from a crash. */
  readonly recoveries: number;
  /** Whether the rows and pages of the state are read too, all of them, which has to be at the newest round. */
  readonly rows?: boolean;
}

/** What was found right. Anything wrong is a `DemoMismatchError` instead. */
export interface Audit {
  readonly rounds: number;
  readonly flights: number;
  /** Blocks that the lanes ever got. */
  readonly blocks: number;
  /** What was still there, read and compared. */
  readonly certificatesRead: number;
  readonly blocksRead: number;
  /** Flights in the rounds whose certificates are there, compared with the file byte for byte. */
  readonly flightsCompared: number;
  readonly eventsRead: number;
  /** Events that were applied to the newest checkpoint's state. */
  readonly eventsReplayed: number;
  readonly state: NodeState;
  /** Where the commit store stands, and what was read of it; nothing where that was not asked for. */
  readonly flatkv: StateVersion;
  readonly databases: readonly DatabaseRows[];
  /** The same of the Merkle store. */
  readonly trie: TrieVersion;
  readonly trieContent: TrieContent | undefined;
  readonly elapsedMs: number;
}

/** Opens the node in a directory, which recovers it, and checks everything. */
export async function auditNode(
  directory: string,
  settings: NodeSettings,
  expectation: Expectation,
  demands: AuditDemands,
): Promise<Audit> {
  const startMs = performance.now();
  const stores = await openFlightStores(directory, settings);
  try {
    const found = await auditStores(stores, settings, expectation, demands);
    return { ...found, elapsedMs: performance.now() - startMs };
  } finally {
    await stores.close();
  }
}

async function auditStores(
  { events, pipeline, flatkv, trie }: FlightStores,
  settings: NodeSettings,
  expectation: Expectation,
  { acknowledged, recoveries, rows = false }: AuditDemands,
): Promise<Omit<Audit, "elapsedMs">> {
  const [failure] = pipeline.failures;
  if (failure !== undefined) throw failure.error;
  const rounds = pipeline.chain.nextIndex;
  demand("chain", rounds >= acknowledged, `${acknowledged} rounds were acknowledged, and the chain has ${rounds}`);

  const hydrated = await hydrateState(events);
  const { state } = hydrated;
  // A round is one batch: all that it is made of is there, or nothing.
  demand("events", state.rounds === rounds, `the event log has ${state.rounds} rounds, and the chain ${rounds}`);
  await expectation.advanceTo(rounds);
  checkTold(state, expectation, recoveries);
  demand("chain", expectation.rounds >= rounds, `it has ${rounds} rounds, and the flights make ${expectation.rounds}`);

  const found = stateOf(flatkv);
  const foundTrie = trieOf(trie);
  // A crash may come before the first version.
  const version = rounds === 0 && found.version === 0 ? 0 : versionAfter(rounds);
  demand("flatkv", found.version === version, `it is at version ${found.version}, with ${rounds} rounds in the chain`);
  if (version > 0) checkState(found, expectation.state);
  demand("trie", foundTrie.sequence === version, `it is at ${foundTrie.sequence}, with ${rounds} rounds in the chain`);
  if (version > 0) checkTrie(foundTrie, expectation.state);
  const databases = rows ? await verifyState(flatkv) : [];
  const trieContent = rows ? await verifyTrie({ flatkv, trie }, expectation.state) : undefined;

  const eventsRead = await checkEvents(events, state.rounds, expectation);
  const certificates = await checkChain(pipeline, expectation);
  demand(
    "chain",
    certificates.length <= roundsKeptMax(settings),
    `it holds ${certificates.length} certificates, and the older ones were to be dropped`,
  );
  checkAnchor(pipeline, settings);
  const lanes = await checkLanes(pipeline, certificates, expectation);
  const { flights, blocks } = expectation;
  return {
    rounds,
    flights,
    blocks,
    certificatesRead: certificates.length,
    blocksRead: lanes.read,
    flightsCompared: checkFlights(certificates, lanes.certified, expectation),
    eventsRead,
    eventsReplayed: hydrated.events,
    state,
    flatkv: found,
    databases,
    trie: foundTrie,
    trieContent,
  };
}

/** The state that checkpoint and events add up to is the one that the flights add up to. */
function checkTold(state: NodeState, expectation: Expectation, recoveries: number): void {
  const { flights, blocks, heads, airports } = expectation;
  demand("state", state.flights === flights, `the state counts ${state.flights} flights, not ${flights}`);
  demand("state", state.blocks === blocks, `the state counts ${state.blocks} blocks, not ${blocks}`);
  demand("state", state.lanes === heads.size, `the state counts ${state.lanes} lanes, not ${heads.size}`);
  demand(
    "state",
    state.recoveries === recoveries,
    `the state counts ${state.recoveries} recoveries, not ${recoveries}`,
  );
  demand("state", equalCounts(state.airports, airports), "the state's flights per airport are not those of the file");
  checkHash("state", state.rounds - 1, state.certificate, expectation);
}

/** The events that are kept tell of round after round up to the last of `rounds`, each with what the file gives. Returns how many there are. */
async function checkEvents(events: NodeEventLog, rounds: number, expectation: Expectation): Promise<number> {
  let next: number | undefined;
  let ofRound: NodeEventInput[] = [];
  const handle = ({ type, data }: NodeEventInput): void => {
    const round = type === "recovered" ? data.rounds : data.round;
    demand("events", next === undefined || round === next, `one speaks of round ${round} where ${next} comes next`);
    next = round;
    if (type === "recovered") {
      demand("events", ofRound.length === 0, `a recovery stands between those of round ${round}`);
      return;
    }
    ofRound.push({ type, data } as NodeEventInput);
    if (type !== "roundCommitted") return;
    checkHash("events", round, data.certificate, expectation);
    // A checkpoint never stands between the events of a round, so what is kept begins with a whole one.
    demand(
      "events",
      eventsHash(ofRound) === expectation.events(round),
      `those of round ${round} do not tell what the file gives`,
    );
    next = round + 1;
    ofRound = [];
  };
  const read = await orMismatch(events.replayWith(handle));
  demand(
    "events",
    next === undefined || next === rounds,
    `they end before round ${next}, and the state with ${rounds}`,
  );
  demand("events", ofRound.length === 0, `round ${next} has a beginning and no end`);
  return read;
}

/** The certificates that are kept follow each other, and are those that the file gives. */
async function checkChain({ chain }: NodePipeline, expectation: Expectation): Promise<Certificate[]> {
  const certificates: Certificate[] = [];
  for await (const { index, value } of chain.log.read()) {
    demand("chain", value.round === index, `the chain has round ${value.round} at ${index}`);
    const before = certificates.at(-1);
    demand(
      "chain",
      before === undefined || equalBytes(value.previous, before.hash),
      `certificate ${index} has another before it`,
    );
    demand(
      "chain",
      isHash(value.hash, expectation.certificate(index)),
      `certificate ${index} is not the one that the file gives`,
    );
    certificates.push(value);
  }
  const last = certificates.at(-1)?.round ?? -1;
  demand("chain", last === chain.nextIndex - 1, `it ends with certificate ${last}, not ${chain.nextIndex - 1}`);
  return certificates;
}

/** The anchor is of the newest round, and what it needs is there. */
function checkAnchor({ anchor, chain, lanes }: NodePipeline, settings: NodeSettings): void {
  const rounds = chain.nextIndex;
  if (anchor === undefined) return demand("anchor", rounds === 0, `there is no anchor, and there are ${rounds} rounds`);
  const { round, firstRound, firstBlocks } = anchor;
  demand("anchor", round === rounds - 1, `the anchor is of round ${round}, and the newest is ${rounds - 1}`);
  demand(
    "anchor",
    firstRound === firstRoundKept(round, settings),
    `the anchor of round ${round} keeps those from ${firstRound} on`,
  );
  demand(
    "anchor",
    chain.firstIndex <= firstRound,
    `the anchor needs round ${firstRound}, and the chain starts at ${chain.firstIndex}`,
  );
  for (const [airport, first] of firstBlocks) {
    const lane = lanes.get(airport);
    const isThere = lane !== undefined && lane.firstIndex <= first && first < lane.nextIndex;
    demand("anchor", isThere, `the anchor needs block ${first} of ${airport}, which is missing`);
  }
}

function checkHash(part: Part, round: number, hexadecimal: string, expectation: Expectation): void {
  const expected = expectation.certificate(round);
  const text = expected === undefined ? "" : toHex(expected);
  demand(part, hexadecimal === text, `the ${part} have another certificate for round ${round} than the file gives`);
}
