/** inspect, verify, repair, export, import and rebuild-hashes of commit stores: what they print, what they leave, and how they end. */
import { appendFile, mkdir, mkdtemp, readFile, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { InterruptedError } from "../../src/cli/interruption.js";
import { classicLevel, memoryEngine } from "../../src/engine/index.js";
import { FlatKv, FlatKvReader, importFlatKv } from "../../src/flatkv/index.js";
import { Log } from "../../src/log/index.js";
import { nodeVfs } from "../../src/vfs/index.js";
import { capture } from "./captured-terminal.js";

const options = { engine: memoryEngine(), databases: ["a", "b"], log: { segmentBytes: 1 << 20 } };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
let root: string;
let directory: string;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "holdfast-cli-test-"));
  directory = path.join(root, "state");
  const store = await FlatKv.open(directory, options);
  for (const version of [1, 2, 3]) {
    await store.applyChangeSets([
      { database: "a", changes: [{ key: bytes(`key ${version}`), value: bytes(`value ${version}`) }] },
    ]);
    await store.commit();
    if (version === 2) await store.snapshot();
  }
  await store.close();
});

afterEach(() => rm(root, { recursive: true, force: true }));

async function contents(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const name of (await readdir(directory, { recursive: true })).toSorted())
    files.set(name, await readFile(path.join(directory, name), "hex").catch(() => "directory"));
  return files;
}

const exists = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );

/** The directory of a live database. */
async function directoryOf(name: string): Promise<string> {
  const { json } = await capture(["inspect", directory, "--json"]);
  const { databases } = json() as {
    readonly databases: readonly { readonly name: string; readonly directory: string }[];
  };
  return path.join(directory, databases.find((database) => database.name === name)!.directory);
}

/** Rows whose hash is another, with checksums that are right: what no engine can notice. */
async function replaceRows(name: string): Promise<void> {
  const other = path.join(root, "other");
  const store = await FlatKv.open(other, options);
  await store.close();
  const live = await directoryOf(name);
  const engine = memoryEngine();
  const database = (await engine.open(live))!;
  const batch = database.batch();
  for await (const rows of database.iterate({ gte: Uint8Array.of(1), lt: Uint8Array.of(2), limit: 1 }))
    batch.delete(rows[0]![0]);
  await batch.write({ sync: true });
  await database.close();
}

describe("inspect of a commit store", () => {
  it("prints one JSON document, and changes nothing", async () => {
    const before = await contents();
    const { exitCode, err, json } = await capture(["inspect", directory, "--json"]);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    expect(json()).toMatchObject({
      kind: "flatkv",
      directory,
      engine: "memory",
      timeline: 1,
      version: 3,
      syncedVersion: 3,
      baseVersion: 0,
      databases: [{ name: "a" }, { name: "b" }],
      snapshots: [{ version: 2, timeline: 1, lsn: 2 }],
      log: { firstLsn: 3, lastLsn: 3 },
      unnamed: [],
      foreign: [],
      problems: [],
    });
    expect(await contents()).toEqual(before);
  });

  it("tells the checksums of the databases' hashes, as the store does, beside a writer", async () => {
    const store = await FlatKv.open(directory, options);
    await store.applyChangeSets([{ database: "b", changes: [{ key: bytes("k"), value: bytes("v") }] }]);
    await store.commit();
    const { json } = await capture(["inspect", directory, "--json"]);
    expect(json()).toMatchObject({
      version: 4,
      databases: ["a", "b"].map((name) => ({
        checksum: Buffer.from(store.databaseHash(name).checksum()).toString("hex"),
      })),
    });
    await store.close();
  });

  it("prints books for people", async () => {
    const { exitCode, out } = await capture(["inspect", directory]);
    expect(exitCode).toBe(0);
    expect(out).toContain("commit store on memory");
    expect(out).toMatch(/b +db-0{15}2 +[0-9a-f]{64}\n/);
    expect(out).toContain("LSN 3 to 3");
  });

  it("names directories that the books do not name, and files that are nobody's", async () => {
    await mkdir(path.join(directory, "db-0000000000000077"));
    await writeFile(path.join(directory, "notes.txt"), "");
    const { json } = await capture(["inspect", directory, "--json"]);
    expect(json()).toMatchObject({ unnamed: ["db-0000000000000077"], foreign: ["notes.txt"] });
  });

  it("tells that the log can't be read, with exit code 1, and what the books know", async () => {
    await rm(path.join(directory, "log", "anchor"));
    const { exitCode, json } = await capture(["inspect", directory, "--json"]);
    expect(exitCode).toBe(1);
    expect(json()).toMatchObject({ version: 2, log: null });
    expect((json() as { readonly problems: readonly string[] }).problems).toHaveLength(1);
  });

  it("says that the books are damaged", async () => {
    await truncate(path.join(directory, "anchor"), 100);
    const { exitCode, err } = await capture(["inspect", directory]);
    expect(exitCode).toBe(1);
    expect(err).toContain("[HF_CORRUPTION]");
  });
});

describe("a store whose commits are in a journal elsewhere", () => {
  it("can be looked at, and is not opened", async () => {
    const journal = await Log.open(path.join(root, "journal"));
    const elsewhere = path.join(root, "elsewhere");
    const { log: _, ...rest } = options;
    const store = await FlatKv.open(elsewhere, { ...rest, journal });
    await store.commit();
    await store.snapshot();
    await store.commit();
    await store.close();
    await journal.close();
    const { exitCode, json } = await capture(["inspect", elsewhere, "--json"]);
    expect(exitCode).toBe(0);
    expect(json()).toMatchObject({ version: 1, syncedVersion: 2, log: null, problems: [] });
    expect((await capture(["inspect", elsewhere])).out).toContain("in a journal elsewhere");
    await writeFile(path.join(root, "file"), "");
    for (const words of [
      ["verify", elsewhere],
      ["repair", elsewhere, "--yes"],
      ["export", "flatkv", elsewhere, path.join(root, "out")],
      ["import", "flatkv", path.join(root, "file"), elsewhere, "--replace"],
    ]) {
      const refused = await capture(words);
      expect(refused.exitCode, words.join(" ")).toBe(2);
      expect(refused.err).toContain("[HF_OPTION_MISMATCH]");
    }
    expect(await readdir(elsewhere)).not.toContain("log");
  });
});

describe("verify of a commit store", () => {
  it("is sound with exit code 0", async () => {
    const { exitCode, err, json } = await capture(["verify", directory, "--snapshots", "--json"]);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    expect(json()).toMatchObject({
      kind: "flatkv",
      version: 3,
      sound: true,
      databases: [
        { name: "a", rows: 3, sound: true },
        { name: "b", rows: 0, sound: true },
      ],
      commits: 1,
      problems: [],
      recovery: { version: 3, rebuilt: [] },
    });
  });

  it("names the database whose rows do not have their hash, and exits with 1", async () => {
    await replaceRows("a");
    const { exitCode, json } = await capture(["verify", directory, "--json"]);
    expect(exitCode).toBe(1);
    expect(json()).toMatchObject({ sound: false, problems: [{ database: "a", code: "hash-differs" }] });
    const people = await capture(["verify", directory]);
    expect(people.out).toContain("database a [hash-differs]");
    expect(people.out).toContain(`holdfast repair ${directory} --yes`);
  });

  it("says what opening recovered", async () => {
    await rm(await directoryOf("b"), { recursive: true });
    const { exitCode, out } = await capture(["verify", directory]);
    expect(exitCode).toBe(0);
    expect(out).toContain("opening made database b anew (missing) from version 2 and the log");
  });

  it("needs the lock", async () => {
    const store = await FlatKv.open(directory, options);
    expect((await capture(["verify", directory])).exitCode).toBe(3);
    await store.close();
  });

  it("refuses --snapshots of a log", async () => {
    const log = path.join(root, "log");
    await (await Log.open(log)).close();
    expect((await capture(["verify", log, "--snapshots"])).exitCode).toBe(2);
  });
});

describe("repair of a commit store", () => {
  it("leaves a sound store alone", async () => {
    const { exitCode, json } = await capture(["repair", directory, "--yes", "--json"]);
    expect(exitCode).toBe(0);
    expect(json()).toMatchObject({ needless: true, rebuilt: [] });
  });

  it("without --yes tells which databases are damaged and exits with 1; with it makes them anew", async () => {
    await replaceRows("a");
    const told = await capture(["repair", directory]);
    expect(told.exitCode).toBe(1);
    expect(told.out).toContain("This would be made anew: a.");
    expect((await capture(["verify", directory])).exitCode).toBe(1);
    const { exitCode, json } = await capture(["repair", directory, "--yes", "--json"]);
    expect(exitCode).toBe(0);
    expect(json()).toMatchObject({
      dryRun: false,
      needless: false,
      rebuilt: [{ database: "a", reason: "verify", fromVersion: 2 }],
    });
    expect((await capture(["verify", directory, "--json"])).json()).toMatchObject({ sound: true });
  });
});

describe("export and import of a commit store", () => {
  let file: string;

  beforeEach(() => {
    file = path.join(root, "state.hfx");
  });

  it("writes a file and makes a store of it with the same version and hashes", async () => {
    const exported = await capture(["export", "flatkv", directory, file, "--json"]);
    expect({ exitCode: exported.exitCode, err: exported.err }).toEqual({ exitCode: 0, err: "" });
    expect(exported.json()).toEqual({
      source: directory,
      target: file,
      version: 3,
      rows: 3,
      bytes: (await stat(file)).size,
    });
    expect(await exists(`${file}.partial`)).toBe(false);

    const target = path.join(root, "imported");
    const imported = await capture(["import", "flatkv", file, target, "--json"]);
    expect({ exitCode: imported.exitCode, err: imported.err }).toEqual({ exitCode: 0, err: "" });
    expect(imported.json()).toEqual({
      source: file,
      target,
      version: 3,
      rows: 3,
      resumedRows: 0,
      databases: [
        { name: "a", rows: 3 },
        { name: "b", rows: 0 },
      ],
    });
    const reader = await FlatKvReader.open(target, { engine: classicLevel() });
    const store = await FlatKv.open(directory, options);
    expect(reader.committedHash().equals(store.committedHash())).toBe(true);
    await reader.close();
    await store.close();
  });

  it("tells people what was done", async () => {
    expect((await capture(["export", "flatkv", directory, file])).out).toContain(`3 rows in ${file}, durable`);
    expect((await capture(["import", "flatkv", file, path.join(root, "imported")])).out).toContain("a 3, b 0");
  });

  it("does not write over a file", async () => {
    await writeFile(file, "mine");
    const { exitCode, err } = await capture(["export", "flatkv", directory, file]);
    expect(exitCode).toBe(2);
    expect(err).toContain("[HF_EXISTS]");
    expect(await readFile(file, "utf8")).toBe("mine");
  });

  it("leaves no file where rows are damaged", async () => {
    await replaceRows("a");
    const { exitCode, err } = await capture(["export", "flatkv", directory, file]);
    expect(exitCode).toBe(1);
    expect(err).toContain("[HF_CORRUPTION]");
    expect(await exists(file)).toBe(false);
    expect(await exists(`${file}.partial`)).toBe(false);
  });

  it("leaves no file, or the store that was there, when it is interrupted", async () => {
    const stopped = AbortSignal.abort(new InterruptedError("SIGINT"));
    expect((await capture(["export", "flatkv", directory, file], stopped)).exitCode).toBe(130);
    expect(await exists(file)).toBe(false);
    expect(await exists(`${file}.partial`)).toBe(false);
    await capture(["export", "flatkv", directory, file]);
    const words = ["import", "flatkv", file, directory, "--replace"];
    expect((await capture(words, stopped)).exitCode).toBe(130);
    expect((await capture(["inspect", directory, "--json"])).json()).toMatchObject({ version: 3, timeline: 1 });
  });

  it("replaces a store only with --replace", async () => {
    await capture(["export", "flatkv", directory, file]);
    const words = ["import", "flatkv", file, directory];
    const refused = await capture(words);
    expect(refused.exitCode).toBe(2);
    expect(refused.err).toContain("--replace");
    expect((await capture([...words, "--replace"])).exitCode).toBe(0);
    expect((await capture(["inspect", directory, "--json"])).json()).toMatchObject({
      version: 3,
      timeline: 2,
      engine: "memory",
    });
  });

  it("goes on where an import was interrupted, unless told to begin from nothing", async () => {
    await capture(["export", "flatkv", directory, file]);
    const contentsOfFile = await readFile(file);
    for (const restart of [false, true]) {
      const target = path.join(root, `imported-${String(restart)}`);
      const half = importFlatKv(target, [contentsOfFile.subarray(0, -10)], { noteEveryBytes: 1 });
      await expect(half).rejects.toMatchObject({ code: "HF_CORRUPTION" });
      const { json } = await capture(["import", "flatkv", file, target, "--json", ...(restart ? ["--restart"] : [])]);
      expect(json()).toMatchObject({ rows: 3, resumedRows: restart ? 0 : 3 });
    }
  });

  it("refuses a damaged file, and one that is not there, which leaves no directory", async () => {
    await capture(["export", "flatkv", directory, file]);
    await appendFile(file, "more");
    const target = path.join(root, "imported");
    expect((await capture(["import", "flatkv", path.join(root, "nothing"), target])).exitCode).toBe(4);
    expect(await exists(target)).toBe(false);
    expect((await capture(["import", "flatkv", file, target])).exitCode).toBe(1);
    expect((await capture(["inspect", target])).out).not.toContain("commit store");
  });

  it("refuses options of the other kind, and an export of what is no store", async () => {
    expect((await capture(["export", "flatkv", directory, file, "--format", "json"])).exitCode).toBe(2);
    expect((await capture(["import", "flatkv", file, directory, "--accept-torn-tail"])).exitCode).toBe(2);
    expect((await capture(["import", "tidwall", file, directory, "--replace"])).exitCode).toBe(2);
    expect((await capture(["export", "flatkv", root, file])).exitCode).toBe(1);
  });
});

describe("rebuild-hashes", () => {
  it("is refused without --yes", async () => {
    const before = await contents();
    expect((await capture(["rebuild-hashes", directory])).exitCode).toBe(2);
    expect(await contents()).toEqual(before);
  });

  it("makes a store of what the databases hold where the log is lost", async () => {
    await rm(path.join(directory, "log"), { recursive: true });
    const { exitCode, json } = await capture(["rebuild-hashes", directory, "--yes", "--json"]);
    expect(exitCode).toBe(0);
    expect(json()).toMatchObject({
      directory,
      version: 3,
      databases: [
        { name: "a", rows: 3 },
        { name: "b", rows: 0 },
      ],
    });
    expect((await capture(["verify", directory, "--json"])).json()).toMatchObject({ sound: true, version: 3 });
  });

  it("makes a store of bare databases", async () => {
    const bare = path.join(root, "bare");
    await nodeVfs.makeDirectory(bare);
    const engine = classicLevel();
    for (const name of ["x", "y"]) {
      const database = await engine.create(path.join(bare, name));
      const batch = database.batch();
      batch.put(bytes(`row of ${name}`), bytes("value"));
      await batch.write({ sync: true });
      await database.close();
    }
    const words = ["rebuild-hashes", bare, "--databases", "x,y", "--rows", "raw", "--version", "7", "--yes"];
    const { exitCode, out } = await capture(words);
    expect(exitCode).toBe(0);
    expect(out).toContain("is a store at version 7");
    expect((await capture(["verify", bare, "--json"])).json()).toMatchObject({ sound: true, version: 7 });
  });
});
