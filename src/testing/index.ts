export { CrashFoundError } from "./crash-found-error.js";
export type { CrashFinding } from "./crash-found-error.js";
export { describeCrashReport } from "./crash-report.js";
export type { CrashReport, ScenarioCounts } from "./crash-report.js";
export { describeState } from "./crash-run.js";
export type { CrashFollowUps } from "./crash-run.js";
export type { CheckInfo, CrashScenario, RecoverContext, WorkloadContext } from "./crash-scenario.js";
export { exploreCrashes, replayCrash } from "./explore-crashes.js";
export type { CrashProgress, CrashReplay, ExploreCrashesOptions } from "./explore-crashes.js";
