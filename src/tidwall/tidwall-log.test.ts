/** Reading directories of tidwall/wal: those that the library wrote, as it reads them; and damage. */
import { describe, expect, it } from "vitest";
import { SimVfs } from "../vfs/index.js";
import { filesOf, fixture, libraryViews } from "./fixtures.contract.js";
import { TidwallLog, type TidwallReadOptions } from "./index.js";

/** What reading a directory gives. */
async function readAll(
  directory: string,
  options?: TidwallReadOptions,
): Promise<{ log: TidwallLog; entries: string[]; indexes: number[] }> {
  const log = await TidwallLog.open(directory, options);
  const entries: string[] = [];
  const indexes: number[] = [];
  for await (const { index, data } of log.entries()) {
    entries.push(Buffer.from(data).toString("base64"));
    indexes.push(index);
  }
  return { log, entries, indexes };
}

const SOUND = [
  "plain",
  "batches",
  "special",
  "long",
  "exact",
  "none",
  "front",
  "back",
  "back-to-segment-end",
  "emptied",
  "front-crash",
  "back-crash",
  "back-crash-removed",
  "strangers",
];

describe.each(["binary", "json"] as const)("a %s log that the library wrote", (format) => {
  it.each(SOUND)("is read as the library reads it: %s", async (kind) => {
    const name = `${format}-${kind}`;
    const expected = libraryViews[name]!;
    const { log, entries, indexes } = await readAll(fixture(name), kind === "none" ? { format } : {});
    expect(entries).toEqual(expected.entries);
    expect(log.lastIndex).toBe(expected.lastIndex);
    // A log that never had an entry starts at 0 for the library, and its file at 1.
    expect(log.firstIndex).toBe(Math.max(1, expected.firstIndex));
    expect(indexes).toEqual(expected.entries.map((_, at) => log.firstIndex + at));
    expect(log.format).toBe(kind === "emptied" ? "binary" : format);
    expect(log.tornTail).toBeUndefined();
    expect(log.unfinished).toBe(kind === "front-crash" ? "front" : kind.startsWith("back-crash") ? "back" : undefined);
  });

  it("names the entry's file and place, and reads from any index on", async () => {
    const log = await TidwallLog.open(fixture(`${format}-plain`));
    const all = [];
    for await (const entry of log.entries()) all.push(entry);
    for (let from = 0; from <= 22; from++) {
      const some = [];
      for await (const entry of log.entries({ from })) some.push(entry);
      expect(some).toEqual(all.filter(({ index }) => index >= from));
    }
    for (const { path, offset, index, data } of all) {
      const segment = log.segments.findLast(({ firstIndex }) => firstIndex <= index)!;
      expect(path).toBe(segment.path);
      expect(offset + data.length).toBeLessThan(segment.bytes);
    }
  });

  it("lists what it passes over, directories aside", async () => {
    const { ignored } = await TidwallLog.open(fixture(`${format}-strangers`));
    expect(ignored).toContain("lsn_metadata.json");
    expect(ignored).toContain("00000000000000000009.START.TEMP");
    expect(ignored).not.toContain("00000000000000000007");
  });

  it("is refused where two truncations left their traces, as by the library", async () => {
    expect(libraryViews[`${format}-both-crashes`]?.openError).toBe("log corrupt");
    await expect(TidwallLog.open(fixture(`${format}-both-crashes`))).rejects.toMatchObject({
      code: "HF_CORRUPTION",
      details: { path: expect.stringMatching(/\.END$/) as string, offset: 0 },
    });
  });

  it("ends before a torn tail, which is reported", async () => {
    expect(libraryViews[`${format}-torn`]?.openError).toBe("log corrupt");
    const { log, entries } = await readAll(fixture(`${format}-torn`));
    expect(entries).toEqual(libraryViews[`${format}-plain`]!.entries.slice(0, 19));
    const last = log.segments.at(-1)!;
    expect(log.tornTail).toMatchObject({ path: last.path, kind: "entry" });
    expect(log.tornTail!.offset + log.tornTail!.bytes).toBe(last.bytes);
  });

  it.each(["missing-segment", "short-segment", "undone-front"])(
    "that the library opens in spite of damage is refused: %s",
    async (kind) => {
      const name = `${format}-${kind}`;
      expect(libraryViews[name]?.openError).toBeUndefined();
      const log = await TidwallLog.open(fixture(name));
      await expect(log.check()).rejects.toMatchObject({
        code: "HF_CORRUPTION",
        details: { path: expect.stringMatching(/\d{20}$/) as string, offset: expect.any(Number) as number },
      });
    },
  );
});

describe("zeros in a binary log", () => {
  it("are entries for the library, and damage here unless the caller says otherwise", async () => {
    const name = "binary-zero-tail";
    expect(libraryViews[name]?.lastIndex).toBe(30);
    await expect(TidwallLog.open(fixture(name))).rejects.toMatchObject({ code: "HF_CORRUPTION" });
    const kept = await readAll(fixture(name), { emptyEntries: "keep" });
    expect(kept.entries).toEqual(libraryViews[name]!.entries);
    const cut = await readAll(fixture(name), { emptyEntries: "cut" });
    expect(cut.entries).toEqual(libraryViews["binary-plain"]!.entries);
    expect(cut.log.tornTail).toMatchObject({ kind: "zeros", bytes: 10 });
  });

  it("between entries are no torn tail", async () => {
    const directory = fixture("binary-empty-entries");
    await expect(TidwallLog.open(directory)).rejects.toMatchObject({ code: "HF_CORRUPTION", details: { offset: 2 } });
    await expect(TidwallLog.open(directory, { emptyEntries: "cut" })).rejects.toMatchObject({ code: "HF_CORRUPTION" });
    const { entries } = await readAll(directory, { emptyEntries: "keep" });
    expect(entries).toEqual(libraryViews["binary-empty-entries"]!.entries);
  });
});

describe("a JSON log", () => {
  it("keeps entries without bytes, which are written clearly", async () => {
    const { entries } = await readAll(fixture("json-empty-entries"));
    expect(entries).toEqual(libraryViews["json-empty-entries"]!.entries);
  });

  it("has a torn tail where zeros follow its last line", async () => {
    const { log, entries } = await readAll(fixture("json-zero-tail"));
    expect(entries).toEqual(libraryViews["json-plain"]!.entries);
    expect(log.tornTail).toMatchObject({ kind: "zeros", bytes: 10 });
  });
});

/** A directory `/wal` with these files. */
async function disk(files: Iterable<readonly [name: string, contents: string | Uint8Array]>): Promise<SimVfs> {
  const vfs = new SimVfs({ seed: 1 });
  await vfs.makeDirectory("/wal");
  for (const [name, contents] of files) {
    const file = await vfs.open(`/wal/${name}`, { access: "read-write", create: "exclusive" });
    await file.write(typeof contents === "string" ? Buffer.from(contents, "latin1") : contents, 0);
    await file.close();
  }
  return vfs;
}

const FIRST = "00000000000000000001";

describe("a directory", () => {
  it.each([
    ["of another kind", [["notes.txt", "x"]], "HF_FORMAT_UNKNOWN"],
    ["with indexes beyond 2^53", [["18446744073709551615", ""]], "HF_VALUE_TOO_LARGE"],
  ] as const)("%s is refused by name", async (_what, files, code) => {
    await expect(TidwallLog.open("/wal", { vfs: await disk(files) })).rejects.toMatchObject({ code });
  });

  it("that is missing, or a file, is refused", async () => {
    const vfs = await disk([["a", ""]]);
    await expect(TidwallLog.open("/none", { vfs })).rejects.toMatchObject({
      code: "HF_IO",
      details: { errno: "ENOENT" },
    });
    await expect(TidwallLog.open("/wal/a", { vfs })).rejects.toMatchObject({ code: "HF_FORMAT_UNKNOWN" });
  });

  it("is neither format where its segments contradict each other", async () => {
    const vfs = await disk([
      [FIRST, '{"index":"1","data":"+a"}\n'],
      ["00000000000000000002", "\x01b"],
    ]);
    await expect(TidwallLog.open("/wal", { vfs })).rejects.toMatchObject({
      code: "HF_CORRUPTION",
      details: { path: "/wal/00000000000000000002", offset: 0 },
    });
  });
});

describe("bytes that the library never writes", () => {
  it.each([
    ["a length in a long form", "\x01a\x80\x00", 2],
    ["a length without end", `\x01a${"\xff".repeat(12)}`, 2],
    ["a length beyond any entry", "\x01a\xff\xff\xff\xff\x7f", 2],
  ] as const)("are damage in the binary format: %s", async (_what, contents, offset) => {
    const vfs = await disk([[FIRST, contents]]);
    const opened = TidwallLog.open("/wal", { vfs, emptyEntries: "keep" });
    await expect(opened).rejects.toMatchObject({ code: "HF_CORRUPTION", details: { path: `/wal/${FIRST}`, offset } });
  });

  const line = '{"index":"1","data":"+a"}\n';
  it.each([
    ["another index", '{"index":"3","data":"+b"}\n'],
    ["an index with zeros", '{"index":"02","data":"+b"}\n'],
    ["a blank", '{"index": "2","data":"+b"}\n'],
    ["no marker", '{"index":"2","data":"b"}\n'],
    ["no data", '{"index":"2","data":""}\n'],
    ["an empty line", "\n"],
    ["two lines in one", '{"index":"2","data":"+b"}{"index":"3","data":"+c"}\n'],
    ["an escape that is not needed", '{"index":"2","data":"+\\u0062"}\n'],
    ["an escape in capitals", '{"index":"2","data":"+\\u003C"}\n'],
    ["half of a surrogate pair", '{"index":"2","data":"+\\ud800"}\n'],
    ["a raw control character", '{"index":"2","data":"+\t"}\n'],
    ["bytes that are no text", '{"index":"2","data":"+\xff"}\n'],
    ["text as base64", '{"index":"2","data":"$YQ=="}\n'],
    ["base64 with bits left over", '{"index":"2","data":"$_x=="}\n'],
    ["base64 without padding", '{"index":"2","data":"$_w"}\n'],
    ["base64 of the other alphabet", '{"index":"2","data":"$/w=="}\n'],
  ])("are damage in the JSON format: %s", async (_what, wrong) => {
    for (const after of ["", '{"index":"3","data":"+c"}\n']) {
      const vfs = await disk([[FIRST, line + wrong + after]]);
      await expect(TidwallLog.open("/wal", { vfs })).rejects.toMatchObject({
        code: "HF_CORRUPTION",
        details: { path: `/wal/${FIRST}`, offset: line.length },
      });
    }
  });

  it.each([
    "x",
    '{"index":"3',
    '{"index":"2","data":"b',
    '{"index":"2","data":"+b"}x',
    '{"index":"2","data":"+b"x',
    '{"index":"2","data":"+b\x01',
  ])("are no torn tail in the JSON format: %j", async (tail) => {
    const vfs = await disk([[FIRST, line + tail]]);
    await expect(TidwallLog.open("/wal", { vfs })).rejects.toMatchObject({ details: { offset: line.length } });
  });

  it("do not include the escapes that Go wrote before 1.22", async () => {
    const vfs = await disk([[FIRST, '{"index":"1","data":"+\\u0008\\u000c\\\\b"}\n{"index":"2","data":"+\\b\\f"}\n']]);
    const { entries } = await readAll("/wal", { vfs });
    expect(entries).toEqual([Buffer.from("\b\f\\b").toString("base64"), Buffer.from("\b\f").toString("base64")]);
  });
});

describe("a torn tail of the JSON format", () => {
  it("may end anywhere in the line, and is followed by nothing but zeros", async () => {
    const lines = '{"index":"1","data":"+a"}\n{"index":"2","data":"+q\\"\\\\ü"}\n';
    const bytes = Buffer.from(lines);
    for (let end = 27; end < bytes.length; end++) {
      for (const zeros of [0, 5]) {
        const vfs = await disk([[FIRST, Buffer.concat([bytes.subarray(0, end), Buffer.alloc(zeros)])]]);
        const { log, entries } = await readAll("/wal", { vfs });
        expect(entries).toHaveLength(1);
        expect(log.tornTail).toEqual({ path: `/wal/${FIRST}`, offset: 26, bytes: end - 26 + zeros, kind: "entry" });
      }
    }
  });
});

describe("an entry", () => {
  it("larger than entryBytesMax is a limit, not damage, and takes no memory", async () => {
    const vfs = await disk([[FIRST, `\x01a\x0a${"b".repeat(10)}`]]);
    await expect(TidwallLog.open("/wal", { vfs, entryBytesMax: 9 })).rejects.toMatchObject({
      code: "HF_RECORD_TOO_LARGE",
    });
    expect((await readAll("/wal", { vfs, entryBytesMax: 10 })).entries).toHaveLength(2);
  });

  it("larger than a chunk is read whole, in both formats", async () => {
    const data = new Uint8Array(700_000).map((_, at) => at * 7);
    for (const contents of [
      Buffer.concat([Buffer.from([0xe0, 0xdc, 0x2a]), data, Buffer.from("\x01z")]),
      Buffer.from(
        `{"index":"1","data":"$${Buffer.from(data).toString("base64").replaceAll("+", "-").replaceAll("/", "_")}"}\n{"index":"2","data":"+z"}\n`,
      ),
    ]) {
      const { entries } = await readAll("/wal", { vfs: await disk([[FIRST, contents]]) });
      expect(entries).toEqual([Buffer.from(data).toString("base64"), Buffer.from("z").toString("base64")]);
    }
  });
});

describe("reading", () => {
  it("changes nothing, leaves no file open, and stops when it is told to", async () => {
    const files = await filesOf(fixture("binary-front-crash"));
    const vfs = await disk(files);
    const before = vfs.snapshotTree();
    const log = await TidwallLog.open("/wal", { vfs });
    for await (const entry of log.entries()) if (entry.index > 10) break;
    const controller = new AbortController();
    controller.abort(new Error("enough"));
    await expect(log.check({ signal: controller.signal })).rejects.toThrow("enough");
    expect(await log.check()).toMatchObject({ entries: 13 });
    expect(vfs.openHandles()).toEqual([]);
    expect(vfs.snapshotTree()).toEqual(before);
  });

  it("refuses unknown options", async () => {
    const options = { formt: "json" } as TidwallReadOptions;
    await expect(TidwallLog.open("/wal", options)).rejects.toMatchObject({ code: "HF_UNKNOWN_OPTION" });
  });
});
