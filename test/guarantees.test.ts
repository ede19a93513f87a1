/** The table of guarantees points at tests that exist: files, names in them, and scenarios of `holdfast crash`. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "oxc-parser";
import { describe, expect, it } from "vitest";
import { crashSuites } from "../src/cli/crash/suites.js";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

interface Definition {
  readonly label: string;
  /** From the repository's root. */
  readonly file: string;
  readonly title: string;
}

const page = await readFile(path.join(ROOT, "docs/guarantees.md"), "utf8");
const definitions: Definition[] = [...page.matchAll(/^\[([\w-]+)\]: (\S+) "(.*)"$/gm)].map(
  ([, label = "", file = "", title = ""]) => ({
    label,
    file: path.normalize(path.join("docs", file)),
    title: title.replaceAll('\\"', '"'),
  }),
);
const used = new Set([...page.matchAll(/\]\[([\w-]+)\]/g)].map(([, label = ""]) => label));

interface Node {
  readonly type: string;
  readonly callee?: Node;
  readonly object?: Node;
  readonly tag?: Node;
  readonly name?: string;
  readonly arguments?: readonly Node[];
  readonly value?: unknown;
  readonly quasis?: readonly { readonly value: { readonly cooked: string } }[];
}

/** The names of the tests and groups of a file. What a name leaves to be filled in is an ellipsis. */
function namesOf(file: string, source: string): Set<string> {
  const names = new Set<string>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit);
    else if (typeof value === "object" && value !== null) {
      const node = value as Node;
      const [first] = node.arguments ?? [];
      if (node.type === "CallExpression" && first !== undefined && isTest(node.callee)) {
        const text = textOf(first);
        if (text !== undefined) names.add(text);
      }
      Object.values(value).forEach(visit);
    }
  };
  visit(parseSync(file, source).program.body);
  return names;
}

/** `it`, `test`, `describe`, and these with `.each(…)`. */
function isTest(callee: Node | undefined): boolean {
  if (callee === undefined) return false;
  if (callee.type === "Identifier") return ["it", "test", "describe"].includes(callee.name ?? "");
  return isTest(callee.callee ?? callee.object ?? callee.tag);
}

function textOf(node: Node): string | undefined {
  if (node.type === "Literal" && typeof node.value === "string") return node.value.replaceAll(/%\w|\$\w+/g, "…");
  if (node.type === "TemplateLiteral") return node.quasis?.map(({ value }) => value.cooked).join("…");
  return undefined;
}

describe("the table of guarantees", () => {
  it("has a link in each cell, or a dash", () => {
    const rows = page.split("\n").filter((line) => line.startsWith("| "));
    const table = rows.slice(
      1,
      rows.findIndex((line, at) => at > 0 && line.startsWith("| fault |")),
    );
    expect(table.length).toBeGreaterThan(15);
    const columns = rows[0]!.split("|").length;
    for (const row of table) {
      const cells = row.replaceAll("`", "").split("|");
      expect(cells, row).toHaveLength(columns);
      for (const cell of cells.slice(2, -1)) expect(cell, row).toMatch(/^ (–|.*\[[^\]]+\]\[[\w-]+\].*) $/);
    }
  });

  it("uses every link that it defines, and defines every link that it uses, once", () => {
    const labels = definitions.map(({ label }) => label);
    expect(labels.toSorted()).toEqual([...used].toSorted());
  });

  it("names tests and scenarios that exist", async () => {
    const scenarios = new Set(crashSuites.map(({ name }) => name));
    const missing: string[] = [];
    for (const { file, title } of definitions) {
      const source = await readFile(path.join(ROOT, file), "utf8").catch(() => undefined);
      const exists =
        source !== undefined &&
        (file.startsWith("src/cli/crash/")
          ? scenarios.has(title) && source.includes(`"${title}"`)
          : namesOf(file, source).has(title));
      if (!exists) missing.push(`${file} → ${title}`);
    }
    expect(missing).toEqual([]);
  });
});
