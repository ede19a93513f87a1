/**
 * The simulated machine's time: which operation in flight ends next, and when a delay is over.
 *
 * Everything is a function of the seed and of what the programs do. Operations end in a seeded order, each in a tick of its own, so that programs
 * which wait for the tick queue (group commit does) overlap with operations as they do on a real machine; the clock stands still while anything can run and jumps to the next delay when nothing can.
 */
import type { SeededRandom } from "../../base/index.js";

interface Task {
  readonly owner: object;
  readonly complete: () => void;
  turns: number;
}

interface Timer {
  readonly owner: object;
  readonly dueMs: number;
  readonly order: number;
  readonly fire: () => void;
}

/** Event-loop turns without any activity before the clock moves. Code of the user may itself yield to the event loop. */
const QUIET_TURNS = 3;

/** Ends operations and delays. One for each simulated machine. */
export class Scheduler {
  readonly #random: SeededRandom;
  readonly #latencyTurnsMax: number;
  #tasks: Task[] = [];
  #timers: Timer[] = [];
  #order = 0;
  #pumping = false;
  #watching = false;
  #quietTurns = 0;
  #nowMs = 0;
  /** Counts everything that happened, so that a watcher can tell quiet from busy. */
  activity = 0;

  constructor(random: SeededRandom, latencyTurnsMax = 6) {
    this.#random = random;
    this.#latencyTurnsMax = latencyTurnsMax;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Whether an operation in flight or a delay will still do something. */
  get busy(): boolean {
    return this.#tasks.length > 0 || this.#timers.length > 0;
  }

  /** Whether an operation is in flight. */
  get inFlight(): number {
    return this.#tasks.length;
  }

  /** Calls `complete` some turns later. */
  submit(owner: object, complete: () => void): void {
    this.#tasks.push({ owner, complete, turns: this.#random.below(this.#latencyTurnsMax) });
    this.activity++;
    if (!this.#pumping) {
      this.#pumping = true;
      process.nextTick(this.#pump);
    }
  }

  /** Resolves when the virtual clock has moved by `ms`. */
  delay(owner: object, ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = (): void => {
        this.#timers = this.#timers.filter((other) => other !== timer);
        this.activity++;
        reject(signal?.reason as Error);
      };
      const timer: Timer = {
        owner,
        dueMs: this.#nowMs + Math.max(0, ms),
        order: this.#order++,
        fire: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#timers.push(timer);
      this.activity++;
      this.#watch();
    });
  }

  /** Forgets everything that `owner` waits for; none of it ever ends. */
  drop(owner: object): void {
    this.#tasks = this.#tasks.filter((task) => task.owner !== owner);
    this.#timers = this.#timers.filter((timer) => timer.owner !== owner);
    this.activity++;
  }

  readonly #pump = (): void => {
    const tasks = this.#tasks;
    let ready = 0;
    for (const task of tasks) if (--task.turns < 0) ready++;
    if (ready > 0) {
      let pick = ready === 1 ? 0 : this.#random.below(ready);
      for (let at = 0; at < tasks.length; at++) {
        const task = tasks[at] as Task;
        if (task.turns >= 0 || pick-- > 0) continue;
        tasks.splice(at, 1);
        this.activity++;
        task.complete();
        break;
      }
    }
    if (this.#tasks.length > 0) process.nextTick(this.#pump);
    else this.#pumping = false;
  };

  #watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    let seen = this.activity;
    this.#quietTurns = 0;
    const turn = (): void => {
      if (this.#timers.length === 0) {
        this.#watching = false;
        return;
      }
      if (this.activity !== seen || this.#tasks.length > 0) {
        seen = this.activity;
        this.#quietTurns = 0;
      } else if (++this.#quietTurns >= QUIET_TURNS) {
        this.#quietTurns = 0;
        this.#fireNext();
        seen = this.activity;
      }
      setImmediate(turn);
    };
    setImmediate(turn);
  }

  #fireNext(): void {
    let next = this.#timers[0] as Timer;
    for (const timer of this.#timers) {
      if (timer.dueMs < next.dueMs || (timer.dueMs === next.dueMs && timer.order < next.order)) next = timer;
    }
    this.#timers = this.#timers.filter((timer) => timer !== next);
    this.#nowMs = next.dueMs;
    this.activity++;
    next.fire();
  }
}
