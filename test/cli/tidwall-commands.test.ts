/** import and export of tidwall/wal: what they print, as text and as JSON, what they leave, and how they end. */
import { cp, mkdtemp, readFile, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { InterruptedError } from "../../src/cli/interruption.js";
import { EventJournal } from "../../src/cli/tidwall/event-journal.js";
import { type Codec, EventLog, type EventType, bytes, defineEvents, event } from "../../src/events/index.js";
import { Log, LogReader } from "../../src/log/index.js";
import { SimVfs } from "../../src/vfs/index.js";
import { capture } from "./captured-terminal.js";

const fixtures = path.resolve("test/fixtures/tidwall");
let root: string;
let target: string;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "holdfast-cli-test-"));
  target = path.join(root, "log");
});

afterEach(() => rm(root, { recursive: true, force: true }));

async function contents(directory: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const name of await readdir(directory)) files[name] = await readFile(path.join(directory, name), "latin1");
  return files;
}

const missing = (file: string): Promise<boolean> =>
  stat(file).then(
    () => false,
    () => true,
  );
const fixture = (name: string): string => path.join(fixtures, name);

describe("import tidwall", () => {
  it("prints one JSON document, and again says that everything is there", async () => {
    const words = ["import", "tidwall", fixture("binary-front"), target, "--type", "7", "--json"];
    const { exitCode, err, json } = await capture(words);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    expect(json()).toEqual({
      source: fixture("binary-front"),
      target,
      format: "binary",
      firstIndex: 8,
      lastIndex: 20,
      entries: 13,
      imported: 13,
      alreadyThere: 0,
      bytes: 249,
      firstLsn: 1,
      lastLsn: 13,
      indexOffset: 7,
      tornTail: null,
      unfinished: null,
      ignored: [],
    });
    expect((await capture(words)).json()).toMatchObject({ imported: 0, alreadyThere: 13 });
    const reader = await LogReader.open(target);
    expect(await reader.get(1)).toMatchObject({ type: 7, payload: new Uint8Array(Buffer.from("entry 8..........")) });
    await reader.close();
  });

  it("tells people how indexes became LSNs", async () => {
    const kept = await capture(["import", "tidwall", fixture("json-plain"), target]);
    expect(kept.exitCode).toBe(0);
    expect(kept.out).toContain("20 entries in");
    expect(kept.out).toContain("LSN = index, 1 to 20");
    const moved = await capture(["import", "tidwall", fixture("json-front-crash"), path.join(root, "other")]);
    expect(moved.out).toContain("LSN = index - 7: entries 8 to 20 are LSN 1 to 13");
    expect(moved.out).toContain("a truncation of the front");
  });

  it("copies what is before a torn tail, reports it, and exits with 1 unless it is accepted", async () => {
    const words = ["import", "tidwall", fixture("binary-torn"), target];
    const { exitCode, out } = await capture(words);
    expect(exitCode).toBe(1);
    expect(out).toContain("19 entries in");
    expect(out).toMatch(/torn tail: .*\d{20}, \d+ bytes from byte \d+ on/);
    const accepted = await capture([...words, "--accept-torn-tail", "--json"]);
    expect(accepted.exitCode).toBe(0);
    expect(accepted.json()).toMatchObject({
      alreadyThere: 19,
      tornTail: { kind: "entry", offset: expect.any(Number) as number },
    });
  });

  it.each(["binary-missing-segment", "json-undone-front", "binary-zero-tail", "json-both-crashes"])(
    "refuses damage with exit code 1, names the place, and makes no log: %s",
    async (name) => {
      const { exitCode, json } = await capture(["import", "tidwall", fixture(name), target, "--json"]);
      expect(exitCode).toBe(1);
      expect(json()).toMatchObject({
        error: {
          code: "HF_CORRUPTION",
          path: expect.stringContaining(name) as string,
          offset: expect.any(Number) as number,
        },
      });
      expect(await missing(target)).toBe(true);
    },
  );

  it("keeps or cuts entries without bytes as it is told", async () => {
    const words = ["import", "tidwall", fixture("binary-zero-tail")];
    const kept = await capture([...words, path.join(root, "kept"), "--empty-entries", "keep", "--json"]);
    expect(kept.json()).toMatchObject({ entries: 30, tornTail: null });
    const cut = await capture([...words, path.join(root, "cut"), "--empty-entries", "cut", "--json"]);
    expect(cut.exitCode).toBe(1);
    expect(cut.json()).toMatchObject({ entries: 20, tornTail: { kind: "zeros", bytes: 10 } });
  });

  it("refuses a log that holds something else, with exit code 2", async () => {
    const log = await Log.open(target);
    await log.append(Uint8Array.of(1));
    await log.close();
    const { exitCode, json } = await capture(["import", "tidwall", fixture("json-plain"), target, "--json"]);
    expect(exitCode).toBe(2);
    expect(json()).toMatchObject({ error: { code: "HF_EXISTS" } });
  });

  it("stops at Ctrl-C with exit code 130, and makes no log", async () => {
    const controller = new AbortController();
    controller.abort(new InterruptedError("SIGINT"));
    const { exitCode, err } = await capture(["import", "tidwall", fixture("json-plain"), target], controller.signal);
    expect(exitCode).toBe(130);
    expect(err).toContain("[HF_INTERRUPTED]");
    expect(await missing(target)).toBe(true);
  });

  it.each([
    ["another kind", ["bolt", "a", "b"]],
    ["no target", ["tidwall", "a"]],
    ["a type out of range", ["tidwall", "a", "b", "--type", "256"]],
    ["a format that is none", ["tidwall", fixture("json-plain"), "b", "--format", "xml"]],
  ])("refuses %s with exit code 2", async (_what, words) => {
    const { exitCode, err } = await capture(["import", ...words]);
    expect(exitCode).toBe(2);
    expect(err).toContain("[HF_USAGE]");
  });
});

describe("export tidwall", () => {
  it.each([
    ["binary-plain", ["--segment-bytes", "128"]],
    ["json-special", ["--segment-bytes", "128", "--format", "json"]],
    ["binary-front", ["--like", fixture("binary-front")]],
    ["json-back", ["--like", fixture("json-back")]],
    ["json-exact", ["--like", fixture("json-exact")]],
  ])("gives back what was imported, byte for byte: %s", async (name, options) => {
    const out = path.join(root, "out");
    expect((await capture(["import", "tidwall", fixture(name), target])).exitCode).toBe(0);
    const { exitCode, err, json } = await capture(["export", "tidwall", target, out, ...options, "--json"]);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    expect(await contents(out)).toEqual(await contents(fixture(name)));
    expect(json()).toMatchObject({ source: target, target: out, segments: (await readdir(out)).length });
  });

  it("prints one JSON document, or a summary for people", async () => {
    await capture(["import", "tidwall", fixture("binary-plain"), target]);
    const { json } = await capture([
      "export",
      "tidwall",
      target,
      path.join(root, "a"),
      "--first-index",
      "101",
      "--json",
    ]);
    expect(json()).toEqual({
      source: target,
      target: path.join(root, "a"),
      format: "binary",
      segments: 1,
      entries: 20,
      bytes: expect.any(Number) as number,
      firstIndex: 101,
      lastIndex: 120,
      firstLsn: 1,
      lastLsn: 20,
      indexOffset: 100,
    });
    const people = await capture(["export", "tidwall", target, path.join(root, "b"), "--first-index", "101"]);
    expect(people.out).toContain("20 entries in");
    expect(people.out).toContain("index = LSN + 100, 101 to 120");
  });

  it("refuses to forget types, a directory that is not empty, and options that contradict each other", async () => {
    const log = await Log.open(target);
    await log.append(Uint8Array.of(1), 1);
    await log.append(Uint8Array.of(2), 2);
    await log.close();
    const out = path.join(root, "out");
    const codes: unknown[] = [];
    for (const words of [
      [out],
      [out, "--any-type"],
      [out, "--any-type"],
      [path.join(root, "more"), "--like", fixture("json-plain"), "--first-index", "3"],
    ]) {
      const { exitCode, json } = await capture(["export", "tidwall", target, ...words, "--json"]);
      const document = json() as { error?: { code: string } };
      codes.push([exitCode, document.error?.code]);
    }
    expect(codes).toEqual([
      [2, "HF_TYPE_MISMATCH"],
      [0, undefined],
      [2, "HF_EXISTS"],
      [2, "HF_USAGE"],
    ]);
  });

  it("stops at Ctrl-C with exit code 130, and leaves no file behind", async () => {
    const log = await Log.open(target);
    await log.append(Uint8Array.of(1));
    await log.close();
    const controller = new AbortController();
    controller.abort(new InterruptedError("SIGINT"));
    const out = path.join(root, "out");
    expect((await capture(["export", "tidwall", target, out], controller.signal)).exitCode).toBe(130);
    expect(await readdir(out)).toEqual([]);
  });

  it("works beside a writer", async () => {
    const log = await Log.open(target);
    await log.append(Uint8Array.of(1));
    const { exitCode } = await capture(["export", "tidwall", target, path.join(root, "out")]);
    expect(exitCode).toBe(0);
    await log.close();
  });
});

describe("an import of a copy that another program left its files in", () => {
  it("passes over them and says how many", async () => {
    const copy = path.join(root, "copy");
    await cp(fixture("binary-strangers"), copy, { recursive: true });
    const { exitCode, out } = await capture(["import", "tidwall", copy, target]);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/passed over +7 other names/);
  });
});

describe("an event log", () => {
  const openEvents = (codec: Codec<Uint8Array> = bytes()): Promise<EventLog<{ readonly old: EventType<Uint8Array> }>> =>
    EventLog.open(target, { events: defineEvents({ old: event({ id: 3, codec }) }) });
  const words = (): string[] => ["import", "tidwall", fixture("json-plain"), target, "--event", "3", "--json"];

  it("gets each entry as an event whose codec reads its bytes, goes on where an import was stopped, and is written back byte for byte", async () => {
    const whole = path.join(root, "whole");
    await capture(["import", "tidwall", fixture("json-plain"), whole]);
    const plain = await Log.open(whole);
    const entries: Uint8Array[] = [];
    for await (const { payload } of plain.read()) entries.push(payload);
    await plain.close();
    const stopped = await openEvents();
    await stopped.appendAll(entries.slice(0, 5).map((data) => ({ type: "old", data })));
    await stopped.close();

    const { exitCode, json } = await capture(words());
    expect(exitCode).toBe(0);
    expect(json()).toMatchObject({ entries: 20, imported: 15, alreadyThere: 5, indexOffset: 0 });
    const events = await openEvents();
    const found: Uint8Array[] = [];
    for await (const { data } of events.replay()) found.push(data);
    await events.close();
    expect(found).toEqual(entries);

    const out = path.join(root, "out");
    const back = await capture(["export", "tidwall", target, out, "--event", "3", "--like", fixture("json-plain")]);
    expect(back.exitCode).toBe(0);
    expect(await contents(out)).toEqual(await contents(fixture("json-plain")));
  });

  it("that has checkpoints, or events of another type, is no target and no source", async () => {
    expect((await capture([...words(), "--event-version", "2"])).exitCode).toBe(0);
    const codes: unknown[] = [];
    const tell = async (more: readonly string[]): Promise<void> => {
      const { exitCode, json } = await capture(more);
      codes.push([exitCode, (json() as { error?: { code: string } }).error?.code]);
    };
    const out = ["export", "tidwall", target, path.join(root, "out"), "--json"];
    await tell([...out, "--event", "4"]);
    await tell([...out, "--event", "3"]);
    const events = await EventLog.open(target, {
      events: defineEvents({ old: event({ id: 3, version: 2, codec: bytes(), upcast: { 1: (old) => old } }) }),
    });
    await events.checkpoint();
    await events.append("old", Uint8Array.of(1));
    await events.close();
    await tell([...out, "--event", "3", "--event-version", "2"]);
    await tell([...words(), "--event-version", "2"]);
    expect(codes).toEqual([
      [1, "HF_EVENT_TYPE_UNKNOWN"],
      [1, "HF_FORMAT_NEWER"],
      [2, "HF_TYPE_MISMATCH"],
      [2, "HF_EXISTS"],
    ]);
  });

  it("takes entries as large as it says, alone and as many as fit into a batch", async () => {
    const options = { vfs: new SimVfs({ seed: 1 }), blockBytes: 512, segmentBytes: 8192 } as const;
    const journal = await EventJournal.open("/events", { id: 239, version: 65_535 }, options);
    const { recordBytesMax, batchBytesMax, recordHeaderBytes } = journal.limits;
    await journal.appendAll([new Uint8Array(recordBytesMax)]);
    const each = Math.floor(batchBytesMax / 8) - recordHeaderBytes;
    await journal.appendAll(Array.from({ length: 8 }, () => new Uint8Array(each)));
    let count = 0;
    for await (const { lsn, type } of journal.read()) expect([lsn, type]).toEqual([++count, 239]);
    expect(count).toBe(9);
    await journal.close();
  });

  it.each([
    ["a type too", ["import", "--event", "3", "--type", "1"]],
    ["a version without an event", ["import", "--event-version", "1"]],
    ["an id out of range", ["import", "--event", "240"]],
    ["any type too", ["export", "--event", "3", "--any-type"]],
    ["a version without an event", ["export", "--event-version", "1"]],
  ])("is not asked for with %s", async (_what, [command = "", ...options]) => {
    const { exitCode, err } = await capture([command, "tidwall", fixture("json-plain"), target, ...options]);
    expect(exitCode).toBe(2);
    expect(err).toContain("[HF_USAGE]");
  });
});
