/** A person who names the wrong directory is told which one is meant. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FlatKv } from "holdfast/flatkv";
import { Log } from "holdfast/log";
import { MerkleStore } from "holdfast/trie";
import { capture } from "./captured-terminal.js";

let place: string;

beforeAll(async () => {
  place = await mkdtemp(path.join(tmpdir(), "holdfast-no-log-"));
  for (const name of ["lanes/lane-ann", "lanes/lane-bob"]) await (await Log.open(path.join(place, name))).close();
  await (await FlatKv.open(path.join(place, "state"), { databases: ["a"] })).close();
  await (await MerkleStore.open(path.join(place, "accounts"))).close();
  await mkdir(path.join(place, "empty"));
  await writeFile(path.join(place, "file"), "text");
});
afterAll(async () => {
  await rm(place, { recursive: true, force: true });
});

const COMMANDS = ["inspect", "verify", "repair", "tail"] as const;

describe.each(COMMANDS)("holdfast %s of a directory without a log", (command) => {
  it.each([
    ["missing", /no directory .*missing/],
    ["empty", /no log in .*empty, and none in a directory below/],
    ["lanes", /below it: lane-ann, lane-bob/],
  ])("says what is there: %s", async (name, expected) => {
    const { exitCode, err, out } = await capture([command, path.join(place, name)]);
    expect(exitCode).toBe(2);
    expect(err).toMatch(expected);
    expect(out).toBe("");
  });

  it("says that a file is none", async () => {
    const { exitCode, err } = await capture([command, path.join(place, "file")]);
    expect(exitCode).not.toBe(0);
    expect(err).toMatch(/is a file|a file is where a directory should be/);
  });
});

it("holdfast tail of a store names the log beneath it", async () => {
  for (const [name, log] of [
    ["state", "state/log"],
    ["accounts", "accounts/pages/log"],
  ] as const) {
    const { exitCode, err } = await capture(["tail", path.join(place, name)]);
    expect(exitCode).toBe(2);
    expect(err).toContain(path.join(place, log));
  }
});

it("holdfast repair of a Merkle store says that there is nothing it could do, rather than cutting its log", async () => {
  const { exitCode, err } = await capture(["repair", path.join(place, "accounts"), "--yes"]);
  expect(exitCode).toBe(2);
  expect(err).toContain("HF_USAGE");
});

it("an error of the file system comes with what to do next", async () => {
  const { exitCode, err } = await capture(["import", "tidwall", path.join(place, "nope"), path.join(place, "x")]);
  expect(exitCode).toBe(4);
  expect(err).toMatch(/ENOENT.*\n.*Check the path/);
});
