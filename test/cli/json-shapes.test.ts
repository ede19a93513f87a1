/** The page of the command line: what `--json` prints has the keys that it shows, and exit codes and commands are those of the code. */
import { cp, mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FlatKv } from "holdfast/flatkv";
import { Log } from "holdfast/log";
import { MerkleStore } from "holdfast/trie";
import { commands } from "../../src/cli/commands.js";
import { exitCodeMeanings } from "../../src/cli/exit-code.js";
import { capture } from "./captured-terminal.js";
import { type CompiledCli, compileCli } from "./compiled-cli.js";

const page = await readFile(fileURLToPath(new URL("../../docs/cli.md", import.meta.url)), "utf8");
const shown = [...page.matchAll(/```sh\nholdfast (.*)\n```\n\n```json\n([\s\S]*?)\n```/g)].map(
  ([, line = "", json = ""]) => ({ line, json }),
);
/** Exit codes other than 0. */
const ENDS: Readonly<Record<string, number>> = {
  "verify ./damaged --json": 1,
  "repair ./damaged --json": 1,
  "inspect ./nope --json": 2,
};

let place: string;
let cli: CompiledCli;
const at = (name: string): string => path.join(place, name);

beforeAll(async () => {
  place = await mkdtemp(path.join(tmpdir(), "holdfast-shapes-"));
  cli = await compileCli();
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  const log = await Log.open(at("data"));
  for (let n = 1; n <= 5; n++) await log.append(encode(`record ${n}`));
  await log.close();
  await cp(at("data"), at("damaged"), { recursive: true });
  const segment = await open(path.join(at("damaged"), "0000000000000001.seg"), "r+");
  await segment.write(encode("XXXX"), 0, 4, 3 * 4096 + 60);
  await segment.close();
  const state = await FlatKv.open(at("state"), { databases: ["a", "b"] });
  await state.applyChangeSets([{ database: "a", changes: [{ key: encode("k"), value: encode("v") }] }]);
  await state.commit();
  await state.close();
  const accounts = await MerkleStore.open(at("accounts"));
  const session = accounts.begin();
  session.put(new Uint8Array(32).fill(7), encode("v"));
  await session.commit();
  await accounts.close();
});
afterAll(async () => {
  await cli.remove();
  await rm(place, { recursive: true, force: true });
});

/** Where `found` has other keys, or values of another kind, than `documented`. `null` stands for anything, and lists are compared by their first elements. */
function differences(documented: unknown, found: unknown, where: string): string[] {
  if (documented === null || found === null) return [];
  if (Array.isArray(documented) && Array.isArray(found))
    return documented.length === 0 || found.length === 0 ? [] : differences(documented[0], found[0], `${where}[]`);
  if (typeof documented !== typeof found || Array.isArray(documented) !== Array.isArray(found))
    return [`${where}: ${typeof documented} is documented, ${typeof found} printed`];
  if (typeof documented !== "object") return [];
  const [left, right] = [documented, found] as [Record<string, unknown>, Record<string, unknown>];
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap((key) => {
    if (!(key in left)) return [`${where}.${key} is not documented`];
    if (!(key in right)) return [`${where}.${key} is not printed`];
    return differences(left[key], right[key], `${where}.${key}`);
  });
}

const documentsIn = (text: string): unknown[] => {
  try {
    return [JSON.parse(text)];
  } catch {
    return text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
  }
};

describe("what --json prints", () => {
  /** What a command line comes to, in this process but for `crash`, which starts threads of JavaScript files. */
  const run = async (line: string): Promise<{ readonly exitCode: number | null; out: string; err: string }> => {
    const words = line.split(" ").map((word) => (word.startsWith("./") ? path.join(place, word) : word));
    return line.startsWith("crash ") ? await cli.run(words) : await capture(words);
  };

  // One after the other, in the order of the page: what one makes, another reads. All but `bench`, which takes ten seconds for the disk.
  it("has the keys that the page shows, and no others", { timeout: 120_000 }, async () => {
    for (const { line, json } of shown.filter((each) => !each.line.startsWith("bench"))) {
      const { exitCode, out, err } = await run(line);
      expect(exitCode, line).toBe(ENDS[line] ?? 0);
      expect(err, line).toBe("");
      const found = documentsIn(out);
      const documented = documentsIn(json);
      expect(found, line).toHaveLength(documented.length);
      expect(documented.flatMap((each, index) => differences(each, found[index], line))).toEqual([]);
    }
  });

  it("is shown for every command that has it, but the demo", async () => {
    const listed = commands.filter(({ hidden, name }) => hidden !== true && name !== "demo");
    const loaded = await Promise.all(listed.map(async ({ name, load }) => ({ name, ...(await load()) })));
    const wanted = loaded.filter(({ json }) => json !== undefined);
    const names = new Set(shown.map(({ line }) => line.split(" ")[0]));
    expect([...names].toSorted()).toEqual(wanted.map(({ name }) => name).toSorted());
  });
});

describe("the page of the command line", () => {
  it("has the exit codes of the code", () => {
    const rows = [...page.matchAll(/^\| (\d+) \| (.*) \|$/gm)].map(([, code, meaning]) => [Number(code), meaning]);
    expect(rows).toEqual(exitCodeMeanings.map(([code, meaning]) => [code, meaning]));
  });
});

describe("the help of a command", () => {
  const listed = commands.filter(({ hidden }) => hidden !== true);

  it.each(listed)("has examples that name it, with options that it has: $name", async ({ name, load }) => {
    const { examples, args } = await load();
    expect(examples.length).toBeGreaterThan(1);
    const { out, exitCode } = await capture([name, "--help"]);
    expect(exitCode).toBe(0);
    for (const [line, what] of examples) {
      expect(line).toMatch(new RegExp(`^holdfast ${name}( |$)`));
      expect(what).not.toBe("");
      expect(out).toContain(line);
      for (const [, option = ""] of line.split(" | ")[0]!.matchAll(/ --([\w-]+)/g))
        expect([...Object.keys(args), "json"], line).toContain(option);
    }
  });
});
