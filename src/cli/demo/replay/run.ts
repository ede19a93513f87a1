/** The demo as a replay of an era1 file: each block one version of a commit store and of a Merkle store, whose process is killed; each time the stores are held against a run without crashes. */
import { join } from "node:path";
import { createProgress } from "../../progress.js";
import { formatCount, formatDuration, formatPlural } from "../../units.js";
import { withImage } from "../image.js";
import { addCounters } from "../message.js";
import { DemoMismatchError } from "../mismatch.js";
import { RateMeter } from "../rate-meter.js";
import type { DemoReport, DemoRun } from "../run.js";
import { shortHash } from "../short-hash.js";
import { checkState, checkTold } from "../state/state-audit.js";
import { checkTrie } from "../state/trie-audit.js";
import { supervise } from "../supervisor.js";
import { auditReplay } from "./replay-audit.js";
import type { ReplayExpectation } from "./replay-expectation.js";
import { replaySettings } from "./replay-settings.js";
import { type ReplayCrash, summarize, summaryLines } from "./summary.js";
import type { ReplayAcknowledgement, ReplayCounters, ReplayOpening } from "./write.js";

const noCounters: ReplayCounters = { commits: 0, busyMs: 0 };

/** Runs it. A difference is a {@link DemoMismatchError}. */
export async function runReplay(
  run: DemoRun & { readonly path: string; readonly expectation: ReplayExpectation },
): Promise<DemoReport> {
  const { terminal, signal, json, path, expectation, kills, place, say } = run;
  const { colors } = terminal;
  const { state, stop, fileBlocks } = expectation;
  const directory = join(place.directory, "replay");
  const image = join(place.directory, "image");
  await say(
    `${colors.bold("holdfast demo")}  ${formatCount(state.version)} of ${formatPlural(fileBlocks, "block")}, ${formatPlural(kills.length, "crash", "crashes")}, seed ${run.seed}`,
  );
  await say(place.line(colors));
  await say();

  const audit = (acknowledged: number, rows = false) => {
    signal.throwIfAborted();
    return withImage(directory, image, (copy) =>
      auditReplay(copy, replaySettings, expectation, { acknowledged, rows }),
    );
  };
  const progress = createProgress(terminal, "replay", { json });
  const meter = new RateMeter();
  const crashes: ReplayCrash[] = [];
  let counters = noCounters;
  let life = noCounters;
  let told = 0;
  let killed: Pick<ReplayCrash, "acknowledged" | "audit"> | undefined;
  try {
    const { elapsedMs } = await supervise<ReplayOpening, ReplayAcknowledgement>({
      words: ["demo-writer", directory, "--era1", path],
      kills,
      signal,
      onOpened(opening, backAfterMs) {
        if (killed === undefined) return;
        checkReopened(opening, killed.audit, expectation);
        told = opening.version;
        const crash = { ...killed, reopened: opening, backAfterMs };
        crashes.push(crash);
        meter.reset();
        progress.note(crashLine(crash, crashes.length));
      },
      onAcknowledged(acknowledged) {
        const { block, version, hash, root } = acknowledged;
        if (version !== told + 1) throw new DemoMismatchError(`Version ${version} was acknowledged, behind ${told}.`);
        checkTold(acknowledged, state);
        told = version;
        life = acknowledged.counters;
        meter.add(told, performance.now());
        progress.update(told, state.version, () => {
          const counts = `block ${formatCount(block)}  version ${formatCount(version)}  LtHash ${shortHash(hash)}  root ${shortHash(root)}`;
          return kills.length === 0 ? counts : `${counts}  crashes survived ${crashes.length}/${kills.length}`;
        });
      },
      async onKilled() {
        counters = addCounters(counters, life);
        life = noCounters;
        killed = { acknowledged: told, audit: await audit(told) };
      },
    });
    counters = addCounters(counters, life);
    const last = await audit(state.version, true);
    const { trieContent } = last;
    if (trieContent === undefined) throw new DemoMismatchError(`Version ${state.version} was to be read whole.`);
    progress.stop();
    const kept = place.kept ? directory : undefined;
    const summary = summarize({ seed: run.seed, directory: kept }, { crashes, counters, elapsedMs }, expectation, {
      ...last,
      trieContent,
    });
    const survived = formatPlural(crashes.length, "crash", "crashes");
    return {
      summary,
      lines: summaryLines(summary, colors),
      verdict:
        `No acknowledged version was lost in ${survived}, and every hash and root that was told or found is that of a run without crashes.` +
        (stop === undefined ? "" : ` ${stop.message} All ${formatCount(state.version)} blocks before it are verified.`),
      kept:
        kept === undefined ? undefined : `The log of the stores is in ${kept}: try holdfast inspect and verify on it.`,
    };
  } finally {
    progress.stop();
  }
}

/** Recovery leaves no choice: the process must find what the audit found in the copy, and bring both stores to the newer version. */
function checkReopened(reopened: ReplayOpening, audit: ReplayCrash["audit"], { state }: ReplayExpectation): void {
  const version = Math.max(audit.version, audit.trie.sequence);
  if (version > 0) {
    checkState(reopened, state);
    checkTrie(reopened.trie, state);
  }
  if (reopened.version === version && reopened.trie.sequence === version) return;
  throw new DemoMismatchError(
    `The audit found version ${audit.version}, and ${audit.trie.sequence} in the Merkle store; the process that was started again has ${reopened.version} and ${reopened.trie.sequence}.`,
  );
}

function crashLine({ acknowledged, audit, reopened, backAfterMs }: ReplayCrash, index: number): string {
  return (
    `  crash ${index}  killed at version ${formatCount(acknowledged)} acknowledged; ${formatCount(audit.version)} found with LtHash ` +
    `${shortHash(audit.hashes.global)}, root ${shortHash(audit.trie.root)}, audited; back in ${formatDuration(backAfterMs)} (recovery ${formatDuration(reopened.recoveryMs)}, ` +
    `${formatPlural(reopened.redone, "commit")} redone)`
  );
}
