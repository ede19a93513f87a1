import { readFile } from "node:fs/promises";
import path from "node:path";
import { transform } from "esbuild";
import { expect, it } from "vitest";
import { mutants } from "../test/mutants/mutants.mjs";

const root = path.resolve(import.meta.dirname, "..");

it("every mutant changes one place of a source file, into one that can be compiled", { timeout: 120_000 }, async () => {
  // A mutant whose text had gone with a change of the source was found by the hunt alone, an hour into a run of everything.
  expect(mutants.length).toBeGreaterThan(200);
  const wrong = [];
  for (const { name, file, find, replace } of mutants) {
    const text = await readFile(path.join(root, "src", file), "utf8");
    const count = text.split(find).length - 1;
    if (count !== 1) wrong.push(`${name}: its text stands ${count} times in src/${file}`);
    else
      await transform(
        text.replace(find, () => replace),
        { loader: "ts" },
      ).catch((/** @type {unknown} */ error) => wrong.push(`${name}: ${String(error)}`));
  }
  expect(wrong).toEqual([]);
});
