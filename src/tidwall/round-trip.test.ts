/** Import and export: what went in comes out, byte for byte; and neither does anything twice, or over anything. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Log, type LogOptions, type ReadOptions } from "../log/index.js";
import { FaultPlan, SimVfs } from "../vfs/index.js";
import { filesOf, fixture, libraryViews } from "./fixtures.contract.js";
import { TidwallLog, TidwallWriter, type TidwallWriterOptions, exportTidwall, importTidwall } from "./index.js";

const SMALL: LogOptions = { blockBytes: 512, segmentBytes: 16_384 };

/** The files of a directory of a simulated disk. */
function simFiles(vfs: SimVfs, directory: string): Map<string, string> {
  return new Map(
    vfs
      .snapshotTree()
      .filter((entry) => entry.contents !== undefined && entry.path.startsWith(`${directory}/`))
      .map(({ path, contents }) => [path.slice(directory.length + 1), Buffer.from(contents!).toString("latin1")]),
  );
}

async function write(vfs: SimVfs, entries: readonly Uint8Array[], options?: TidwallWriterOptions): Promise<void> {
  const writer = await TidwallWriter.create("/wal", { vfs, ...options });
  for (const entry of entries) await writer.append(entry);
  await writer.finish();
}

async function payloads(log: Log): Promise<string[]> {
  const all: string[] = [];
  if (log.lastLsn >= log.firstLsn)
    for await (const { payload } of log.read()) all.push(Buffer.from(payload).toString("base64"));
  return all;
}

describe.each(["binary", "json"] as const)("a %s directory that the library wrote", (format) => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), "holdfast-tidwall-test-"));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it.each(["plain", "batches", "special", "long", "exact"])(
    "comes back the same with the segment size it was written with: %s",
    async (kind) => {
      const name = `${format}-${kind}`;
      const log = await Log.open(path.join(root, "log"), SMALL);
      const summary = await importTidwall(await TidwallLog.open(fixture(name)), log);
      expect(summary).toMatchObject({ format, indexOffset: 0, imported: libraryViews[name]!.entries.length });
      const out = path.join(root, "out");
      await exportTidwall(log, out, { format, segmentBytes: libraryViews[name]!.segmentBytes });
      expect(await filesOf(out)).toEqual(await filesOf(fixture(name)));
      await log.close();
    },
  );

  it.each(["empty-entries", "none", "front", "back", "back-to-segment-end", "emptied"])(
    "comes back the same with its own cuts: %s",
    async (kind) => {
      const name = `${format}-${kind}`;
      const log = await Log.open(path.join(root, "log"), SMALL);
      const source = await TidwallLog.open(fixture(name), { emptyEntries: "keep" });
      const { indexOffset } = await importTidwall(source, log);
      expect(indexOffset).toBe(source.firstIndex - 1);
      const out = path.join(root, "out");
      const segmentStarts = source.segments.map(({ firstIndex }) => firstIndex);
      const { lastIndex } = await exportTidwall(log, out, { format: source.format, segmentStarts });
      expect(lastIndex).toBe(source.lastIndex);
      expect(await filesOf(out)).toEqual(await filesOf(fixture(name)));
      await log.close();
    },
  );
});

describe("a directory", () => {
  const data = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.string({ unit: "binary", maxLength: 20 }).map((text) => new Uint8Array(Buffer.from(text))),
    fc.uint8Array({ minLength: 120, maxLength: 300 }),
  );

  it("of any entries, read, gives these entries; imported and exported, gives these bytes", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(data, { maxLength: 30 }),
        fc.constantFrom("binary", "json"),
        fc.constantFrom("short", "long"),
        fc.integer({ min: 1, max: 600 }),
        fc.integer({ min: 1, max: 1_000_000 }),
        async (entries, format, escapes, segmentBytes, firstIndex) => {
          const vfs = new SimVfs({ seed: 1 });
          const options: TidwallWriterOptions = { format, escapes, segmentBytes, firstIndex };
          await write(vfs, entries, options);
          const source = await TidwallLog.open("/wal", { vfs, format, emptyEntries: "keep" });
          const read = [];
          for await (const entry of source.entries()) read.push(entry);
          expect(read.map(({ index }) => index)).toEqual(entries.map((_, at) => firstIndex + at));
          expect(read.map((entry) => [...entry.data])).toEqual(entries.map((entry) => [...entry]));
          const log = await Log.open("/log", { vfs, ...SMALL });
          await importTidwall(source, log, { batchBytes: 200 });
          await exportTidwall(log, "/out", { vfs, ...options });
          expect(simFiles(vfs, "/out")).toEqual(simFiles(vfs, "/wal"));
          await log.close();
          expect(vfs.openHandles()).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("has its format found out, but for entries that look like the other one", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(data, { minLength: 1, maxLength: 20 }),
        fc.constantFrom("binary", "json"),
        async (entries, format) => {
          const vfs = new SimVfs({ seed: 1 });
          await write(vfs, entries, { format, segmentBytes: 100 });
          expect((await TidwallLog.open("/wal", { vfs, emptyEntries: "keep" })).format).toBe(format);
        },
      ),
      { numRuns: 60 },
    );
  });
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const ENTRIES = Array.from({ length: 20 }, (_, at) => bytes(`entry ${at + 1}`));
const BASE64 = ENTRIES.map((entry) => Buffer.from(entry).toString("base64"));

describe("an import", () => {
  async function setup(options?: TidwallWriterOptions): Promise<{ vfs: SimVfs; source: TidwallLog; log: Log }> {
    const vfs = new SimVfs({ seed: 1 });
    await write(vfs, ENTRIES, { segmentBytes: 60, ...options });
    const source = await TidwallLog.open("/wal", { vfs });
    return { vfs, source, log: await Log.open("/log", { vfs, ...SMALL }) };
  }

  it("says what it did, gives the type that was asked for, and reports its progress", async () => {
    const { source, log } = await setup({ firstIndex: 101 });
    const phases: string[] = [];
    const summary = await importTidwall(source, log, {
      type: 7,
      batchBytes: 100,
      onProgress: ({ phase, entries, entriesTotal }) => phases.push(`${phase} ${entries}/${entriesTotal}`),
    });
    expect(summary).toEqual({
      source: "/wal",
      format: "binary",
      firstIndex: 101,
      lastIndex: 120,
      entries: 20,
      imported: 20,
      alreadyThere: 0,
      bytes: ENTRIES.reduce((sum, { length }) => sum + length, 0),
      firstLsn: 1,
      lastLsn: 20,
      indexOffset: 100,
      tornTail: null,
      unfinished: null,
      ignored: [],
    });
    expect(await payloads(log)).toEqual(BASE64);
    expect((await log.get(20))?.type).toBe(7);
    expect(phases).toContain("check 20/20");
    expect(phases.at(-1)).toBe("copy 20/20");
    await log.close();
  });

  it("run again appends nothing; after a part, the rest", async () => {
    for (let part = 0; part <= 20; part++) {
      const { source, log } = await setup();
      for (const entry of ENTRIES.slice(0, part)) await log.append(entry);
      expect(await importTidwall(source, log)).toMatchObject({ alreadyThere: part, imported: 20 - part });
      expect(await importTidwall(source, log)).toMatchObject({ alreadyThere: 20, imported: 0 });
      expect(await payloads(log)).toEqual(BASE64);
      await log.close();
    }
  });

  it("that is aborted leaves a beginning, and goes on from there", async () => {
    const { source, log } = await setup();
    const controller = new AbortController();
    const stopped = importTidwall(source, log, {
      batchBytes: 100,
      signal: controller.signal,
      onProgress: ({ phase, entries }) => {
        if (phase === "copy" && entries > 5) controller.abort(new Error("enough"));
      },
    });
    await expect(stopped).rejects.toThrow("enough");
    expect(log.lastLsn).toBeGreaterThan(5);
    expect(log.lastLsn).toBeLessThan(20);
    expect(await importTidwall(source, log)).toMatchObject({ entries: 20, lastLsn: 20 });
    expect(await payloads(log)).toEqual(BASE64);
    await log.close();
  });

  it.each([
    ["other payloads", async (log: Log) => void (await log.append(bytes("entry x")))],
    ["another type", async (log: Log) => void (await log.append(ENTRIES[0]!, 1))],
    ["more", async (log: Log) => void (await log.appendAll([...ENTRIES, bytes("entry 21")]))],
    [
      "what was pruned",
      async (log: Log) => {
        await log.appendAll(ENTRIES);
        await log.truncateBefore(3);
      },
    ],
  ])("refuses a target that holds %s, and appends nothing", async (_what, fill) => {
    const { source, log } = await setup();
    await fill(log);
    const before = log.lastLsn;
    await expect(importTidwall(source, log)).rejects.toMatchObject({ code: "HF_EXISTS" });
    expect(log.lastLsn).toBe(before);
    await log.close();
  });

  it("of a damaged source appends nothing", async () => {
    const { vfs, log } = await setup();
    const names = (await vfs.list("/wal")).sort();
    await vfs.remove(`/wal/${names[1]!}`);
    const source = await TidwallLog.open("/wal", { vfs });
    await expect(importTidwall(source, log)).rejects.toMatchObject({ code: "HF_CORRUPTION" });
    expect(log.lastLsn).toBe(0);
    await log.close();
  });

  it("makes no batch larger than the target takes", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const entries = Array.from({ length: 30 }, (_, n) => new Uint8Array([1000, 3, 1][n % 3]!).fill(n + 1));
    await write(vfs, entries);
    const log = await Log.open("/log", { vfs, blockBytes: 512, segmentBytes: 4096 });
    await importTidwall(await TidwallLog.open("/wal", { vfs }), log);
    expect(await payloads(log)).toEqual(entries.map((entry) => Buffer.from(entry).toString("base64")));
    await log.close();
  });

  it("names an entry that the target does not take, and appends nothing", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await write(vfs, [...ENTRIES.slice(0, 3), new Uint8Array(5000), bytes("after")], { segmentBytes: 16 });
    const log = await Log.open("/log", { vfs, blockBytes: 512, segmentBytes: 4096 });
    await expect(importTidwall(await TidwallLog.open("/wal", { vfs }), log)).rejects.toMatchObject({
      code: "HF_RECORD_TOO_LARGE",
      details: { index: 4, bytes: 5000, offset: 8, path: "/wal/00000000000000000003" },
    });
    expect(log.lastLsn).toBe(0);
    await log.close();
  });

  it("is durable when it resolves, though the target acknowledges earlier", async () => {
    const { vfs, source } = await setup();
    const log = await Log.open("/os", { vfs, ...SMALL, durability: "os" });
    await importTidwall(source, log);
    const after = vfs.powerCut();
    const again = await Log.open("/os", { vfs: after });
    expect(await payloads(again)).toEqual(BASE64);
    await again.close();
  });
});

describe("an export", () => {
  async function logOf(vfs: SimVfs, types: readonly number[]): Promise<Log> {
    const log = await Log.open("/log", { vfs, ...SMALL });
    for (const [at, type] of types.entries()) await log.append(bytes(`entry ${at + 1}`), type);
    return log;
  }

  it("keeps LSNs as indexes, also of a log that was pruned, or gives the ones that were asked for", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await logOf(vfs, [0, 0, 0, 0]);
    await log.truncateBefore(3);
    expect(await exportTidwall(log, "/a", { vfs })).toMatchObject({ firstIndex: 3, lastIndex: 4, indexOffset: 0 });
    expect(await exportTidwall(log, "/b", { vfs, firstIndex: 1 })).toMatchObject({ lastIndex: 2, indexOffset: -2 });
    await log.truncateAll();
    expect(await exportTidwall(log, "/c", { vfs })).toMatchObject({ entries: 0, firstIndex: 5, lastIndex: 4 });
    expect([...simFiles(vfs, "/c")]).toEqual([["00000000000000000005", ""]]);
    await log.close();
  });

  it("refuses to lose types unless it is told to, and leaves nothing behind", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await logOf(vfs, [3, 3, 4]);
    await expect(exportTidwall(log, "/out", { vfs })).rejects.toMatchObject({
      code: "HF_TYPE_MISMATCH",
      details: { lsn: 3 },
    });
    await expect(exportTidwall(log, "/out", { vfs, type: 0 })).rejects.toMatchObject({ details: { lsn: 1 } });
    expect(simFiles(vfs, "/out").size).toBe(0);
    expect(await exportTidwall(log, "/out", { vfs, anyType: true })).toMatchObject({ entries: 3 });
    await log.close();
  });

  it("that was aborted went on for thousands of entries before it looked at its signal; now it stops at the next group", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await using log = await Log.open("/log", { vfs, ...SMALL });
    for (let n = 0; n < 50; n++) await log.append(new Uint8Array(10));
    const controller = new AbortController();
    const reason = new Error("enough");
    let read = 0;
    const source = {
      firstLsn: log.firstLsn,
      lastLsn: log.lastLsn,
      async *read(options?: ReadOptions) {
        for await (const record of log.read(options)) {
          read += 1;
          controller.abort(reason);
          yield record;
        }
      },
    };
    await expect(exportTidwall(source, "/wal", { vfs, signal: controller.signal })).rejects.toBe(reason);
    expect(read).toBeLessThan(3);
    expect(simFiles(vfs, "/wal").size).toBe(0);
    await expect(exportTidwall(log, "/wal", { vfs, signal: 5 as never })).rejects.toMatchObject({
      code: "HF_INVALID_ARGUMENT",
    });
  });

  it("never writes into a directory that holds anything, but for what a stopped export left", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await logOf(vfs, [0]);
    await exportTidwall(log, "/out", { vfs });
    await expect(exportTidwall(log, "/out", { vfs })).rejects.toMatchObject({ code: "HF_EXISTS" });
    const writer = await TidwallWriter.create("/half", { vfs, segmentBytes: 1 });
    await writer.append(bytes("lost"));
    const after = vfs.kill();
    await expect(TidwallLog.open("/half", { vfs: after })).rejects.toMatchObject({ code: "HF_FORMAT_UNKNOWN" });
    const again = await Log.open("/log", { vfs: after });
    await exportTidwall(again, "/half", { vfs: after });
    expect(simFiles(after, "/half")).toEqual(simFiles(after, "/out"));
    await again.close();
  });

  it("leaves no log behind when any operation fails, and is durable when it resolves", async () => {
    let injected = 1;
    for (let at = 1; injected > 0; at++) {
      const vfs = new SimVfs({ seed: at });
      const log = await logOf(vfs, [0, 0, 0]);
      const faults = new FaultPlan([{ errno: "EIO", path: "/out", at }]);
      vfs.faults = faults;
      const error: unknown = await exportTidwall(log, "/out", { vfs, segmentBytes: 12 }).catch(
        (cause: unknown) => cause,
      );
      injected = faults.injected;
      if (injected > 0) {
        expect(error).toMatchObject({ code: "HF_IO" });
        expect(simFiles(vfs, "/out").size).toBe(0);
      } else {
        expect(error).toMatchObject({ segments: 2 });
        const after = vfs.powerCut();
        expect((await TidwallLog.open("/out", { vfs: after })).lastIndex).toBe(3);
      }
      expect(vfs.openHandles().filter((path) => path.startsWith("/out"))).toEqual([]);
    }
  });
});

describe("a writer", () => {
  it("refuses what can't be right, and calls after its end", async () => {
    const vfs = new SimVfs({ seed: 1 });
    for (const options of [
      { segmentBytes: 0 },
      { firstIndex: 0 },
      { segmentStarts: [] },
      { segmentStarts: [2, 2] },
      { segmentStarts: [2], firstIndex: 1 },
      { format: "text" },
    ]) {
      const create = TidwallWriter.create("/wal", { vfs, ...(options as TidwallWriterOptions) });
      await expect(create).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    }
    const writer = await TidwallWriter.create("/wal", { vfs });
    await expect(writer.append("text" as unknown as Uint8Array)).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    await writer.finish();
    await expect(writer.append(bytes("late"))).rejects.toMatchObject({ code: "HF_CLOSED" });
    await writer.abort();
    expect(simFiles(vfs, "/wal").size).toBe(1);
  });

  it("that was called again too early wrote two chunks to the same place, and finished as if nothing were; it refuses that now", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const writer = await TidwallWriter.create("/wal", { vfs });
    const chunk = (n: number): Uint8Array => new Uint8Array(1 << 20).fill(n);
    const first = writer.append(chunk(1));
    await expect(writer.append(chunk(2))).rejects.toMatchObject({ code: "HF_BUSY" });
    await expect(writer.finish()).rejects.toMatchObject({ code: "HF_BUSY" });
    expect([await first, await writer.append(chunk(2))]).toEqual([1, 2]);
    await writer.finish();
    const marks: (number | undefined)[] = [];
    for await (const { data } of (await TidwallLog.open("/wal", { vfs })).entries()) marks.push(data[0]);
    expect(marks).toEqual([1, 2]);
  });

  it("stops for good after a failure", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const writer = await TidwallWriter.create("/wal", { vfs, segmentBytes: 1 });
    vfs.faults = new FaultPlan([{ operation: "write", errno: "ENOSPC" }]);
    await expect(writer.append(bytes("a"))).rejects.toMatchObject({ code: "HF_IO" });
    await expect(writer.append(bytes("b"))).rejects.toMatchObject({ code: "HF_POISONED" });
    await expect(writer.finish()).rejects.toMatchObject({ code: "HF_POISONED" });
    await writer.abort();
    expect(simFiles(vfs, "/wal").size).toBe(0);
  });
});
