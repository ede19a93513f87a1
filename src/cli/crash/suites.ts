/** All suites, and the order in which their cases take turns. */
import { anchorSuite } from "./anchor-suite.js";
import type { CrashSuite } from "./crash-case.js";
import { doubleWriteSuite } from "./double-write-suite.js";
import { engineSuite } from "./engine-suite.js";
import { eventsSuite } from "./events-suite.js";
import { flatSuites } from "./flatkv-suite.js";
import { resumeSuite } from "./flatkv-resume-suite.js";
import { indexedSuites } from "./indexed-suite.js";
import { logSuites } from "./log-suites.js";
import { merkleSuites } from "./merkle-suite.js";
import { pagesSuites } from "./pages-suite.js";
import { pipelineSuites } from "./pipeline-suite.js";
import { sharedSuites } from "./shared-suites.js";
import { togetherSuites } from "./together-suite.js";
import { tidwallSuite } from "./tidwall-suite.js";

/** Every suite of `holdfast crash`. */
export const crashSuites: readonly CrashSuite[] = [
  ...logSuites,
  doubleWriteSuite,
  anchorSuite,
  ...indexedSuites,
  ...pipelineSuites,
  ...sharedSuites,
  eventsSuite,
  tidwallSuite,
  engineSuite,
  ...flatSuites,
  resumeSuite,
  ...pagesSuites,
  ...merkleSuites,
  ...togetherSuites,
];

/** One case's place in a run. */
export interface CaseTurn {
  readonly suite: CrashSuite;
  readonly index: number;
}

/** The cases of a run, without end: each suite as often as its weight says, and each case of a suite once. */
export function* caseTurns(suites: readonly CrashSuite[]): Generator<CaseTurn, void, undefined> {
  const weightMax = Math.max(...suites.map(({ weight }) => weight));
  const next = new Map<CrashSuite, number>();
  for (;;) {
    for (let round = 0; round < weightMax; round++) {
      for (const suite of suites) {
        if (round >= suite.weight) continue;
        const index = next.get(suite) ?? 0;
        next.set(suite, index + 1);
        yield { suite, index };
      }
    }
  }
}
