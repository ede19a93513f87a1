/**
 * Checks for options objects. A wrong option is refused before any effect and never clamped: `HF_UNKNOWN_OPTION` for a name that
 * does not exist, `HF_INVALID_ARGUMENT` for a value that is not allowed. An option set to `undefined` counts as absent.
 */
import { InvalidArgumentError } from "./errors.js";

/** The integers that an option allows. */
export interface IntegerRange {
  readonly min: number;
  /** Default 2^53 − 1. */
  readonly max?: number;
  /** Only powers of two. Default false. */
  readonly powerOfTwo?: boolean;
  /** Only multiples of this. Default 1. */
  readonly multipleOf?: number;
}

/**
 * Refuses anything but an object that has only `known` keys. `where` names who takes the options (`Log.open`). Returns the object, or an
 * empty one for `undefined`.
 */
export function checkOptions<Options extends object>(
  where: string,
  options: Options | undefined,
  known: readonly (keyof Options & string)[],
): Options | { readonly [Key in keyof Options]?: undefined } {
  if (options === undefined) return {};
  if (typeof options !== "object" || options === null) throw invalid(where, "options", options, "an object");
  for (const name of Object.keys(options)) {
    if (!(known as readonly string[]).includes(name)) {
      throw new InvalidArgumentError(
        "HF_UNKNOWN_OPTION",
        `${where} has no option "${name}". It has ${known.join(", ")}.`,
        { where, option: name, allowed: known.join(", ") },
      );
    }
  }
  return options;
}

/** An integer in `range`, or `fallback` where it is absent. */
export function checkInteger<Fallback extends number | undefined>(
  where: string,
  name: string,
  value: number | undefined,
  range: IntegerRange,
  fallback: Fallback,
): number | Fallback {
  if (value === undefined) return fallback;
  const { min, max = Number.MAX_SAFE_INTEGER, powerOfTwo = false, multipleOf = 1 } = range;
  const allowed =
    typeof value === "number" &&
    Number.isSafeInteger(value) &&
    value >= min &&
    value <= max &&
    value % multipleOf === 0 &&
    (!powerOfTwo || Number.isInteger(Math.log2(value)));
  if (!allowed) {
    const kind = powerOfTwo ? "a power of two" : multipleOf === 1 ? "an integer" : `a multiple of ${multipleOf}`;
    throw invalid(where, name, value, `${kind} from ${min} to ${max}`);
  }
  return value;
}

/** `true` or `false`, or `fallback` where it is absent. */
export function checkBoolean(where: string, name: string, value: boolean | undefined, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value !== "boolean") throw invalid(where, name, value, "true or false");
  return value;
}

/** One of `allowed`, or `fallback` where it is absent. */
export function checkOneOf<Choice extends string, Fallback extends Choice | undefined>(
  where: string,
  name: string,
  value: Choice | undefined,
  allowed: readonly Choice[],
  fallback: Fallback,
): Choice | Fallback {
  if (value === undefined) return fallback;
  if (!allowed.includes(value)) throw invalid(where, name, value, allowed.map((choice) => `"${choice}"`).join(", "));
  return value;
}

/** An `AbortSignal`, or nothing. */
export function checkSignal(where: string, value: AbortSignal | undefined): AbortSignal | undefined {
  if (value !== undefined && !(value instanceof AbortSignal)) throw invalid(where, "signal", value, "an AbortSignal");
  return value;
}

/** The error for a value that is not allowed, for checks that these functions do not cover. */
export function invalid(where: string, name: string, value: unknown, allowed: string): InvalidArgumentError {
  const shown = describeValue(value);
  return new InvalidArgumentError("HF_INVALID_ARGUMENT", `${where}: ${name} must be ${allowed}, not ${shown}.`, {
    where,
    option: name,
    value: shown,
    allowed,
  });
}

function describeValue(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (typeof value === "object" && value !== null) return value.constructor?.name ?? "an object";
  if (typeof value === "function") return "a function";
  return String(value);
}
