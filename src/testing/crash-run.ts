/** One crash state: recover it, check it, and whatever else the scenario wants of it. */
import { SeededRandom } from "../base/index.js";
import type { DiskSnapshot } from "../vfs/index.js";
import { keepNothing, SimDisk, SimVfs } from "../vfs/index.js";
import type { CheckInfo, CrashScenario, RecoverContext } from "./crash-scenario.js";
import type { RecordingChooser } from "./odometer.js";
import { OpTrace } from "./op-trace.js";
import { RejectionWatch, settle } from "./settle.js";
import type { CrashKind } from "./state-id.js";

/** A recovery waits for one operation at a time, mostly: what may overlap overlaps all the same, in fewer turns than in the workload. */
const RECOVERY_LATENCY_TURNS_MAX = 2;

/** What may follow a recovery that passed its check. */
export interface CrashFollowUps<S, E> {
  /** Continues to use the recovered store: append more, sync. Then the power is cut, all that was not synced is lost, and it is recovered again. */
  resume?(state: S, context: RecoverContext<E>): Promise<void>;
  /** Checks the state after `resume`, with the events that it noted. Default: `check`. */
  checkResumed?(state: S, events: readonly E[], info: CheckInfo<S>): void | Promise<void>;
  /** Closes the recovered store; files still open afterwards are a failure. */
  close?(state: S): Promise<void>;
  /**
   * Recover a second time, without a crash of the machine: the description must be the same, and with `"bytes"` every file too.
   * Default false.
   */
  readonly idempotent?: boolean | "bytes";
  /** What two equal states have in common. Default: JSON, with bytes in hexadecimal. */
  describe?(state: S): string;
}

/** A crash that a recovery starts from. */
export interface CrashOrigin<S, E> {
  readonly kind: CrashKind;
  readonly snapshot: DiskSnapshot;
  readonly events: readonly E[];
  readonly crashes: readonly { readonly kind: CrashKind; readonly point: number }[];
  /** Answers that led to `snapshot`. */
  readonly answers: readonly number[];
  readonly previous: S | undefined;
}

/** What went wrong with a state. */
export interface CrashFailure {
  readonly problem: string;
  readonly error: unknown;
}

/** One recovery. */
export interface CrashOutcome<S, E> {
  readonly failure: CrashFailure | undefined;
  readonly state: S | undefined;
  /** Events before the crash and those that the recovery noted. */
  readonly events: readonly E[];
  /** Identifies disk (as far as recovery looked) and events. */
  readonly key: number;
  readonly trace: OpTrace<E> | undefined;
  /** A hash of all operations of the recovery. */
  readonly operationsHash: number;
}

/** Runs recoveries of one scenario. */
export class CrashRunner<S, E> {
  readonly #scenario: CrashScenario<S, E> & CrashFollowUps<S, E>;
  readonly #seed: number;
  readonly #rejections = new RejectionWatch();
  readonly #operationsMax: number;

  constructor(scenario: CrashScenario<S, E> & CrashFollowUps<S, E>, seed: number, operationsMax: number) {
    this.#scenario = scenario;
    this.#seed = seed;
    this.#operationsMax = operationsMax;
  }

  stop(): void {
    this.#rejections.stop();
  }

  /** Runs a program; every way not to succeed becomes a failure. */
  async attempt<T>(
    label: string,
    vfs: SimVfs,
    program: () => Promise<T> | T,
  ): Promise<{ failure: CrashFailure } | { failure: undefined; value: T }> {
    const settled = await settle(vfs, program);
    if (vfs.runaway)
      return {
        failure: { problem: `${label}-runs-away`, error: new Error(`more than ${this.#operationsMax} operations`) },
      };
    if (settled.kind === "value") return { failure: undefined, value: settled.value };
    if (settled.kind === "error") return { failure: { problem: `${label}-rejected`, error: settled.error } };
    return {
      failure: {
        problem: `${label}-hangs`,
        error: new Error("nothing is in flight, no delay is pending, and the promise has not settled"),
      },
    };
  }

  /** The first unhandled rejection since the last call, after a turn of the event loop. */
  async rejection(): Promise<CrashFailure | undefined> {
    const found = await this.#rejections.next();
    return found === undefined ? undefined : { problem: "unhandled-rejection", error: found.error };
  }

  /** The disk that a crash left. */
  disk(origin: Pick<CrashOrigin<S, E>, "kind" | "snapshot">, chooser: RecordingChooser): SimDisk {
    if (origin.kind === "cut")
      return SimDisk.afterPowerCut(origin.snapshot.powerCut(), chooser, {
        seed: this.#seed,
        latencyTurnsMax: RECOVERY_LATENCY_TURNS_MAX,
      });
    const disk = SimDisk.afterKill(origin.snapshot, chooser, {
      seed: this.#seed,
      latencyTurnsMax: RECOVERY_LATENCY_TURNS_MAX,
    });
    return disk;
  }

  /**
   * Recovers one state. `info` names it, `record` keeps a trace for crashes during this recovery, and `isNew` is asked, once the
   * recovery is over, whether the follow-ups are worth their time.
   */
  async run(
    origin: CrashOrigin<S, E>,
    chooser: RecordingChooser,
    info: { readonly scenario: string; readonly id: () => string },
    record: boolean,
    isNew: (key: number) => boolean,
  ): Promise<CrashOutcome<S, E>> {
    const scenario = this.#scenario;
    const disk = this.disk(origin, chooser);
    const vfs = new SimVfs({ disk, operationsMax: this.#operationsMax });
    const trace = record ? new OpTrace<E>(disk, () => chooser.answers.length) : undefined;
    let operationsHash = 0;
    if (record) vfs.trace = (operation, path) => (operationsHash = hashText(operationsHash, operation, path));
    const events = origin.events.slice();
    const context = this.#context(vfs, events, trace);
    const recovered = await this.attempt("recover", vfs, () => scenario.recover(context));
    const state = recovered.failure === undefined ? recovered.value : undefined;
    vfs.trace = undefined;
    const key = this.#key(origin, disk, chooser);
    let failure = recovered.failure;
    const checkInfo = new LazyInfo(info, vfs, origin.previous);
    if (failure === undefined)
      failure = await this.#check("check", vfs, () => scenario.check(state as S, events, checkInfo));
    const fresh = isNew(key);
    disk.recorder = undefined;
    if (failure === undefined && fresh) failure = await this.#followUp(state as S, events, vfs, checkInfo);
    vfs.die();
    failure = (await this.rejection()) ?? failure;
    return { failure, state, events, key, trace, operationsHash };
  }

  async #followUp(state: S, events: readonly E[], vfs: SimVfs, info: CheckInfo<S>): Promise<CrashFailure | undefined> {
    const scenario = this.#scenario;
    if (scenario.idempotent !== undefined && scenario.idempotent !== false) {
      const failure = await this.#again(state, events, vfs, scenario.idempotent);
      if (failure !== undefined) return failure;
    }
    if (scenario.resume !== undefined) {
      const later = events.slice();
      const resumed = await this.attempt("resume", vfs, () => scenario.resume?.(state, this.#context(vfs, later)));
      if (resumed.failure !== undefined) return resumed.failure;
      const next = new SimVfs({
        disk: SimDisk.afterPowerCut(vfs.disk.snapshot().powerCut(), keepNothing, {
          seed: this.#seed,
          latencyTurnsMax: RECOVERY_LATENCY_TURNS_MAX,
        }),
        operationsMax: this.#operationsMax,
      });
      const recovered = await this.attempt("recover-resumed", next, () => scenario.recover(this.#context(next, later)));
      if (recovered.failure !== undefined) return recovered.failure;
      const check = scenario.checkResumed ?? scenario.check;
      const resumedInfo = new LazyInfo({ scenario: info.scenario, id: () => info.id }, next, state);
      const failure = await this.#check("check-resumed", next, () =>
        check.call(scenario, recovered.value, later, resumedInfo),
      );
      next.die();
      if (failure !== undefined) return failure;
    }
    if (scenario.close !== undefined) {
      const closed = await this.attempt("close", vfs, () => scenario.close?.(state));
      if (closed.failure !== undefined) return closed.failure;
      const open = vfs.openHandles();
      if (open.length > 0)
        return { problem: "handles-left-open", error: new Error(`open after close: ${open.join(", ")}`) };
    }
    return undefined;
  }

  async #again(state: S, events: readonly E[], vfs: SimVfs, mode: true | "bytes"): Promise<CrashFailure | undefined> {
    const scenario = this.#scenario;
    const describe = scenario.describe ?? describeState;
    const before = mode === "bytes" ? vfs.snapshotTree() : [];
    const second = new SimVfs({
      disk: SimDisk.afterKill(vfs.disk.snapshot(), keepNothing, {
        seed: this.#seed,
        latencyTurnsMax: RECOVERY_LATENCY_TURNS_MAX,
      }),
      operationsMax: this.#operationsMax,
    });
    const recovered = await this.attempt("recover-again", second, () =>
      scenario.recover(this.#context(second, events.slice())),
    );
    if (recovered.failure !== undefined) return recovered.failure;
    const [first, again] = [describe.call(scenario, state), describe.call(scenario, recovered.value)];
    if (first !== again)
      return { problem: "not-idempotent", error: new Error(`first recovery: ${first}; second: ${again}`) };
    if (mode === "bytes") {
      const [left, right] = [describeState(before), describeState(second.snapshotTree())];
      if (left !== right) return { problem: "not-idempotent", error: new Error("the second recovery changed files") };
    }
    second.die();
    return undefined;
  }

  async #check(label: string, vfs: SimVfs, check: () => void | Promise<void>): Promise<CrashFailure | undefined> {
    try {
      const checked = check();
      if (checked === undefined) return undefined;
      const settled = await settle(vfs, () => checked);
      if (settled.kind === "hang")
        return { problem: `${label}-hangs`, error: new Error("the promise has not settled") };
      return settled.kind === "error" ? { problem: label, error: settled.error } : undefined;
    } catch (error) {
      return { problem: label, error };
    }
  }

  #context(vfs: SimVfs, events: E[], trace?: OpTrace<E>): RecoverContext<E> {
    return {
      vfs,
      random: new SeededRandom(this.#seed).fork("recover"),
      note: (event) => {
        events.push(event);
        trace?.note(event);
      },
    };
  }

  #key(origin: CrashOrigin<S, E>, disk: SimDisk, chooser: RecordingChooser): number {
    let { low, high } = origin.snapshot.powerCut().stateHash(disk.decisions);
    if (origin.kind === "kill") {
      // After a kill the page cache is what recovery sees: the number of operations names it, and the answers say what of the last was done.
      low = Math.imul(low ^ origin.snapshot.facts.operationsMade, 0x9e3779b1);
      high = Math.imul(high ^ (origin.crashes[0]?.point ?? 0), 0x85ebca77);
      for (const answer of chooser.answers) low = Math.imul(low ^ (answer + 1), 0x01000193);
    }
    low = Math.imul(low ^ origin.events.length ^ (origin.kind === "cut" ? 0 : 0x5bd1e995), 0xcc9e2d51);
    high = Math.imul(high ^ Math.imul(origin.events.length + 1, 0x1b873593), 0x85ebca6b);
    return (high & 0x1fffff) * 0x1_0000_0000 + ((low ^ (high >>> 15)) >>> 0);
  }
}

/** The id is text that only failures need. */
class LazyInfo<S> implements CheckInfo<S> {
  readonly scenario: string;
  readonly vfs: SimVfs;
  readonly previous: S | undefined;
  readonly #id: () => string;

  constructor(info: { readonly scenario: string; readonly id: () => string }, vfs: SimVfs, previous: S | undefined) {
    this.scenario = info.scenario;
    this.vfs = vfs;
    this.previous = previous;
    this.#id = info.id;
  }

  get id(): string {
    return this.#id();
  }
}

/** JSON, with bytes in hexadecimal. */
export function describeState(state: unknown): string {
  return (
    JSON.stringify(state, (_, value: unknown) => {
      if (value instanceof Uint8Array)
        return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex");
      if (value instanceof Map) return [...(value as Map<unknown, unknown>)];
      if (value instanceof Set) return [...(value as Set<unknown>)];
      if (typeof value === "bigint") return `${value}n`;
      return value;
    }) ?? "undefined"
  );
}

function hashText(hash: number, ...texts: readonly string[]): number {
  let mixed = hash;
  for (const text of texts)
    for (let at = 0; at < text.length; at++) mixed = Math.imul(mixed ^ text.charCodeAt(at), 0x01000193);
  return mixed;
}
