/** The one line that names a crash state: `seed[/steps]:scenario:point[:point…]:answers`. */
import { InvalidArgumentError } from "../base/index.js";

/** `"cut"`: power; `"kill"`: the process alone. */
export type CrashKind = "cut" | "kill";

/** Where a crash state comes from. */
export interface StateId {
  readonly seed: number;
  /** The length parameter of the workload, if it has one. */
  readonly steps: number | undefined;
  /** The crashes, first to last: the workload's, then those of recoveries. `point` counts begins and ends of changes before the crash. */
  readonly crashes: readonly { readonly kind: CrashKind; readonly point: number }[];
  /** Answers to the questions that the recoveries asked; missing ones are 0. */
  readonly answers: readonly number[];
}

/** Writes an id. Trailing zeros are left out. */
export function formatStateId(id: StateId): string {
  const answers = id.answers.slice();
  while (answers.at(-1) === 0) answers.pop();
  const seed = id.steps === undefined ? `${id.seed}` : `${id.seed}/${id.steps}`;
  const points = id.crashes.map((crash) => crash.point).join(":");
  return `${seed}:${scenarioOf(id)}:${points}:${answers.length === 0 ? "0" : answers.join(".")}`;
}

/** The crashes of an id by name: `cut`, `kill`, `kill-cut`, … */
export function scenarioOf(id: Pick<StateId, "crashes">): string {
  return id.crashes.map((crash) => crash.kind).join("-");
}

/** Reads an id. `InvalidArgumentError` (`HF_INVALID_ARGUMENT`) when it is not one. */
export function parseStateId(text: string): StateId {
  const parts = text.trim().split(":");
  const kinds = (parts[1] ?? "").split("-");
  const wrong = (): InvalidArgumentError =>
    new InvalidArgumentError(
      "HF_INVALID_ARGUMENT",
      `${JSON.stringify(text)} is not a crash state. One looks like 17:kill-cut:34:6:0.2.1.`,
      { argument: "id" },
    );
  if (parts.length !== kinds.length + 3 || kinds.some((kind) => kind !== "cut" && kind !== "kill")) throw wrong();
  const [seed, steps] = (parts[0] as string).split("/");
  const number = (digits: string | undefined): number => {
    if (digits === undefined || !/^\d{1,15}$/.test(digits)) throw wrong();
    return Number(digits);
  };
  return {
    seed: number(seed),
    steps: steps === undefined ? undefined : number(steps),
    crashes: kinds.map((kind, at) => ({ kind: kind as CrashKind, point: number(parts[at + 2]) })),
    answers: (parts.at(-1) as string).split(".").map(number),
  };
}
