/** Directories of tidwall/wal, in both formats: the library writes and ours reads, ours writes and the library reads and goes on. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { Log } from "holdfast";
import { TidwallLog, exportTidwall, importTidwall } from "holdfast/tidwall";
import { Skip, lastLine, output, randomNumbers, run } from "../tools.mjs";

/** @param {import("../tools.mjs").Context} context */
export async function check({ root, folder, seed, passed }) {
  const cwd = path.join(root, "compat", "tidwall");
  // The machine's own Go or none: another one would be downloaded.
  const env = { GOTOOLCHAIN: "local", GOFLAGS: "-mod=readonly" };
  const fetched = run("go", ["mod", "download"], { cwd, env });
  assert.ok(!/checksum mismatch|SECURITY ERROR|missing go\.sum|updates to go\./.test(fetched.stderr), fetched.stderr);
  if (fetched.status !== 0) throw new Skip(`its modules can't be had: ${lastLine(fetched.stderr)}`);
  const program = path.join(folder, "tidwall");
  output("go", ["build", "-o", program, "."], { cwd, env });
  /** What the library reads in a copy of a directory. @param {string} directory @param {string} format @returns {string[]} */
  const readByGo = (directory, format) => {
    const found = JSON.parse(output(program, ["read", directory, format]));
    assert.deepEqual([found.openError, found.readError], [undefined, undefined], `the library refuses ${directory}`);
    return found.entries;
  };

  const made = path.join(folder, "fixtures");
  output(program, ["make", made]);
  compareFixtures(made, path.join(root, "test", "fixtures", "tidwall"));
  passed("the library makes the committed directories, and reads the same in them");

  const random = randomNumbers(seed);
  for (const format of /** @type {const} */ (["binary", "json"])) {
    const theirs = path.join(folder, `${format}-theirs`);
    output(program, ["random", theirs, format, String(seed)]);
    const entries = readByGo(theirs, format);
    assert.deepEqual(await readByUs(theirs), entries);
    passed(`${entries.length} ${format} entries of the library's are read by ours`);

    const log = await Log.open(path.join(folder, `${format}-log`));
    try {
      await importTidwall(await TidwallLog.open(theirs), log);
      for (let k = 0; k < 500; k++) log.enqueue(anyBytes(random));
      await log.sync();
      const ours = path.join(folder, `${format}-ours`);
      await exportTidwall(log, ours, { format, segmentBytes: 1000 + random(20_000) });
      const expected = [];
      for await (const { payload } of log.read()) expected.push(Buffer.from(payload).toString("base64"));
      assert.equal(expected.length, entries.length + 500);
      assert.deepEqual(readByGo(ours, format), expected);
      passed(`${expected.length} ${format} entries of ours are read by the library`);

      output(program, ["append", ours, format, String(seed + 1)]);
      const longer = await readByUs(ours);
      assert.deepEqual(longer.slice(0, expected.length), expected);
      assert.ok(longer.length > expected.length);
      assert.deepEqual(readByGo(ours, format), longer);
      passed(
        `${longer.length - expected.length} ${format} entries that the library wrote behind ours are read by ours`,
      );
    } finally {
      await log.close();
    }
  }
}

/** @param {string} directory */
async function readByUs(directory) {
  const entries = [];
  const log = await TidwallLog.open(directory);
  assert.equal(log.tornTail, undefined);
  for await (const { data } of log.entries()) entries.push(Buffer.from(data).toString("base64"));
  return entries;
}

/** Of every length, and often text, which the JSON format writes in another way. @param {(below: number) => number} random */
function anyBytes(random) {
  const bytes = new Uint8Array(1 + random(random(4) === 0 ? 3000 : 200));
  const range = [256, 128, 32][random(3)] ?? 256;
  for (let at = 0; at < bytes.length; at++) bytes[at] = random(range);
  return bytes;
}

/** All files but the library's version, which is the machine's. @param {string} made @param {string} committed */
function compareFixtures(made, committed) {
  /** @param {string} directory */
  const files = (directory) =>
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== ".gitattributes")
      .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
      .sort();
  assert.deepEqual(files(made), files(committed));
  for (const file of files(made)) {
    if (file === "expected.json") continue;
    const [here, there] = [made, committed].map((directory) => readFileSync(path.join(directory, file), "latin1"));
    assert.equal(here, there, `${file} is another than the committed one`);
  }
  const [here, there] = [made, committed].map((directory) => {
    const { library: _, ...read } = JSON.parse(readFileSync(path.join(directory, "expected.json"), "utf8"));
    return read;
  });
  assert.deepEqual(here, there);
}
