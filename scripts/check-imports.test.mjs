import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { checkImports } from "./check-imports.mjs";

/** @type {string[]} */
const made = [];

afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true });
});

/**
 * The rules that a tree of files breaks, each with the file that breaks it.
 * @param {Record<string, string>} files
 */
function problemsOf(files) {
  const root = mkdtempSync(path.join(tmpdir(), "holdfast-imports-"));
  made.push(root);
  for (const [name, text] of Object.entries({ "src/index.ts": "export {};", ...files })) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), text);
  }
  return checkImports(root).problems.map(({ file, line, rule }) => `${rule} ${file}:${line}`);
}

const base = { "src/base/index.ts": `export const one = 1;\nexport type One = 1;` };
const vfs = { "src/vfs/index.ts": `export type { Vfs } from "./vfs.js";`, "src/vfs/vfs.ts": `export interface Vfs {}` };

describe("the import direction", () => {
  it("lets a part import a lower one through its index", () => {
    expect(
      problemsOf({
        ...base,
        ...vfs,
        "src/log/index.ts": `import { one } from "../base/index.js";\nimport type { Vfs } from "../vfs/index.js";`,
        "src/index.ts": `export { one } from "./base/index.js";`,
        "src/cli/main.ts": `import { one } from "../index.js";\nimport { readFileSync } from "node:fs";`,
      }),
    ).toEqual([]);
  });

  it("has the node import the package by its name and its own files only, and no other part", () => {
    const node = (/** @type {string} */ text) => problemsOf({ ...base, "src/cli/node/node.ts": text });
    const own = { ...base, "src/cli/node/state.ts": "export {};" };
    const sound = `import { Log } from "holdfast";\nimport { SharedLog } from "holdfast/streams";\nimport "./state.js";`;
    expect(problemsOf({ ...own, "src/cli/node/node.ts": sound })).toEqual([]);
    for (const other of ["../../base/index.js", "../demo/command.js", "node:fs", "holdfastest"])
      expect(node(`import "${other}";`)).toContain("by-name cli/node/node.ts:1");
  });

  it("refuses an import against the direction, even of a type", () => {
    expect(problemsOf({ ...vfs, "src/base/index.ts": `\nimport type { Vfs } from "../vfs/index.js";` })).toEqual([
      "direction base/index.ts:2",
    ]);
    expect(
      problemsOf({ ...base, "src/cli/main.ts": "", "src/log/index.ts": `export * from "../cli/main.js";` }),
    ).toEqual(["direction log/index.ts:1"]);
    expect(
      problemsOf({ "src/log/index.ts": "export {};", "src/testing/index.ts": `export * from "../log/index.js";` }),
    ).toEqual(["direction testing/index.ts:1"]);
  });

  it("sees dynamic imports, import() types and worker URLs", () => {
    const log = { "src/log/index.ts": "export {};", "src/log/x.ts": "export type X = 1;" };
    expect(problemsOf({ ...log, "src/base/index.ts": `const x = await import("../log/index.js");` })).toHaveLength(1);
    expect(problemsOf({ ...log, "src/base/index.ts": `export type X = import("../log/index.js").X;` })).toHaveLength(1);
    expect(problemsOf({ ...log, "src/base/index.ts": `new URL("../log/x.js", import.meta.url);` })).toHaveLength(1);
  });

  it("refuses to pass by another part's index", () => {
    expect(problemsOf({ ...vfs, "src/log/index.ts": `import type { Vfs } from "../vfs/vfs.js";` })).toEqual([
      "front-door log/index.ts:1",
    ]);
  });

  it("lets a test look into any part, and lets nothing import a test", () => {
    const test = { "src/base/one.test.ts": `import type { Vfs } from "../vfs/vfs.js";` };
    expect(problemsOf({ ...vfs, ...test })).toEqual([]);
    expect(problemsOf({ ...vfs, ...test, "src/base/index.ts": `import "./one.test.js";` })).toEqual([
      "no-test base/index.ts:1",
    ]);
  });

  it("keeps the file system to vfs/node and the command line", () => {
    const text = `import { open } from "node:fs/promises";`;
    expect(problemsOf({ "src/vfs/node/node-vfs.ts": text, "src/cli/main.ts": text })).toEqual([]);
    expect(problemsOf({ "src/log/writer.ts": text })).toEqual(["through-vfs log/writer.ts:1"]);
    expect(problemsOf({ "src/vfs/sim/disk.ts": `import fs from "fs";` })).toEqual(["through-vfs vfs/sim/disk.ts:1"]);
  });

  it("finds a cycle, even of types alone", () => {
    expect(
      problemsOf({
        "src/log/a.ts": `import type { B } from "./b.js";\nexport type A = B;`,
        "src/log/b.ts": `import type { C } from "./c.js";\nexport type B = C;`,
        "src/log/c.ts": `import type { A } from "./a.js";\nexport type C = A;`,
      }),
    ).toEqual(["no-cycle log/a.ts:1"]);
  });

  it("takes a file that starts another one as a worker for no cycle", () => {
    const parent = `new URL("./worker.js", import.meta.url);`;
    expect(problemsOf({ "src/cli/main.ts": parent, "src/cli/worker.ts": `import "./main.js";` })).toEqual([]);
  });

  it("refuses an unknown part, a missing file, a way out of src, and the package's own name", () => {
    expect(problemsOf({ "src/helpers/index.ts": "" })).toEqual(["known-part helpers/index.ts:1"]);
    expect(problemsOf({ "src/log/a.ts": `import "./missing.js";` })).toEqual(["resolves log/a.ts:1"]);
    expect(problemsOf({ "src/log/a.ts": `import "../../test/a.js";` })).toEqual(["inside-src log/a.ts:1"]);
    expect(problemsOf({ "src/log/a.ts": `import "holdfast/vfs";` })).toEqual(["own-name log/a.ts:1"]);
  });

  it("has examples import the package by its name", () => {
    expect(problemsOf({ "examples/a.ts": `import "holdfast";` })).toEqual([]);
    expect(problemsOf({ "examples/a.ts": `import "../src/index.js";` })).toEqual(["by-name ../examples/a.ts:1"]);
  });
});
