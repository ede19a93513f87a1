/** The demo as a node: kills its process, audits a copy of what each kill left, and the node itself at the end. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { verifyLog } from "../../../log/index.js";
import { createProgress } from "../../progress.js";
import type { Colors } from "../../terminal.js";
import { formatBytes, formatCount, formatDuration, formatPlural, formatRate } from "../../units.js";
import { equalCounts } from "../counts.js";
import { type NewestVersion, checkState, checkTold } from "../state/state-audit.js";
import { checkTrie } from "../state/trie-audit.js";
import { addCounters } from "../message.js";
import { DemoMismatchError } from "../mismatch.js";
import { LatencyHistogram } from "../latency.js";
import { RateMeter } from "../rate-meter.js";
import { shortHash } from "../short-hash.js";
import type { DemoReport, DemoRun } from "../run.js";
import { supervise } from "../supervisor.js";
import { type Audit, type AuditDemands, auditNode } from "./audit.js";
import { Expectation } from "./expectation.js";
import type { DemoFeed, Round } from "./feed.js";
import { withImage } from "../image.js";
import type { NodeOpening } from "./node.js";
import { versionAfter } from "./node-recovery.js";
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

/** A run of the node. */
export interface NodeRun extends DemoRun {
  readonly feed: DemoFeed;
  readonly flush: "pool" | "inline";
}

/** Runs it. A difference is a {@link DemoMismatchError}. */
export async function runNode(run: NodeRun): Promise<DemoReport> {
  const { terminal, signal, json, feed, kills, place, say } = run;
  const { records, settings } = feed;
  const { colors } = terminal;
  const rounds = Math.ceil(records / feed.roundRecords);
  const directory = join(place.directory, "node");
  const image = join(place.directory, "image");
  const expectation = new Expectation(feed, settings);
  const progress = createProgress(terminal, "commit", { json });
  try {
    await say(
      `${colors.bold("holdfast demo")}  ${feed.title}, ${formatPlural(kills.length, "crash", "crashes")}, seed ${run.seed}`,
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
    let told = { rounds: 0, records: 0 };
    let life = noCounters;
    const versions = new ToldVersions();
    let killed: Pick<NodeCrash, "acknowledged" | "audit"> | undefined;
    const { elapsedMs } = await supervise<NodeOpening, NodeAcknowledgement>({
      words: ["demo-writer", directory, ...feed.words, "--flush", run.flush],
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
        meter.add(told.records, performance.now());
        latency.add(acknowledged.commitMs);
        progress.update(told.records, records, () =>
          liveLines(acknowledged, {
            colors,
            perSecond: formatRate(meter.perSecond),
            latency,
            survived: kills.length === 0 ? undefined : `${crashes.length} of ${kills.length}`,
          }),
        );
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
      feed,
      { flush: run.flush, seed: run.seed, directory: kept },
      { crashes, counters, elapsedMs, latency, saved },
      last,
      structure,
    );
    return {
      summary,
      lines: summaryLines(summary, feed, colors),
      verdict: `No acknowledged round was lost, and none was invented, repeated or changed, in ${formatPlural(crashes.length, "crash", "crashes")}.${feed.remark === undefined ? "" : ` ${feed.remark}`}`,
      kept: kept === undefined ? undefined : `The node is in ${kept}: try holdfast inspect and verify on it.`,
    };
  } finally {
    progress.stop();
    await expectation.close();
  }
}

/** What is shown while it runs: rates, where the node stands, what a round's commit takes, and crashes. */
function liveLines(
  { rounds, lsn, version, hash, root }: NodeAcknowledgement,
  {
    colors,
    perSecond,
    latency,
    survived,
  }: {
    readonly colors: Colors;
    readonly perSecond: string;
    readonly latency: LatencyHistogram;
    readonly survived: string | undefined;
  },
): string {
  const lines = [
    `${perSecond.padStart(9)}  round ${formatCount(rounds)}  LSN ${formatCount(lsn)}`,
    `  state    version ${formatCount(version)}  LtHash ${shortHash(hash)}  root ${shortHash(root)}`,
    `  latency  ${colors.cyan(latency.bars)}  half within ${formatDuration(latency.boundMs(0.5))}, 99 % within ${formatDuration(latency.boundMs(0.99))}`,
    ...(survived === undefined ? [] : [`  crashes survived  ${colors.green(survived)}`]),
  ];
  return lines.join("\n");
}

/** Counts durable writes beside those of separate logs, in a directory that is removed again. `undefined` where there are too few rounds. */
async function compareSyncs({ feed, flush }: NodeRun, directory: string): Promise<SyncsSaved | undefined> {
  const { settings } = feed;
  const rounds: Round[] = [];
  for await (const round of feed.rounds(0)) {
    rounds.push(round);
    if (rounds.length === comparedRounds) break;
  }
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
function checkReopened(reopened: NodeOpening, { rounds, records }: Audit, expectation: Expectation): void {
  checkState(reopened.state, expectation.state);
  checkTrie(reopened.trie, expectation.state);
  const version = versionAfter(rounds);
  const hasState = reopened.state.version === version && reopened.trie.sequence === version;
  if (reopened.rounds === rounds && reopened.records === records && hasState) return;
  throw new DemoMismatchError(
    `The audit found ${rounds} rounds and ${records} records; the process that was started again has ${reopened.rounds} and ${reopened.records}, its state is at version ${reopened.state.version}, and its Merkle store at ${reopened.trie.sequence}.`,
  );
}

/** All of the file is there and was read, and counted by its columns it comes to the same. */
function checkEnd(
  last: Audit,
  { rounds, records }: { readonly rounds: number; readonly records: number },
  { countsOfFile }: Expectation,
): WholeAudit {
  const isWhole = last.state.rounds === rounds && last.flatkv.version === versionAfter(rounds);
  const { trieContent } = last;
  if (last.rounds !== rounds || last.records !== records || !isWhole || trieContent === undefined) {
    throw new DemoMismatchError(
      `${rounds} rounds of ${records} records were to be committed, and ${last.rounds} of ${last.records} are there.`,
    );
  }
  if (!equalCounts(last.state.counts, countsOfFile))
    throw new DemoMismatchError("The records per lane differ between the event log and the file.");
  return { ...last, trieContent };
}

function crashLine({ acknowledged, audit, reopened, backAfterMs }: NodeCrash, index: number): string {
  const cut = reopened.cutBytes > 0 ? `, cut ${formatBytes(reopened.cutBytes)} of torn tail` : "";
  return (
    `  crash ${index}  killed at ${formatCount(acknowledged.rounds)} rounds acknowledged; ${formatCount(audit.rounds)} found, audited: version ${formatCount(audit.flatkv.version)} with LtHash ${shortHash(audit.flatkv.hashes.global)}, root ${shortHash(audit.trie.root)}; back in ` +
    `${formatDuration(backAfterMs)} (recovery ${formatDuration(reopened.recoveryMs)}, ${formatPlural(reopened.replayedEvents, "event")} replayed${cut})`
  );
}
