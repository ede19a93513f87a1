/**
 * What becomes of damage. The formats have no checksums, so some of it can't be noticed: these tests say which, and hold that everything else is
 * refused with file and offset, or reported as a torn tail.
 */
import { describe, expect, it } from "vitest";
import { HoldfastError } from "../base/index.js";
import { SimVfs } from "../vfs/index.js";
import { TidwallLog, TidwallWriter, type TidwallFormat } from "./index.js";

const ENTRIES = Array.from({ length: 9 }, (_, at) => Buffer.from(`entry ${at + 1}${".<é\n".repeat(at % 4)}`));
/** The last one's segment is not full, so that the log ends inside it. */
const SEGMENT_BYTES = { binary: 45, json: 100 };

/** What reading a damaged directory came to. */
type Outcome =
  | { readonly kind: "refused" }
  /** All entries before some point, and a report of what is there. */
  | { readonly kind: "torn" }
  /** Other entries before the point that is reported. */
  | { readonly kind: "reframed, torn" }
  | { readonly kind: "same" }
  /** One entry has other data, of the same length in the file. */
  | { readonly kind: "altered" }
  /** Other entries, and nothing said. */
  | { readonly kind: "reframed" };

async function build(format: TidwallFormat): Promise<Map<string, Buffer>> {
  const vfs = new SimVfs({ seed: 1 });
  const writer = await TidwallWriter.create("/wal", { vfs, format, segmentBytes: SEGMENT_BYTES[format] });
  for (const entry of ENTRIES) await writer.append(entry);
  await writer.finish();
  return new Map(
    vfs
      .snapshotTree()
      .filter(({ contents }) => contents !== undefined)
      .map(({ path, contents }) => [path, Buffer.from(contents!)]),
  );
}

async function outcomeOf(files: ReadonlyMap<string, Buffer>): Promise<Outcome> {
  const vfs = new SimVfs({ seed: 1 });
  await vfs.makeDirectory("/wal");
  for (const [path, contents] of files) {
    const file = await vfs.open(path, { access: "read-write", create: "exclusive" });
    await file.write(contents, 0);
    await file.close();
  }
  const read: Buffer[] = [];
  let log: TidwallLog;
  try {
    log = await TidwallLog.open("/wal", { vfs });
    for await (const { data } of log.entries()) read.push(Buffer.from(data));
  } catch (error) {
    expect(error).toBeInstanceOf(HoldfastError);
    const { code, details } = error as HoldfastError;
    expect(["HF_CORRUPTION", "HF_FORMAT_UNKNOWN"]).toContain(code);
    if (code === "HF_CORRUPTION") {
      expect(details["path"]).toMatch(/^\/wal\/\d{20}$/);
      expect(details["offset"]).toBeGreaterThanOrEqual(0);
      expect(details["offset"]).toBeLessThanOrEqual(files.get(String(details["path"]))!.length);
    }
    return { kind: "refused" };
  } finally {
    expect(vfs.openHandles()).toEqual([]);
  }
  const differing = ENTRIES.filter((entry, at) => read[at] === undefined || !entry.equals(read[at]));
  if (log.tornTail !== undefined) {
    expect(log.tornTail.path).toBe(log.segments.at(-1)!.path);
    return { kind: read.every((entry, at) => ENTRIES[at]?.equals(entry)) ? "torn" : "reframed, torn" };
  }
  if (read.length === ENTRIES.length && differing.length === 0) return { kind: "same" };
  return { kind: read.length === ENTRIES.length && differing.length === 1 ? "altered" : "reframed" };
}

/** Flips every bit of every byte, and every whole byte, and counts the outcomes by what the byte is. */
async function sweep(
  format: TidwallFormat,
  partOf: (path: string, offset: number) => string,
): Promise<Record<string, number>> {
  const files = await build(format);
  const counts: Record<string, number> = {};
  for (const [path, contents] of files) {
    for (let offset = 0; offset < contents.length; offset++) {
      for (const mask of [1, 2, 4, 8, 16, 32, 64, 128, 255]) {
        const damaged = Buffer.from(contents);
        damaged[offset] = damaged[offset]! ^ mask;
        const { kind } = await outcomeOf(new Map([...files, [path, damaged]]));
        const key = `${partOf(path, offset)}: ${kind}`;
        counts[key] = (counts[key] ?? 0) + 1;
      }
    }
  }
  return counts;
}

/** Where each entry's data stand in the files. */
async function dataPlaces(format: TidwallFormat): Promise<Set<string>> {
  const places = new Set<string>();
  const files = await build(format);
  for (const [path, contents] of files) {
    if (format === "json") {
      const lines = contents.toString("latin1");
      for (const { index, 0: line } of lines.matchAll(/.*\n/g)) {
        for (let at = line.indexOf(':"+') + 3; at < line.length - 3; at++) places.add(`${path} ${index + at}`);
      }
    } else {
      for (let at = 0; at < contents.length; at += contents[at]! + 1)
        for (let byte = at + 1; byte <= at + contents[at]!; byte++) places.add(`${path} ${byte}`);
    }
  }
  return places;
}

describe("a flipped bit or byte", () => {
  it("in the binary format is never noticed in data; in a length it is refused, but in the last segment, where it looks like a torn tail", async () => {
    const data = await dataPlaces("binary");
    const counts = await sweep("binary", (path, offset) => (data.has(`${path} ${offset}`) ? "data" : "length"));
    expect(counts).toMatchInlineSnapshot(`
      {
        "data: altered": 1107,
        "length: reframed, torn": 3,
        "length: refused": 72,
        "length: torn": 6,
      }
    `);
  });

  it("in the JSON format is noticed everywhere but in text that stays text", async () => {
    const data = await dataPlaces("json");
    const counts = await sweep("json", (path, offset) => (data.has(`${path} ${offset}`) ? "data" : "frame"));
    expect(counts).toMatchInlineSnapshot(`
      {
        "data: altered": 757,
        "data: refused": 998,
        "frame: refused": 2025,
      }
    `);
  });
});

describe.each(["binary", "json"] as const)("in the %s format", (format) => {
  it("a file that is missing is noticed, but for the first ones and the last ones", async () => {
    const files = await build(format);
    const paths = [...files.keys()].sort();
    expect(paths.length).toBeGreaterThan(2);
    for (const [at, path] of paths.entries()) {
      const left = new Map([...files].filter(([other]) => other !== path));
      const end = at === 0 || at === paths.length - 1;
      expect((await outcomeOf(left)).kind).toBe(end ? "reframed" : "refused");
    }
  });

  it("a file that is cut is noticed, but for a last one cut between entries", async () => {
    const files = await build(format);
    const paths = [...files.keys()].sort();
    const counts: Record<string, number> = {};
    for (const [at, path] of paths.entries()) {
      const contents = files.get(path)!;
      for (let end = 0; end < contents.length; end++) {
        const { kind } = await outcomeOf(new Map([...files, [path, contents.subarray(0, end)]]));
        const key = `${at === paths.length - 1 ? "last" : "other"}: ${kind}`;
        counts[key] = (counts[key] ?? 0) + 1;
      }
    }
    expect(Object.keys(counts).sort()).toEqual(["last: reframed", "last: torn", "other: refused"]);
    const entriesInLast = ENTRIES.length + 1 - Number(paths.at(-1)!.slice(-20));
    expect(counts["last: reframed"]).toBe(entriesInLast);
  });

  it("files that changed places, or appear twice, are noticed", async () => {
    const files = await build(format);
    const paths = [...files.keys()].sort();
    for (const one of paths) {
      for (const other of paths) {
        if (one === other) continue;
        const doubled = await outcomeOf(new Map([...files, [one, files.get(other)!]]));
        const swapped = await outcomeOf(new Map([...files, [one, files.get(other)!], [other, files.get(one)!]]));
        // Without an index in its entries, a binary segment fits wherever as many entries are asked for.
        if (format === "json") expect([doubled.kind, swapped.kind]).toEqual(["refused", "refused"]);
        else expect(["refused", "reframed", "altered"]).toEqual(expect.arrayContaining([doubled.kind, swapped.kind]));
      }
    }
  });
});
