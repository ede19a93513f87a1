/** The page of exports beside the code: its dumps both ways, and the checksums that it describes. */
import { readFile } from "node:fs/promises";
import { crc32c as nativeCrc32c } from "@node-rs/crc32";
import { blake3 } from "@noble/hashes/blake3.js";
import { describe, expect, it } from "vitest";
import { readU16, readU32, readU64, writeU16, writeU32 } from "../../src/base/index.js";
import { ExportEncoder } from "../../src/flatkv/export-encoder.js";
import type { ExportHeader } from "../../src/flatkv/export-format.js";
import { ExportScanner } from "../../src/flatkv/export-scanner.js";
import { formatHexdump, parseHexdump } from "./hexdump.js";

const text = new TextEncoder();
const SHOWN_OF_LONG_FRAME = 84;

const HEADER: ExportHeader = {
  exportId: Uint8Array.from({ length: 16 }, (_, index) => index),
  storeId: Uint8Array.from({ length: 16 }, (_, index) => 0xf0 + index),
  version: 12,
  timeline: 3,
  databases: ["account", "code"],
};
const ROWS = [
  ["a", "one"],
  ["b", "two"],
] as const;

/** By the definition: 1,024 lanes, to which each row adds 2,048 bytes of BLAKE3. */
function ltHashOf(rows: readonly (readonly [string, string])[]): Uint8Array {
  const sum = new Uint8Array(2048);
  for (const [key, value] of rows) {
    const pair = new Uint8Array(8 + key.length + value.length);
    writeU32(pair, 0, key.length);
    pair.set(text.encode(key), 4);
    writeU32(pair, 4 + key.length, value.length);
    pair.set(text.encode(value), 8 + key.length);
    const element = blake3(pair, { dkLen: 2048 });
    for (let at = 0; at < 2048; at += 2) writeU16(sum, at, readU16(sum, at) + readU16(element, at));
  }
  return sum;
}

/** The preamble with the header, the end of `account`, the rows and the end of `code`, the last frame. */
function example(): Uint8Array[] {
  const encoder = new ExportEncoder(HEADER);
  const start = encoder.start();
  const account = encoder.endDatabase(new Uint8Array(2048));
  for (const [key, value] of ROWS) encoder.add(text.encode(key), text.encode(value));
  const code = encoder.endDatabase(ltHashOf(ROWS));
  const rowsEnd = 20 + readU32(code, 8) + 4;
  return [start, account, code.subarray(0, rowsEnd), code.subarray(rowsEnd), encoder.finish()];
}

describe("the page of exports", () => {
  it("dumps what the code writes, and the code reads what it dumps", async () => {
    const page = await readFile(new URL("../../docs/formats/flatkv-export.md", import.meta.url), "utf8");
    const dumps = [...page.matchAll(/```hexdump\n([\s\S]*?)\n```/g)].map(([, dump = ""]) => parseHexdump(dump));
    const written = example();
    const shown = written.with(3, written[3]!.subarray(0, SHOWN_OF_LONG_FRAME));
    expect(dumps.map(formatHexdump)).toEqual(shown.map(formatHexdump));
    const scanner = new ExportScanner();
    const rows: string[] = [];
    for (const piece of dumps.with(3, written[3]!)) {
      scanner.feed(piece);
      for (let event = scanner.next(); event !== undefined; event = scanner.next()) {
        if (event.kind === "header") expect(event.header).toEqual(HEADER);
        if (event.kind === "rows") for (const pair of event.rows) rows.push(Buffer.concat(pair).toString());
      }
    }
    scanner.finish();
    expect(rows).toEqual(["aone", "btwo"]);
  });

  it("describes the checksums and the seal that the code writes", () => {
    const [start, ...frames] = example() as [Uint8Array, ...Uint8Array[]];
    let chain = nativeCrc32c(start.subarray(0, 12));
    expect(readU32(start, 12)).toBe(chain);
    const payloads: Uint8Array[] = [];
    for (const [number, frame] of [start.subarray(16), ...frames].entries()) {
      const end = 20 + readU32(frame, 8);
      expect([readU64(frame, 0), frame.length]).toEqual([number, end + 4]);
      const headerCrc = nativeCrc32c(frame.subarray(0, 16), chain);
      chain = nativeCrc32c(frame.subarray(20, end), headerCrc);
      expect([readU32(frame, 16), readU32(frame, end)]).toEqual([headerCrc, chain]);
      payloads.push(frame.subarray(20, end));
    }
    const [header, account, , code, last] = payloads as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    const sealed = [header, account, code, last.subarray(0, 56)].map((payload) => blake3(payload));
    expect(last.subarray(56)).toEqual(blake3(Buffer.concat(sealed)));
    expect(last.subarray(24, 56)).toEqual(blake3(ltHashOf(ROWS)));
    expect(code.subarray(32)).toEqual(ltHashOf(ROWS));
  });
});
