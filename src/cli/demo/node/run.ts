/** The demo as a node: kills its process, audits a copy of what each kill left, and the node itself at the end. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { verifyLog } from "../../../log/index.js";
import { createProgress } from "../../progress.js";
import { formatBytes, formatCount, formatDuration, formatPlural, formatRate } from "../../units.js";
import { equalCounts } from "../airport-count.js";
import { type NewestVersion, checkState, checkTold } from "../state/state-audit.js";
import { checkTrie } from "../state/trie-audit.js";
import { readFlightsAhead } from "../flight-source.js";
import { addCounters } from "../message.js";
import { DemoMismatchError } from "../mismatch.js";
import { LatencyHistogram } from "../latency.js";
import { RateMeter } from "../rate-meter.js";
import { shortHash } from "../short-hash.js";
import type { DemoReport, FlightsRun } from "../run.js";
import { supervise } from "../supervisor.js";
import { type Audit, type AuditDemands, auditNode } from "./audit.js";
import { Expectation } from "./expectation.js";
import { withImage } from "../image.js";
import type { NodeSettings } from "./node-settings.js";
import type { NodeOpening } from "./node.js";
import { versionAfter } from "./node-recovery.js";
import { type Round, cutRounds } from "./round.js";
import { type SyncsSaved, countSyncs } from "./separate-logs.js";
import { type NodeCrash, type WholeAudit, summarize, summaryLines } from "./summary.js";
import type { NodeAcknowledgement, NodeRunCounters } from "./write.js";

const noCounters: NodeRunCounters = {
  groups: 0,
  syncs: 0,
  writtenBytes: 0,
  checkpoints: 0,
  busyMs: 0,
  sourceWaitMs: 0,
};

/** Rounds by which durable writes are compared with those of separate logs. */
const comparedRounds = 9;

/** Runs it. A difference is a {@link DemoMismatchError}. */
export async function runNode(
  run: FlightsRun & { readonly roundFlights: number; readonly settings: NodeSettings },
): Promise<DemoReport> {
  const { terminal, signal, json, file, records, roundFlights, settings, kills, place, say } = run;
  const { colors } = terminal;
  const rounds = Math.ceil(records / roundFlights);
  const directory = join(place.directory, "node");
  const image = join(place.directory, "image");
  const expectation = new Expectation(
    readFlightsAhead({ path: file.path, first: 1, last: records }),
    roundFlights,
    settings,
  );
  const progress = createProgress(terminal, "commit", { json });
  try {
    await say(
      `${colors.bold("holdfast demo")}  ${records === 0 ? "Ethereum's genesis alone" : `${formatCount(records)} flights in ${formatPlural(rounds, "round")}`}, ${formatPlural(kills.length, "crash", "crashes")}, seed ${run.seed}`,
    );
    await say(place.line(colors));
    await say();

    const audit = (demands: AuditDemands): Promise<Audit> => {
      signal.throwIfAborted();
      return withImage(directory, image, async (copy) => {
        const found = await auditNode(copy, settings, expectation, demands);
        versions.check(expectation);
        return found;
      });
    };
    const meter = new RateMeter();
    const latency = new LatencyHistogram();
    const crashes: NodeCrash[] = [];
    let counters = noCounters;
    let told = { rounds: 0, flights: 0 };
    let life = noCounters;
    const versions = new ToldVersions();
    let killed: Pick<NodeCrash, "acknowledged" | "audit"> | undefined;
    const { elapsedMs } = await supervise<NodeOpening, NodeAcknowledgement>({
      words: [
        "demo-writer",
        directory,
        "--data",
        file.path,
        "--records",
        String(records),
        "--round",
        String(roundFlights),
        "--flush",
        run.flush,
      ],
      kills,
      signal,
      onOpened(opening, backAfterMs) {
        if (killed === undefined) return;
        checkReopened(opening, killed.audit, expectation);
        told = opening;
        const crash = { ...killed, reopened: opening, backAfterMs };
        crashes.push(crash);
        meter.reset();
        progress.note(crashLine(crash, crashes.length));
      },
      onAcknowledged(acknowledged) {
        if (acknowledged.rounds <= told.rounds)
          throw new DemoMismatchError(
            `Round ${acknowledged.rounds - 1} was acknowledged again, behind ${told.rounds} rounds.`,
          );
        told = acknowledged;
        life = acknowledged.counters;
        versions.add(acknowledged);
        // What the file gives is made while the node works, so that an audit need not wait for it. A failure is the next audit's to tell.
        expectation.advanceTo(told.rounds).catch(() => undefined);
        meter.add(told.flights, performance.now());
        latency.add(acknowledged.commitMs);
        progress.update(told.flights, records, () => {
          const counts = `round ${formatCount(told.rounds)}  LSN ${formatCount(acknowledged.lsn)}  version ${formatCount(acknowledged.version)} ${shortHash(acknowledged.hash)} ${shortHash(acknowledged.root)}  ${formatRate(meter.perSecond).padStart(9)}`;
          const live = `${counts}  ${formatDuration(latency.boundMs(0.5))} ${colors.cyan(latency.bars)}`;
          return kills.length === 0 ? live : `${live}  crashes survived ${crashes.length}/${kills.length}`;
        });
      },
      async onKilled() {
        counters = addCounters(counters, life);
        life = noCounters;
        killed = {
          acknowledged: told,
          audit: await audit({ acknowledged: told.rounds, recoveries: crashes.length }),
        };
      },
    });
    counters = addCounters(counters, life);
    const found = await audit({ acknowledged: rounds, recoveries: crashes.length, rows: true });
    const last = checkEnd(found, { rounds, records }, expectation);
    const structure = await verifyLog(directory, { signal });
    const saved = await compareSyncs(run, join(place.directory, "compared"));
    progress.stop();
    if (!structure.sound)
      throw new DemoMismatchError(`the log's structure has a problem: ${structure.problems[0]?.message ?? "unknown"}`);

    const kept = place.kept ? directory : undefined;
    const summary = summarize(
      { roundFlights, flush: run.flush, seed: run.seed, directory: kept },
      { crashes, counters, elapsedMs, latency, saved },
      last,
      structure,
    );
    return {
      summary,
      lines: summaryLines(summary, colors),
      verdict: `No acknowledged round was lost, and none was invented, repeated or changed, in ${formatPlural(crashes.length, "crash", "crashes")}.`,
      kept: kept === undefined ? undefined : `The node is in ${kept}: try holdfast inspect and verify on it.`,
    };
  } finally {
    progress.stop();
    await expectation.close();
  }
}

/** Counts durable writes beside those of separate logs, in a directory that is removed again. `undefined` where there are too few rounds. */
async function compareSyncs(
  { file, records, roundFlights, settings, flush }: Parameters<typeof runNode>[0],
  directory: string,
): Promise<SyncsSaved | undefined> {
  const last = Math.min(records, comparedRounds * roundFlights);
  const rounds: Round[] = [];
  for await (const round of cutRounds(readFlightsAhead({ path: file.path, first: 1, last }), 0, roundFlights))
    rounds.push(round);
  if (rounds.length < 2) return undefined;
  try {
    return await countSyncs(directory, { ...settings, log: { ...settings.log, flush } }, rounds);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** What the processes told of versions since the last audit. */
class ToldVersions {
  #told: NewestVersion[] = [];

  add({ version, hash, root }: NewestVersion): void {
    this.#told.push({ version, hash, root });
  }

  /** Each had the hash and the root that a run without crashes has. */
  check({ state }: Expectation): void {
    for (const told of this.#told) checkTold(told, state);
    this.#told = [];
  }
}

/** Recovery leaves no choice: the process must find what the audit found in the copy, and bring the state to the newest round. */
function checkReopened(reopened: NodeOpening, { rounds, flights }: Audit, expectation: Expectation): void {
  checkState(reopened.state, expectation.state);
  checkTrie(reopened.trie, expectation.state);
  const version = versionAfter(rounds);
  const hasState = reopened.state.version === version && reopened.trie.sequence === version;
  if (reopened.rounds === rounds && reopened.flights === flights && hasState) return;
  throw new DemoMismatchError(
    `The audit found ${rounds} rounds and ${flights} flights; the process that was started again has ${reopened.rounds} and ${reopened.flights}, its state is at version ${reopened.state.version}, and its Merkle store at ${reopened.trie.sequence}.`,
  );
}

/** All of the file is there and was read, and counted by its columns it comes to the same. */
function checkEnd(
  last: Audit,
  { rounds, records }: { readonly rounds: number; readonly records: number },
  { airportsOfColumns }: Expectation,
): WholeAudit {
  const isWhole = last.state.rounds === rounds && last.flatkv.version === versionAfter(rounds);
  const { trieContent } = last;
  if (last.rounds !== rounds || last.flights !== records || !isWhole || trieContent === undefined) {
    throw new DemoMismatchError(
      `${rounds} rounds of ${records} flights were to be committed, and ${last.rounds} of ${last.flights} are there.`,
    );
  }
  if (!equalCounts(last.state.airports, airportsOfColumns))
    throw new DemoMismatchError("The flights per airport differ between the event log and the file.");
  return { ...last, trieContent };
}

function crashLine({ acknowledged, audit, reopened, backAfterMs }: NodeCrash, index: number): string {
  const cut = reopened.cutBytes > 0 ? `, cut ${formatBytes(reopened.cutBytes)} of torn tail` : "";
  return (
    `  crash ${index}  killed at ${formatCount(acknowledged.rounds)} rounds acknowledged; ${formatCount(audit.rounds)} found, audited: version ${formatCount(audit.flatkv.version)} with LtHash ${shortHash(audit.flatkv.hashes.global)}, root ${shortHash(audit.trie.root)}; back in ` +
    `${formatDuration(backAfterMs)} (recovery ${formatDuration(reopened.recoveryMs)}, ${formatPlural(reopened.replayedEvents, "event")} replayed${cut})`
  );
}
