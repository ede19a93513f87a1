/**
 * The command line, read strictly: an unknown option, a missing value, a number out of range or an argument too many is a
 * usage error before any effect.
 */
import { parseArgs, type ArgDef, type ArgsDef } from "citty";
import { InvalidArgumentError } from "../base/index.js";

/** The command line can't be right. Code `HF_USAGE`. */
export class UsageError extends InvalidArgumentError {
  constructor(message: string) {
    super("HF_USAGE", message);
  }
}

/** Bounds of a number on the command line. Inclusive. */
export interface NumberBounds {
  readonly min: number;
  readonly max: number;
}

/** The options and positional arguments of one call. */
export class Arguments {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  /** A flag; false when not given. */
  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  /** A text, undefined when not given. */
  text(name: string): string | undefined {
    const value = this.#values[name];
    if (typeof value !== "string") return undefined;
    if (value === "") throw new UsageError(`${label(name)} needs a value.`);
    return value;
  }

  /** A text that has a default or that the parser requires. */
  requiredText(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw new UsageError(`${label(name)} is missing.`);
    return value;
  }

  /** A whole number, undefined when not given. `1_000` and `1,000` are 1000. */
  wholeNumber(name: string, bounds: NumberBounds): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^-?\d[\d_,]*$/.test(text) ? Number(text.replaceAll(/[_,]/g, "")) : Number.NaN;
    if (!Number.isSafeInteger(value) || value < bounds.min || value > bounds.max) {
      throw new UsageError(`${label(name)} must be a whole number from ${bounds.min} to ${bounds.max}, not "${text}".`);
    }
    return value;
  }

  /** A whole number whose option has a default. */
  requiredNumber(name: string, bounds: NumberBounds): number {
    const value = this.wholeNumber(name, bounds);
    if (value === undefined) throw new UsageError(`${label(name)} is missing.`);
    return value;
  }

  /** One of a few words. */
  choice<T extends string>(name: string, choices: readonly T[]): T {
    const text = this.requiredText(name);
    const found = choices.find((choice) => choice === text);
    if (found === undefined)
      throw new UsageError(`${label(name)} must be one of ${choices.join(", ")}, not "${text}".`);
    return found;
  }
}

/** Reads the words after the command's name. */
export function parseArguments(words: readonly string[], definitions: ArgsDef): Arguments {
  refuseUnknown(words, definitions);
  let values: Record<string, unknown>;
  try {
    values = parseArgs([...words], definitions);
  } catch (error) {
    throw new UsageError(error instanceof Error ? `${error.message}.`.replace("..", ".") : String(error));
  }
  const positionals = Object.values(definitions).filter((definition) => definition.type === "positional");
  const given = Array.isArray(values["_"]) ? (values["_"] as unknown[]) : [];
  if (given.length > positionals.length) {
    throw new UsageError(`"${String(given[positionals.length])}" is one argument too many.`);
  }
  return new Arguments(values);
}

/** The parser takes any option; this does not. */
function refuseUnknown(words: readonly string[], definitions: ArgsDef): void {
  const options = new Map<string, ArgDef>();
  for (const [name, definition] of Object.entries(definitions)) {
    if (definition.type === "positional") continue;
    options.set(name, definition);
    const alias = "alias" in definition ? definition.alias : undefined;
    for (const other of alias === undefined ? [] : [alias].flat()) options.set(other, definition);
  }
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    if (word === "--") return;
    if (!word.startsWith("-") || word === "-") continue;
    const long = word.startsWith("--");
    const name = long ? (word.slice(2).split("=")[0] ?? "") : word.slice(1, 2);
    const definition = options.get(name);
    if (definition === undefined) {
      throw new UsageError(
        `There is no option ${long ? `--${name}` : `-${name}`}.${suggestion(name, [...options.keys()])}`,
      );
    }
    if (definition.type === "boolean") {
      if (word.includes("=") || (!long && word.length > 2)) throw new UsageError(`${word} takes no value.`);
      continue;
    }
    const inline = long ? word.includes("=") : word.length > 2;
    if (inline) continue;
    const value = words[index + 1];
    // A value that looks like an option is one the user forgot to give; a negative number is a value.
    if (value === undefined || /^-\D/.test(value)) throw new UsageError(`${word} needs a value.`);
    index++;
  }
}

/** ` Did you mean --from?`, or nothing where no option is near. */
export function suggestion(name: string, known: readonly string[], prefix = "--"): string {
  const near = known
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .filter(
      ({ candidate, distance }) => candidate.length > 1 && distance <= Math.max(1, Math.floor(candidate.length / 3)),
    )
    .sort((a, b) => a.distance - b.distance)[0];
  return near === undefined ? "" : ` Did you mean ${prefix}${near.candidate}?`;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replace, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}

const POSITIONAL_NAMES: ReadonlySet<string> = new Set(["dir", "kind", "source", "target"]);

/** `--records`, `-n` or `DIR`: how an argument is named to a person. */
function label(name: string): string {
  return POSITIONAL_NAMES.has(name) ? name.toUpperCase() : name.length === 1 ? `-${name}` : `--${name}`;
}
