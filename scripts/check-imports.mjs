/**
 * Checks which way imports run (see docs/architecture.md): a part is a folder of `src`, and it may import only the parts
 * listed for it here, through their `index.ts`. Type-only imports count like any other.
 *
 * Tests (`*.test.ts`, `*.contract.ts`) may look into any part, because they hold parts against each other.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "oxc-parser";

/** What each part may import. `.` is `src/index.ts`, the package's front door. */
const PARTS_SEEN_BY = /** @type {Record<string, readonly string[]>} */ ({
  base: [],
  checksum: [],
  vfs: ["base"],
  anchor: ["vfs", "checksum", "base"],
  log: ["anchor", "vfs", "checksum", "base"],
  streams: ["log", "anchor", "vfs", "checksum", "base"],
  events: ["log", "vfs", "checksum", "base"],
  lanes: ["streams", "log", "anchor", "vfs", "base"],
  tidwall: ["log", "vfs", "base"],
  hash: ["base"],
  proof: ["hash", "base"],
  testing: ["vfs", "base"],
  engine: ["vfs", "hash", "checksum", "base"],
  flatkv: ["log", "anchor", "hash", "engine", "vfs", "checksum", "base"],
  trie: ["pages", "proof", "engine", "log", "anchor", "hash", "vfs", "base"],
  pages: ["log", "anchor", "hash", "vfs", "checksum", "base"],
  ".": [
    "base",
    "vfs",
    "anchor",
    "log",
    "streams",
    "events",
    "lanes",
    "tidwall",
    "hash",
    "engine",
    "flatkv",
    "pages",
    "proof",
    "trie",
    "testing",
  ],
  // The command line is a user of the package: it sees the indexes, and nothing behind them.
  cli: [
    ".",
    "base",
    "checksum",
    "vfs",
    "anchor",
    "log",
    "streams",
    "events",
    "lanes",
    "tidwall",
    "hash",
    "engine",
    "flatkv",
    "pages",
    "proof",
    "trie",
    "testing",
  ],
});

/** Modules that reach out of the process, and the only folders that may import them. */
const OUTSIDE_MODULES = new Set([
  "fs",
  "fs/promises",
  "child_process",
  "worker_threads",
  "net",
  "os",
  "crypto",
  "timers",
  "timers/promises",
  "fs-native-extensions",
]);
const OUTSIDE_FOLDERS = [
  "vfs/node/",
  "cli/",
  // LevelDB opens its files itself, past any port; what surrounds it has to work on the same file system.
  "engine/level/",
];

/** What is written as a user would write it, and shown as an example too: it imports the package by its name, its own files, and nothing else. */
const EXAMPLE_FOLDER = "cli/node/";

/**
 * @typedef {{ file: string, line: number, rule: string, message: string }} Problem
 * @typedef {{ specifier: string, line: number, isUrl: boolean }} Import
 */

/**
 * Checks `<root>/src` and `<root>/examples`.
 * @param {string} root
 * @returns {{ files: number, imports: number, problems: Problem[] }}
 */
export function checkImports(root) {
  const source = path.join(root, "src");
  const files = filesIn(source);
  /** @type {Problem[]} */
  const problems = [];
  /** @type {Map<string, { to: string, line: number }[]>} */
  const edges = new Map();
  let count = 0;

  for (const file of files) {
    const part = partOf(file);
    if (PARTS_SEEN_BY[part] === undefined) {
      problems.push({
        file,
        line: 1,
        rule: "known-part",
        message: `there is no part "${part}" in scripts/check-imports.mjs`,
      });
      continue;
    }
    for (const { specifier, line, isUrl } of importsOf(path.join(source, file))) {
      count++;
      /** @param {string} rule @param {string} message */
      const report = (rule, message) => problems.push({ file, line, rule, message });
      if (file.startsWith(EXAMPLE_FOLDER) && !isTest(file)) {
        if (!/^(holdfast(\/|$)|\.\/)/.test(specifier))
          report("by-name", `what is an example too imports "holdfast" and its own files, not ${specifier}`);
      } else if (!specifier.startsWith(".")) checkOutside(file, specifier, report);
      if (!specifier.startsWith(".")) continue;
      const target = path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier)).replace(/\.js$/, ".ts");
      if (target.startsWith("../")) {
        if (!isTest(file)) report("inside-src", `${specifier} leaves src`);
        continue;
      }
      if (!existsSync(path.join(source, target))) {
        report("resolves", `${specifier} names no file of ours`);
        continue;
      }
      if (isTest(file)) continue;
      // A file that starts another one in a thread or a process of its own doesn't load it: that closes no cycle.
      if (!isUrl) edges.set(file, [...(edges.get(file) ?? []), { to: target, line }]);
      checkDirection(part, target, specifier, report);
    }
  }

  for (const cycle of cyclesIn(files, edges)) {
    const line = edges.get(cycle[0] ?? "")?.find((edge) => edge.to === cycle[1])?.line ?? 1;
    problems.push({ file: cycle[0] ?? "", line, rule: "no-cycle", message: cycle.join(" -> ") });
  }
  problems.push(...checkExamples(root));
  return { files: files.length, imports: count, problems };
}

/**
 * @param {string} part
 * @param {string} target
 * @param {string} specifier
 * @param {(rule: string, message: string) => void} report
 */
function checkDirection(part, target, specifier, report) {
  if (isTest(target)) report("no-test", `${specifier} is a test`);
  const other = partOf(target);
  if (other === part) return;
  const seen = PARTS_SEEN_BY[part] ?? [];
  if (!seen.includes(other)) {
    report(
      "direction",
      `${part} may import ${seen.length === 0 ? "no other part" : seen.join(", ")}, and not ${other}`,
    );
  } else if (other !== "." && target !== `${other}/index.ts`) {
    report("front-door", `${specifier} passes by ${other}/index.ts`);
  }
}

/**
 * @param {string} file
 * @param {string} specifier
 * @param {(rule: string, message: string) => void} report
 */
function checkOutside(file, specifier, report) {
  const name = specifier.replace(/^node:/, "");
  if (name === "holdfast" || name.startsWith("holdfast/")) {
    report("own-name", "a part imports another by path, never by the package's name");
  } else if (OUTSIDE_MODULES.has(name) && !isTest(file) && !OUTSIDE_FOLDERS.some((folder) => file.startsWith(folder))) {
    report("through-vfs", `only ${OUTSIDE_FOLDERS.join(" and ")} may import ${specifier}`);
  }
}

/**
 * An example shows what a user can write, so it imports the package by its name.
 * @param {string} root
 * @returns {Problem[]}
 */
function checkExamples(root) {
  const folder = path.join(root, "examples");
  if (!existsSync(folder)) return [];
  return filesIn(folder).flatMap((file) =>
    importsOf(path.join(folder, file))
      .filter(({ specifier }) => /^\.\..*\/(src|dist)\//.test(specifier))
      .map(({ specifier, line }) => ({
        file: `../examples/${file}`,
        line,
        rule: "by-name",
        message: `an example imports "holdfast", not ${specifier}`,
      })),
  );
}

/** @param {string} file relative to `src` */
function partOf(file) {
  const slash = file.indexOf("/");
  return slash === -1 ? "." : file.slice(0, slash);
}

/** @param {string} file */
function isTest(file) {
  return /\.(test|contract)\.ts$/.test(file);
}

/**
 * Every `.ts` file below a folder, by its path in it.
 * @param {string} folder
 */
function filesIn(folder) {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((file) => file.split(path.sep).join("/"))
    .filter((file) => file.endsWith(".ts") && !file.includes("node_modules/"))
    .sort();
}

/**
 * The imports, re-exports, dynamic imports, `import()` types, and `new URL("./file.js", import.meta.url)` of a file.
 * @param {string} file
 * @returns {Import[]}
 */
function importsOf(file) {
  const text = readFileSync(file, "utf8");
  const { program, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file} does not parse: ${errors[0]?.message ?? ""}`);
  /** @type {Import[]} */
  const found = [];
  /** @param {unknown} node */
  const visit = (node) => {
    if (Array.isArray(node)) {
      node.forEach(visit);
      return;
    }
    if (typeof node !== "object" || node === null) return;
    const fields = /** @type {Record<string, any>} */ (node);
    const isUrl = fields["type"] === "NewExpression" && fields["callee"]?.name === "URL";
    const literal = isUrl ? fields["arguments"]?.[0] : fields["source"];
    if (typeof literal?.value === "string" && typeof literal.start === "number") {
      const line = text.slice(0, literal.start).split("\n").length;
      if (!isUrl || /^\.{1,2}\/.*\.js$/.test(literal.value)) found.push({ specifier: literal.value, line, isUrl });
    }
    Object.values(fields).forEach(visit);
  };
  visit(program);
  return found;
}

/**
 * One cycle of each group of files that reach each other.
 * @param {readonly string[]} files
 * @param {ReadonlyMap<string, readonly { to: string }[]>} edges
 * @returns {string[][]}
 */
function cyclesIn(files, edges) {
  /** @type {string[][]} */
  const cycles = [];
  /** @type {Map<string, "open" | "done">} */
  const state = new Map();
  /** @type {string[]} */
  const trail = [];
  /** @param {string} file */
  const walk = (file) => {
    state.set(file, "open");
    trail.push(file);
    for (const { to } of edges.get(file) ?? []) {
      if (state.get(to) === "open") cycles.push([...trail.slice(trail.indexOf(to)), to]);
      else if (state.get(to) === undefined) walk(to);
    }
    trail.pop();
    state.set(file, "done");
  };
  for (const file of files) if (state.get(file) === undefined) walk(file);
  return cycles;
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { files, imports, problems } = checkImports(path.resolve(import.meta.dirname, ".."));
  for (const { file, line, rule, message } of problems) console.error(`src/${file}:${line}  ${rule}: ${message}`);
  console.log(`${imports} imports in ${files} files, ${problems.length} against the direction.`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
