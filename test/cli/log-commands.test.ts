/** inspect, verify, repair and tail, each on a log of its own: what they print, as text and as JSON, and how they end. */
import { mkdtemp, open, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Log } from "../../src/log/index.js";
import { capture } from "./captured-terminal.js";

const count = 30;
let root: string;
let directory: string;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "holdfast-cli-test-"));
  directory = path.join(root, "log");
  const log = await Log.open(directory, { segmentBytes: 1024 * 1024 });
  for (let number = 1; number <= count; number++)
    await log.append(new TextEncoder().encode(JSON.stringify({ number })), number % 4);
  await log.close();
});

afterEach(() => rm(root, { recursive: true, force: true }));

/** Flips one byte of the payload of `lsn`; with one writer and blocks of 4 KiB, group k is block k. */
async function damage(lsn: number): Promise<void> {
  const name = (await readdir(directory)).find((each) => each.endsWith(".seg"));
  const file = await open(path.join(directory, name ?? ""), "r+");
  const offset = lsn * 4096 + 60;
  const byte = new Uint8Array(1);
  await file.read(byte, 0, 1, offset);
  await file.write(Uint8Array.of((byte[0] ?? 0) ^ 0xff), 0, 1, offset);
  await file.close();
}

/** Every file of the log by name, but for the ones that a look may touch. */
async function contents(): Promise<Map<string, string>> {
  const names = (await readdir(directory, { recursive: true })).filter((name) => name !== "lock").sort();
  const files = new Map<string, string>();
  for (const name of names) {
    files.set(name, await readFile(path.join(directory, name), "hex").catch(() => "directory"));
  }
  return files;
}

describe("inspect", () => {
  it("prints one JSON document", async () => {
    const { exitCode, err, json } = await capture(["inspect", directory, "--json"]);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    expect(json()).toMatchObject({
      directory,
      clean: true,
      firstLsn: 1,
      lastLsn: count,
      torn: "align",
      blockBytes: 4096,
      problems: [],
      segments: [{ number: 1, firstLsn: 1, active: true }],
    });
  });

  it("lists an anchor that is none as a problem", async () => {
    // Whoever looks first whether this is a commit store must not take that for an answer.
    await writeFile(path.join(directory, "anchor"), new Uint8Array(8192).fill(7));
    const { exitCode, out, err } = await capture(["inspect", directory]);
    expect({ exitCode, err }).toEqual({ exitCode: 1, err: "" });
    expect(out).toContain("problem");
    expect((await capture(["repair", directory, "--yes"])).exitCode).toBe(0);
    expect((await capture(["verify", directory])).exitCode).toBe(0);
  });

  it("prints bounds, options and segments for people", async () => {
    const { exitCode, out } = await capture(["inspect", directory]);
    expect(exitCode).toBe(0);
    expect(out).toContain("30, LSN 1 to 30");
    expect(out).toContain("blocks of 4.0 KiB");
  });

  it("works beside a writer and changes nothing", async () => {
    const log = await Log.open(directory);
    await log.append(Uint8Array.of(1));
    const before = await contents();
    const { exitCode, json } = await capture(["inspect", directory, "--json"]);
    expect(exitCode).toBe(0);
    expect(json()).toMatchObject({ clean: false, lastLsn: count + 1 });
    expect(await contents()).toEqual(before);
    await log.close();
  });
});

describe("verify", () => {
  it("is sound with exit code 0", async () => {
    const { exitCode, err, json } = await capture(["verify", directory, "--json"]);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    expect(json()).toMatchObject({
      sound: true,
      records: count,
      groups: count,
      firstLsn: 1,
      lastLsn: count,
      problems: [],
    });
  });

  it("lists damage with file and offset, and exits with 1", async () => {
    await damage(7);
    const { exitCode, json } = await capture(["verify", directory, "--json"]);
    expect(exitCode).toBe(1);
    expect(json()).toMatchObject({
      sound: false,
      lastLsn: 6,
      problems: [{ code: "HF_CORRUPTION", offset: 7 * 4096, lsn: 7 }],
    });
    const people = await capture(["verify", directory]);
    expect(people.exitCode).toBe(1);
    expect(people.out).toContain("at byte 28672, LSN 7");
    expect(people.out).toContain("holdfast repair");
  });
});

describe("repair", () => {
  it("leaves a sound log alone", async () => {
    const before = await contents();
    const { exitCode, json } = await capture(["repair", directory, "--yes", "--json"]);
    expect(exitCode).toBe(0);
    expect(json()).toMatchObject({ needless: true });
    expect(await contents()).toEqual(before);
  });

  it("without --yes tells what would be removed, changes nothing, and exits with 1", async () => {
    await damage(7);
    const before = await contents();
    const { exitCode, json } = await capture(["repair", directory, "--json"]);
    expect(exitCode).toBe(1);
    expect(json()).toMatchObject({ dryRun: true, needless: false, keptLastLsn: 6 });
    const people = await capture(["repair", directory]);
    expect(people.exitCode).toBe(1);
    expect(people.out).toContain("nothing was changed");
    expect(people.out).toContain("removed-1");
    expect(await contents()).toEqual(before);
  });

  it("with --yes cuts before the damage and keeps a copy", async () => {
    await damage(7);
    const { exitCode, json } = await capture(["repair", directory, "--yes", "--json"]);
    expect(exitCode).toBe(0);
    const { copies } = json() as { copies: string[] };
    expect(copies.length).toBeGreaterThan(0);
    for (const copy of copies) expect((await readFile(copy)).length).toBeGreaterThan(0);
    expect((await capture(["verify", directory])).exitCode).toBe(0);
    const { lastLsn } = (await capture(["inspect", directory, "--json"])).json() as { lastLsn: number };
    expect(lastLsn).toBe(6);
  });

  it("refuses a log that is open, with exit code 3", async () => {
    const log = await Log.open(directory);
    const { exitCode, json } = await capture(["repair", directory, "--yes", "--json"]);
    expect(exitCode).toBe(3);
    expect(json()).toMatchObject({ error: { code: "HF_LOCKED" } });
    await log.close();
  });
});

describe("tail", () => {
  const lines = (out: string): unknown[] =>
    out
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as unknown);

  it("prints the last records as lines of JSON", async () => {
    const { exitCode, out } = await capture(["tail", directory, "-n", "2", "--json"]);
    expect(exitCode).toBe(0);
    expect(lines(out)).toEqual([
      { lsn: 29, type: 1, bytes: 13, encoding: "json", payload: { number: 29 } },
      { lsn: 30, type: 2, bytes: 13, encoding: "json", payload: { number: 30 } },
    ]);
  });

  it("prints ten records by default, or all from an LSN on, or some of them", async () => {
    expect(lines((await capture(["tail", directory, "--json"])).out)).toHaveLength(10);
    expect(lines((await capture(["tail", directory, "--from", "4", "--json"])).out)).toHaveLength(27);
    const some = lines((await capture(["tail", directory, "--from", "4", "-n", "2", "--json"])).out);
    expect(some).toMatchObject([{ lsn: 4 }, { lsn: 5 }]);
    expect(lines((await capture(["tail", directory, "-n", "0", "--json"])).out)).toEqual([]);
    expect(lines((await capture(["tail", directory, "-n", "999", "--json"])).out)).toHaveLength(count);
  });

  it("shows payloads as asked", async () => {
    const { out } = await capture(["tail", directory, "-n", "1", "--format", "hex"]);
    expect(out).toMatch(/^30 {2}type 2 +13 B {2}7b226e75 6d626572 223a3330 7d\n$/);
  });

  it("refuses an LSN below the log with exit code 2", async () => {
    const log = await Log.open(directory);
    await log.truncateBefore(10);
    await log.close();
    const { exitCode, json } = await capture(["tail", directory, "--from", "3", "--json"]);
    expect(exitCode).toBe(2);
    expect(json()).toMatchObject({ error: { code: "HF_LSN_OUT_OF_RANGE" } });
  });

  it("follows a live writer until it is stopped, which is no error", async () => {
    const log = await Log.open(directory);
    const controller = new AbortController();
    const following = capture(["tail", directory, "-n", "1", "--follow", "--json"], controller.signal);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await log.append(new TextEncoder().encode("new"), 9);
    await new Promise((resolve) => setTimeout(resolve, 500));
    controller.abort(new Error("stop"));
    const { exitCode, out } = await following;
    expect(exitCode).toBe(0);
    expect(lines(out)).toMatchObject([{ lsn: 30 }, { lsn: 31, type: 9, encoding: "text", payload: "new" }]);
    await log.close();
  });
});

describe("a directory that is no log", () => {
  it.each(["inspect", "verify", "repair", "tail"])("is a typed error of %s, not a stack", async (command) => {
    for (const place of [path.join(root, "missing"), root]) {
      const { exitCode, err } = await capture([command, place]);
      expect([1, 2, 4]).toContain(exitCode);
      expect(err).toMatch(/\[HF_[A-Z_]+\]/);
      expect(err).not.toContain("    at ");
    }
  });
});
