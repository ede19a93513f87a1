/**
 * Every example that a document or a docstring shows, and every program in `examples/`, run as its reader would run it: as a module of its own, in an
 * empty directory, with `holdfast` by name.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

interface Example {
  readonly name: string;
  readonly source: string;
}

/** The blocks of a document that are fenced as `ts`. */
function blocksOf(document: string, text: string): Example[] {
  const examples: Example[] = [];
  for (const match of text.matchAll(/^```ts\n([\s\S]*?)^```/gm)) {
    const line = text.slice(0, match.index).split("\n").length;
    examples.push({ name: `${document}:${line}`, source: match[1]! });
  }
  return examples;
}

/** The blocks in the comments of a source file, without the stars. */
function docstringBlocksOf(file: string, text: string): Example[] {
  const lines = text.split("\n").map((line) => /^ *\* ?(.*)$/.exec(line)?.[1] ?? "");
  return blocksOf(file, lines.join("\n"));
}

async function filesBelow(directory: string, extension: string): Promise<string[]> {
  const entries = await readdir(path.join(ROOT, directory), { recursive: true });
  return entries
    .filter((entry) => entry.endsWith(extension))
    .map((entry) => path.join(directory, entry))
    .sort();
}

async function read(file: string): Promise<string> {
  return await readFile(path.join(ROOT, file), "utf8");
}

const pages = await filesBelow("docs", ".md");
/** The reference is made from docstrings, which are looked at where they stand. */
const documents = ["README.md", ...pages.filter((page) => !page.startsWith("docs/api/"))];
const sources = (await filesBelow("src", ".ts")).filter((file) => !/\.(test|contract)\.ts$/.test(file));
const examples: Example[] = [];
for (const document of documents) examples.push(...blocksOf(document, await read(document)));
for (const file of sources) examples.push(...docstringBlocksOf(file, await read(file)));
// The node in `examples/node` is a part of the demo, which runs it.
const isProgram = (name: string): boolean =>
  !name.endsWith(".test.ts") && !name.startsWith(path.join("examples", "node"));
for (const file of (await filesBelow("examples", ".ts")).filter(isProgram)) {
  examples.push({ name: file, source: await read(file) });
}

describe("an example", () => {
  // Inside the package, so that a bundle finds the package's dependencies.
  let directory: string;

  beforeAll(async () => {
    const cache = path.join(ROOT, "node_modules/.cache");
    await mkdir(cache, { recursive: true });
    directory = await mkdtemp(path.join(cache, "holdfast-docs-"));
    await buildExamples();
  });
  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  /** Each becomes a module of its own; what they import is compiled once, for all of them. */
  async function buildExamples(): Promise<void> {
    await build({
      entryPoints: Object.fromEntries(examples.map((_, index) => [String(index), `example-${index}`])),
      outdir: directory,
      outExtension: { ".js": ".mjs" },
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "node",
      target: "node20",
      packages: "external",
      // By name, as its readers import it, but from the sources.
      alias: await packageNames(),
      logLevel: "silent",
      plugins: [
        {
          name: "examples",
          setup(setup) {
            setup.onResolve({ filter: /^example-\d+$/ }, ({ path: entry }) => {
              const { name, source } = examples[Number(entry.slice("example-".length))]!;
              return { path: name, namespace: "example", pluginData: source };
            });
            setup.onLoad({ filter: /./, namespace: "example" }, ({ pluginData }) => ({
              contents: pluginData as string,
              loader: "ts",
              resolveDir: ROOT,
            }));
          },
        },
      ],
    });
  }

  for (const [index, { name }] of examples.entries()) {
    it(`runs: ${name}`, async () => {
      const program = path.join(directory, `${index}.mjs`);
      const cwd = path.join(directory, String(index));
      await mkdir(cwd);
      await writeFile(path.join(cwd, "package.json"), "{}");
      const { stderr } = await promisify(execFile)(process.execPath, [program], { cwd, timeout: 60_000 });
      expect(stderr).toBe("");
    });
  }

  it("passes a strict type check in a project of its own", { timeout: 60_000 }, async () => {
    const project = path.join(directory, "types");
    await mkdir(project);
    const names = new Map<string, string>();
    for (const [index, { name, source }] of examples.entries()) {
      names.set(`${index}.ts`, name);
      await writeFile(path.join(project, `${index}.ts`), source);
    }
    const paths = Object.fromEntries(Object.entries(await packageNames()).map(([name, file]) => [name, [file]]));
    const compilerOptions = {
      target: "ES2023",
      lib: ["ES2023", "ESNext.Disposable"],
      module: "NodeNext",
      types: ["node"],
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: true,
      noEmit: true,
      paths,
    };
    // The sources stand in for a build, and need what is declared beside them.
    const declared = (await filesBelow("src", ".d.ts")).map((file) => path.join(ROOT, file));
    const files = [...names.keys(), ...declared];
    await writeFile(path.join(project, "package.json"), JSON.stringify({ type: "module" }));
    await writeFile(path.join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
    const tsc = path.join(ROOT, "node_modules/typescript/bin/tsc");
    const run = promisify(execFile)(process.execPath, [tsc, "-p", project, "--pretty", "false"], { cwd: project });
    const told = await run.then(
      ({ stdout }) => stdout,
      ({ stdout }: { stdout: string }) => stdout,
    );
    expect(told.replaceAll(/^(\d+\.ts)/gm, (file) => names.get(file) ?? file)).toBe("");
  });

  it("is shown by the README, the guides, and the main classes", () => {
    const places = new Set(examples.map(({ name }) => name.replace(/:\d+$/, "")));
    for (const place of [
      "README.md",
      "docs/engines.md",
      "docs/events.md",
      "docs/flatkv.md",
      "docs/hash.md",
      "docs/lanes.md",
      "docs/pages.md",
      "docs/proofs.md",
      "docs/streams.md",
      "docs/testing.md",
      "docs/tidwall.md",
      "docs/trie.md",
      "src/engine/level/classic-level.ts",
      "src/hash/lt-hash.ts",
      "src/log/double-write-buffer.ts",
      "src/log/log.ts",
      "src/log/log-reader.ts",
      "src/anchor/anchor.ts",
      "src/events/event-log.ts",
      "src/flatkv/flat-kv.ts",
      "src/flatkv/store-reader.ts",
      "src/lanes/chain.ts",
      "src/lanes/indexed-log.ts",
      "src/lanes/lane-set.ts",
      "src/lanes/persist-pipeline.ts",
      "src/pages/page-store.ts",
      "src/proof/leaf-list.ts",
      "src/proof/verify.ts",
      "src/streams/shared-log.ts",
      "src/testing/explore-crashes.ts",
      "src/tidwall/tidwall-log.ts",
      "src/trie/merkle-store.ts",
      "src/vfs/sim/sim-vfs.ts",
    ]) {
      expect(places).toContain(place);
    }
  });
});

describe("a link in a document", () => {
  it("leads to a file of the repository, and to a heading that it has", async () => {
    const broken: string[] = [];
    for (const document of ["README.md", ...pages, "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]) {
      for (const [, target = ""] of (await read(document)).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target)) continue;
        const [file = "", heading] = target.split("#");
        const to = file === "" ? document : path.normalize(path.join(path.dirname(document), file));
        const text = await read(to).catch((error: unknown) =>
          (error as { code?: string }).code === "EISDIR" ? "" : undefined,
        );
        if (text === undefined || (heading !== undefined && !headingsOf(text).includes(heading)))
          broken.push(`${document} → ${target}`);
      }
    }
    expect(broken).toEqual([]);
  });

  it("leads from tables of tests to files that exist", async () => {
    const missing: string[] = [];
    for (const document of documents) {
      for (const [, file = ""] of (await read(document)).matchAll(
        /`((?:src|test|examples|scripts)\/[\w./-]+\.(?:ts|mjs))`/g,
      )) {
        if ((await read(file).catch(() => undefined)) === undefined) missing.push(`${document} → ${file}`);
      }
    }
    expect(missing).toEqual([]);
  });
});

/** Anchors of headings, as they are made for the web: one that comes again is numbered; and those that are written out. */
function headingsOf(text: string): string[] {
  const times = new Map<string, number>();
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => {
    const anchor = heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, "")
      .replaceAll(" ", "-");
    const time = times.get(anchor) ?? 0;
    times.set(anchor, time + 1);
    return time === 0 ? anchor : `${anchor}-${time}`;
  });
  return [...headings, ...[...text.matchAll(/<a id="([^"]+)">/g)].map(([, id = ""]) => id)];
}

/** The package's own names and the sources that they stand for. */
async function packageNames(): Promise<Record<string, string>> {
  const { exports } = JSON.parse(await read("package.json")) as { exports: Record<string, string> };
  const names: Record<string, string> = {};
  for (const [subpath, file] of Object.entries(exports)) {
    if (!file.endsWith(".js")) continue;
    names[path.posix.join("holdfast", subpath)] = path.join(
      ROOT,
      file.replace("./dist/", "src/").replace(/\.js$/, ".ts"),
    );
  }
  return names;
}
