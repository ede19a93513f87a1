/** Command lines that documents show: the programs, scripts and files are there, and `holdfast` takes the options. */
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parseArguments } from "../src/cli/arguments.js";
import { type ListedCommand, commonArgs } from "../src/cli/command.js";
import { commands } from "../src/cli/commands.js";
import { crashSuites } from "../src/cli/crash/suites.js";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const read = (file: string): Promise<string> => readFile(path.join(ROOT, file), "utf8");

const guides = (await readdir(path.join(ROOT, "docs"), { recursive: true }))
  .filter((name) => name.endsWith(".md") && !name.startsWith("api"))
  .map((name) => path.join("docs", name));
const documents = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "bench/README.md", "compat/README.md", ...guides];
const files = (await Promise.all(["src", "test", "scripts", "compat", "bench"].map((name) => filesBelow(name)))).flat();

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(path.join(ROOT, directory), { recursive: true });
  return entries.filter((entry) => !entry.includes("node_modules")).map((entry) => path.join(directory, entry));
}

interface Shown {
  readonly where: string;
  readonly line: string;
  /** In a block by itself, so all of it is there. */
  readonly whole: boolean;
}

const shown: Shown[] = [];
for (const document of documents) {
  const text = await read(document);
  for (const [, block = ""] of text.matchAll(/^```sh\n([\s\S]*?)^```/gm))
    for (const line of block.split("\n").flatMap((each) => each.replace(/ +#.*/, "").split(" && ")))
      if (line.trim() !== "") shown.push({ where: document, line: line.trim(), whole: true });
  for (const [, line = ""] of text.matchAll(/`((?:npx |npm |node |holdfast )[^`\n]+)`/g))
    for (const each of line.split(" && ")) shown.push({ where: document, line: each, whole: false });
}

/** What is wrong with a command line; undefined where nothing is. */
async function problemOf({ line, whole }: Shown): Promise<string | undefined> {
  const words = line.split(" ").filter((word) => !/^[A-Z_]+=/.test(word));
  if (words[0] === "npx" && words[1] === "holdfast") words.shift();
  const [program = "", ...rest] = words;
  if (program === "holdfast") return holdfastProblem(rest, whole);
  if (program === "npm" && rest[0] === "run") return await scriptProblem(rest.slice(1), whole);
  if (program === "npm")
    return ["ci", "test", "pack", "install", "i"].includes(rest[0] ?? "") ? undefined : "npm has no such command";
  if (program === "npx" && rest[0] === "vitest") return missing(rest.slice(2).filter((word) => !word.startsWith("-")));
  if (program === "node") return rest[0] === undefined ? "node runs a file" : missing([rest[0]]);
  if (program === ".ci/run") return undefined;
  return `nobody knows ${program}`;
}

async function holdfastProblem([name, ...rest]: readonly string[], whole: boolean): Promise<string | undefined> {
  if (name === undefined || name === "--help" || /^[<…]/.test(name)) return undefined;
  const command = commands.find((each) => each.name === name);
  if (command === undefined) return `there is no command ${name}`;
  return await argumentsProblem(command, rest, whole);
}

async function argumentsProblem(
  { name, load }: ListedCommand,
  words: readonly string[],
  whole: boolean,
): Promise<string | undefined> {
  const command = await load();
  const known = { ...command.args, ...commonArgs(command) };
  for (const word of words) {
    const option = /^--([\w-]+)/.exec(word)?.[1];
    if (option !== undefined && !(option in known)) return `${name} has no option --${option}`;
  }
  const scenarios = words[words.indexOf("--scenario") + 1];
  if (name === "crash" && words.includes("--scenario") && /^[a-z,-]+$/.test(scenarios ?? "")) {
    const names = new Set(crashSuites.map((suite) => suite.name));
    const unknown = scenarios!.split(",").filter((each) => !names.has(each));
    if (unknown.length > 0) return `there is no scenario ${unknown.join(", ")}`;
  }
  if (!whole || words.includes("--help")) return undefined;
  try {
    parseArguments(words, known);
    return undefined;
  } catch (error) {
    return String(error);
  }
}

async function scriptProblem(words: readonly string[], whole: boolean): Promise<string | undefined> {
  const prefix = words.indexOf("--prefix");
  const home = prefix === -1 ? "." : (words[prefix + 1] ?? ".");
  const { scripts } = JSON.parse(await read(path.join(home, "package.json"))) as { scripts: Record<string, string> };
  const [name = ""] = words;
  if (!(name in scripts)) return `there is no script ${name} in ${home}`;
  const command = commands.find((each) => each.name === name && name !== "bench");
  const given = words.indexOf("--");
  if (command === undefined || given === -1) return undefined;
  return await argumentsProblem(command, words.slice(given + 1), whole);
}

function missing(paths: readonly string[]): string | undefined {
  const gone = paths.filter(
    (each) => !each.startsWith(".tmp/") && !files.some((file) => file.startsWith(each.replace(/^\.\//, ""))),
  );
  return gone.length === 0 ? undefined : `there is no ${gone.join(", ")}`;
}

describe("a command line in a document", () => {
  it("is one that can be run", async () => {
    expect(shown.length).toBeGreaterThan(50);
    const wrong: string[] = [];
    for (const each of shown) {
      const problem = await problemOf(each);
      if (problem !== undefined) wrong.push(`${each.where}: ${each.line}: ${problem}`);
    }
    expect(wrong).toEqual([]);
  });
});
