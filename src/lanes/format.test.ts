import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { parseHexdump } from "../../test/golden/hexdump.js";
import { BASELINE_TYPE, ENTRY_TYPE, HEADER_BYTES, decodeRecord, encodeBaseline, encodeEntry } from "./format.js";
import { folderOf, nameOf } from "./journal-name.js";
import { errorOf, textCodec } from "./lanes.contract.js";

const payloadOf = (record: ReturnType<typeof encodeEntry>): Uint8Array =>
  record instanceof Uint8Array ? record : record.payload;

describe("the records of a lane", () => {
  it("are as the format page shows them", async () => {
    const page = await readFile(new URL("../../docs/formats/lanes.md", import.meta.url), "utf8");
    const dump = parseHexdump(/```hexdump\n([^`]*)```/.exec(page)?.[1] ?? "");
    const records = [
      encodeBaseline(1, 100),
      encodeEntry(1, 100, textCodec.encode("block 100")),
      encodeEntry(1, 101, new Uint8Array(0)),
    ];
    expect([...dump]).toEqual(records.flatMap((record) => [...payloadOf(record)]));
  });

  it("come back as they were, up to the largest numbers", () => {
    const max = Number.MAX_SAFE_INTEGER;
    for (const [generation, index] of [
      [0, 0],
      [1, 2 ** 32],
      [max, max],
    ] as const) {
      const entry = payloadOf(encodeEntry(generation, index, new Uint8Array([1, 2])));
      expect(decodeRecord("lane", { lsn: 7, type: ENTRY_TYPE, payload: entry })).toEqual({
        kind: "entry",
        lsn: 7,
        generation,
        index,
        value: new Uint8Array([1, 2]),
      });
      const baseline = payloadOf(encodeBaseline(generation, index));
      expect(baseline.length).toBe(HEADER_BYTES);
      expect(decodeRecord("lane", { lsn: 7, type: BASELINE_TYPE, payload: baseline })).toMatchObject({
        kind: "baseline",
        generation,
        index,
      });
    }
  });

  it("that can't be are damage, and those of another kind are told as such", async () => {
    const decode = async (type: number, payload: Uint8Array): Promise<unknown> =>
      decodeRecord("lane", { lsn: 1, type, payload });
    for (let bytes = 0; bytes < HEADER_BYTES; bytes++)
      for (const type of [ENTRY_TYPE, BASELINE_TYPE])
        expect(await errorOf(decode(type, new Uint8Array(bytes)))).toMatchObject({ code: "HF_CORRUPTION" });
    expect(await errorOf(decode(BASELINE_TYPE, new Uint8Array(17)))).toMatchObject({ code: "HF_CORRUPTION" });
    for (const at of [7, 15]) {
      const huge = new Uint8Array(HEADER_BYTES);
      huge[at] = 0x20;
      expect(await errorOf(decode(ENTRY_TYPE, huge))).toMatchObject({ code: "HF_CORRUPTION" });
    }
    for (const type of [0, 3, 255])
      expect(await errorOf(decode(type, new Uint8Array(16)))).toMatchObject({ code: "HF_FORMAT_UNKNOWN" });
  });
});

describe("the folder of a journal", () => {
  it("is one for each name, and comes back as it", () => {
    const names = ["chain", "lane-ann", "lane-Ann", "lane-", "../x", "a/b", "CON", "é", "\u0000", "%41", " .", "日本"];
    const folders = names.map(folderOf);
    expect(new Set(folders.map((folder) => folder.toLowerCase())).size).toBe(names.length);
    for (const [at, folder] of folders.entries()) {
      expect(folder).toMatch(/^[a-z0-9_%-]+$/);
      expect(nameOf(folder)).toBe(names[at]);
    }
  });

  it("is none for what no name gives", async () => {
    for (const folder of ["", "A", "a.b", "%4", "%zz", "%61", "%C3%A9", "%ff", "x".repeat(241)])
      expect(nameOf(folder)).toBeUndefined();
    for (const name of ["", "\ud800", "x".repeat(241), "é".repeat(41)])
      expect(await errorOf((async () => folderOf(name))())).toMatchObject({ code: "HF_INVALID_ARGUMENT" });
  });
});
