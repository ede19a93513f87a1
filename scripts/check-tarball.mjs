/**
 * Packs the package, installs the tarball into an empty folder outside this repository, and uses it there as a stranger would:
 * every subpath is imported, logs, events and lanes are written, closed, reopened and read, the README's examples are run, a small TypeScript program is
 * checked against the declarations, and the command is run. Prints what is packed and what is installed.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { transformSync } from "esbuild";

const root = path.resolve(import.meta.dirname, "..");
const folder = mkdtempSync(path.join(tmpdir(), "holdfast-tarball-"));

const program = `
import assert from "node:assert/strict";
import { Log } from "holdfast";
import { EventLog, defineEvents, event, json } from "holdfast/events";
import { LaneSet } from "holdfast/lanes";
import { LogReader, verifyLog } from "holdfast/log";
import { SharedLog } from "holdfast/streams";

const bytes = (k) => new TextEncoder().encode("record " + k);
const directory = process.argv[2];
{
  const log = await Log.open(directory, { segmentBytes: 65536 });
  const lsns = await Promise.all([1, 2, 3].map((k) => log.append(bytes(k))));
  assert.deepEqual(lsns, [1, 2, 3]);
  await log.close();
}
{
  const log = await Log.open(directory, { segmentBytes: 65536 });
  assert.equal(log.lastLsn, 3);
  assert.equal(await log.append(bytes(4)), 4);
  await log.close();
}
const reader = await LogReader.open(directory);
let next = 1;
for await (const { lsn, payload } of reader.read()) {
  assert.equal(lsn, next);
  assert.deepEqual(Buffer.from(payload), Buffer.from(bytes(next)));
  next++;
}
assert.equal(next, 5);
await reader.close();
assert.equal((await verifyLog(directory)).sound, true);

const events = defineEvents({ counted: event({ id: 1, codec: json() }) });
for (const opening of [1, 2]) {
  const shared = await SharedLog.open(directory + "-shared", { segmentBytes: 65536 });
  const log = await EventLog.on(await shared.stream("events"), { events });
  const lanes = await LaneSet.open(shared, { codec: json() });
  const { state } = await log.hydrate({ initial: 0, apply: (sum, { data }) => sum + data });
  assert.equal(state, opening - 1);
  await log.append("counted", 1);
  await log.checkpoint({ state: opening });
  await lanes.commit([{ key: "ann", firstIndex: opening - 1, values: [opening] }], { atomic: true });
  assert.equal((await lanes.lane("ann")).count, opening);
  await lanes.close();
  await log.close();
  await shared.close();
}
`;

const typedProgram = `
import { HoldfastError, Log } from "holdfast";
import { EventLog, defineEvents, event, json } from "holdfast/events";
import { PersistPipeline } from "holdfast/lanes";
import type { LogOptions, LogRecord } from "holdfast/log";
import type { Vfs } from "holdfast/vfs";

export async function lastPayload(directory: string, vfs: Vfs): Promise<Uint8Array | undefined> {
  const options: LogOptions = { vfs, durability: "sync" };
  const log = await Log.open(directory, options);
  try {
    const lsn: number = await log.append(new Uint8Array(3));
    const record: LogRecord | undefined = await log.get(lsn);
    return record?.payload;
  } catch (error) {
    if (error instanceof HoldfastError) throw new Error(error.code, { cause: error });
    throw error;
  } finally {
    await log.close();
  }
}

export async function lastCents(directory: string): Promise<number | undefined> {
  const events = defineEvents({
    paid: event({ id: 1, codec: json<{ cents: number }>() }),
    told: event({ id: 2, codec: json<string>() }),
  });
  const log = await EventLog.open(directory, { events });
  // @ts-expect-error an event of another type's shape is refused
  void log.append("paid", "five");
  let last: number | undefined;
  for await (const { data } of log.replay({ types: ["paid"] })) last = data.cents;
  return last;
}
export const pipeline = PersistPipeline.open("x", {
  lanes: { codec: json<string>() },
  chain: { codec: json<number>() },
  anchor: { codec: json<number>(), needs: (round: number) => ({ chain: round, lanes: [["ann", round]] }) },
  onPersisted: (persisted) => {
    if (persisted.kind === "lane") persisted.key.toUpperCase();
  },
});
// @ts-expect-error an unknown option is refused by the types too
void Log.open("x", { segmentbytes: 1 });
`;

try {
  /** @type {{ filename: string, files: { path: string }[], size: number }[]} */
  const packed = JSON.parse(npm(root, "pack", "--json", "--pack-destination", folder));
  const [tarball] = packed;
  if (tarball === undefined) throw new Error("npm pack made nothing");
  const files = tarball.files.map((file) => file.path);
  checkFiles(files);
  console.log(`packed: ${files.length} files, ${(tarball.size / 1024).toFixed(0)} KiB`);

  write("package.json", JSON.stringify({ name: "stranger", private: true, type: "module" }));
  npm(folder, "install", "--no-audit", "--no-fund", path.join(folder, tarball.filename));
  const installed = path.join(folder, "node_modules", "holdfast");

  const tree = path.join(folder, "node_modules");
  const packages = readdirSync(tree, { recursive: true, encoding: "utf8" }).filter((file) =>
    /^(@[^/]+\/)?[^/@.][^/]*\/package\.json$/.test(file),
  );
  console.log(
    `installed: ${packages.length} packages, ${mebibytes(bytesBelow(tree))}; of that holdfast ${mebibytes(bytesBelow(installed))}, ` +
      `its source maps ${mebibytes(bytesBelow(installed, ".map"))}`,
  );

  /** @type {{ exports: Record<string, string> }} */
  const { exports } = JSON.parse(readFileSync(path.join(installed, "package.json"), "utf8"));
  const subpaths = Object.keys(exports).filter((subpath) => subpath !== "./package.json");
  const specifiers = subpaths.map((subpath) => `holdfast${subpath.slice(1)}`);
  write(
    "import.mjs",
    `for (const specifier of ${JSON.stringify(specifiers)}) {
  const names = Object.keys(await import(specifier));
  if (names.length === 0 || names.includes("default")) throw new Error(specifier + " exports " + names.join(", "));
}`,
  );
  node("import.mjs");
  console.log(`imported: ${specifiers.join(", ")}`);

  write("use.mjs", program);
  node("use.mjs", path.join(folder, "log"));
  console.log("used: append, close, reopen, read, verify; streams, events, lanes");

  const blocks = [...readFileSync(path.join(root, "README.md"), "utf8").matchAll(/^```ts\n([\s\S]*?)^```/gm)];
  for (const [index, [, block = ""]] of blocks.entries()) {
    write(`readme-${index}.mjs`, transformSync(block, { loader: "ts", target: "node20" }).code);
    node(`readme-${index}.mjs`);
  }
  if (blocks.length < 6) throw new Error(`the README has ${blocks.length} examples`);
  console.log(`pasted: ${blocks.length} examples of the README`);

  checkMaps(path.join(installed, "dist"));
  write("typed.ts", typedProgram);
  for (const resolution of ["NodeNext", "Bundler"]) {
    const module = resolution === "Bundler" ? "ESNext" : "NodeNext";
    const options = ["--module", module, "--moduleResolution", resolution];
    tsc("--noEmit", "--strict", "--target", "ES2023", "--lib", "ES2023,ESNext.Disposable", ...options, "typed.ts");
  }
  console.log("type-checked: NodeNext and Bundler resolution, library declarations included");

  const bin = path.join(folder, "node_modules", ".bin", "holdfast");
  const help = execFileSync(bin, ["--help"], { cwd: folder, encoding: "utf8" });
  for (const command of [
    "demo",
    "inspect",
    "verify",
    "repair",
    "rebuild-hashes",
    "tail",
    "import",
    "export",
    "bench",
    "crash",
  ]) {
    if (!help.includes(command)) throw new Error(`holdfast --help does not name ${command}`);
  }
  execFileSync(bin, ["verify", path.join(folder, "log")], { cwd: folder, stdio: "pipe" });
  console.log("run: holdfast --help, holdfast verify");
} finally {
  rmSync(folder, { recursive: true });
}

/**
 * What ships is what runs and what describes it.
 * @param {string[]} files
 */
function checkFiles(files) {
  const wrong = files.filter(
    (file) =>
      !/^dist\/.*\.(js|js\.map|d\.ts)$/.test(file) &&
      !["package.json", "README.md", "LICENSE", "CHANGELOG.md"].includes(file),
  );
  const tests = files.filter((file) => /\.(test|contract|setup)\.|mutant/i.test(file));
  if (wrong.length + tests.length > 0) throw new Error(`the tarball ships ${[...wrong, ...tests].join(", ")}`);
  for (const name of ["README.md", "LICENSE", "CHANGELOG.md", "dist/index.js", "dist/index.d.ts", "dist/cli/main.js"]) {
    if (!files.includes(name)) throw new Error(`the tarball lacks ${name}`);
  }
}

/**
 * Source maps hold the sources that they speak of.
 * @param {string} dist
 */
function checkMaps(dist) {
  const maps = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".js.map"));
  if (maps.length === 0) throw new Error("no source maps ship");
  for (const file of maps) {
    /** @type {{ sources: string[], sourcesContent?: (string | null)[] }} */
    const map = JSON.parse(readFileSync(path.join(dist, file), "utf8"));
    const missing = map.sources.filter((_, index) => typeof map.sourcesContent?.[index] !== "string");
    if (missing.length > 0) throw new Error(`${file} points to ${missing.join(", ")}, which does not ship`);
  }
  for (const file of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
    if (!/\.(js|d\.ts)$/.test(file)) continue;
    const named = /^\/\/# sourceMappingURL=(.*)$/m.exec(readFileSync(path.join(dist, file), "utf8"))?.[1];
    if (named !== undefined && !existsSync(path.join(dist, path.dirname(file), named))) {
      throw new Error(`${file} names the map ${named}, which does not ship`);
    }
  }
}

/**
 * The bytes of the files in a directory and below it, or of those whose names end so.
 * @param {string} directory
 */
function bytesBelow(directory, ending = "") {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .reduce((sum, entry) => sum + statSync(path.join(entry.parentPath, entry.name)).size, 0);
}

/** @param {number} bytes */
function mebibytes(bytes) {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** @param {string} name @param {string} text */
function write(name, text) {
  writeFileSync(path.join(folder, name), text);
}

/** @param {string} cwd @param {string[]} words */
function npm(cwd, ...words) {
  return execFileSync("npm", words, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
}

/** @param {string[]} words */
function node(...words) {
  execFileSync(process.execPath, words, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
}

/**
 * The compiler and Node's types are this repository's; what they check is the stranger's folder.
 * @param {string[]} words
 */
function tsc(...words) {
  const compiler = path.join(root, "node_modules", "typescript", "bin", "tsc");
  const types = ["--typeRoots", path.join(root, "node_modules", "@types"), "--types", "node"];
  execFileSync(process.execPath, [compiler, ...types, ...words], {
    cwd: folder,
    stdio: ["ignore", "inherit", "inherit"],
  });
}
