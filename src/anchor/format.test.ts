import { readFile } from "node:fs/promises";
import { crc32c as nativeCrc32c } from "@node-rs/crc32";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SeededRandom, equalBytes, readU32, writeU16, writeU32 } from "../base/index.js";
import {
  ANCHOR_VERSION,
  SLOT_HEADER_BYTES,
  decodeSlot,
  encodeSlot,
  valueBytesMax,
  type Slot,
  type SlotContent,
} from "./format.js";

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const EXAMPLE: SlotContent = { mode: "mirror", sequence: 3, kind: 7, value: ascii("height 12") };

/** Reads a dump as `hexdump -C` prints it, where `*` repeats the line above. */
function parseHexdump(text: string): Uint8Array {
  const lines = text.trim().split("\n");
  const bytes = new Uint8Array(Number.parseInt(lines.at(-1) ?? "", 16));
  let last = new Uint8Array(16);
  let at = 0;
  for (const [index, line] of lines.entries()) {
    const next = lines[index + 1];
    if (line === "*") {
      for (const end = Number.parseInt(next ?? "", 16); at < end; at += 16) bytes.set(last, at);
    } else if (line.length > 8) {
      last = Uint8Array.from(line.slice(10, 57).split(" "), (pair) => Number.parseInt(pair, 16));
      bytes.set(last, Number.parseInt(line.slice(0, 8), 16));
      at = Number.parseInt(line.slice(0, 8), 16) + 16;
    }
  }
  return bytes;
}

async function documentedSlot(): Promise<Uint8Array> {
  const page = await readFile(new URL("../../docs/formats/anchor.md", import.meta.url), "utf8");
  return parseHexdump(/```hexdump\n([^`]*)```/.exec(page)?.[1] ?? "");
}

/** Changes bytes of a slot and makes its checksums right again, as a build with other rules would. */
function resealed(change: (bytes: Uint8Array) => void): Uint8Array {
  const bytes = encodeSlot(512, EXAMPLE);
  change(bytes);
  writeU32(bytes, 32, nativeCrc32c(bytes.subarray(0, 32)));
  writeU32(bytes, 36, nativeCrc32c(bytes.subarray(40), nativeCrc32c(bytes.subarray(0, 32))));
  return bytes;
}

describe("an anchor slot", () => {
  it("is written as the format page shows it, and read back", async () => {
    const documented = await documentedSlot();
    expect(documented.length).toBe(512);
    expect(encodeSlot(512, EXAMPLE)).toEqual(documented);
    expect(decodeSlot(documented)).toEqual({ status: "valid", ...EXAMPLE });
  });

  it("has the checksums that the format page describes", async () => {
    const slot = await documentedSlot();
    expect(readU32(slot, 32)).toBe(nativeCrc32c(slot.subarray(0, 32)));
    expect(readU32(slot, 36)).toBe(nativeCrc32c(slot.subarray(40), nativeCrc32c(slot.subarray(0, 32))));
  });

  it("gives back any content", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(512, 1024, 4096),
        fc.constantFrom<"mirror" | "alternate">("mirror", "alternate"),
        fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        fc.nat(0xffffffff),
        fc.uint8Array({ maxLength: 512 - SLOT_HEADER_BYTES }),
        (slotBytes, mode, sequence, kind, value) => {
          const content = { mode, sequence, kind, value };
          expect(decodeSlot(encodeSlot(slotBytes, content))).toEqual({ status: "valid", ...content });
        },
      ),
    );
  });

  it("takes an empty value and one that fills it", () => {
    for (const length of [0, valueBytesMax(512)]) {
      const content = { ...EXAMPLE, value: new Uint8Array(length).fill(0xff) };
      expect(decodeSlot(encodeSlot(512, content))).toEqual({ status: "valid", ...content });
    }
  });

  it("is damaged when any single bit is flipped, wherever it is", () => {
    const bytes = encodeSlot(512, EXAMPLE);
    const statuses = new Set<Slot["status"]>();
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit >> 3] = bytes[bit >> 3]! ^ (1 << (bit & 7));
      statuses.add(decodeSlot(bytes).status);
      bytes[bit >> 3] = bytes[bit >> 3]! ^ (1 << (bit & 7));
    }
    expect([...statuses]).toEqual(["damaged"]);
  });

  it("is damaged when it is all zeros or its magic is overwritten", () => {
    expect(decodeSlot(new Uint8Array(512)).status).toBe("damaged");
    const bytes = encodeSlot(512, EXAMPLE);
    bytes.fill(0xee, 0, 8);
    expect(decodeSlot(bytes).status).toBe("damaged");
  });

  it("is damaged when it mixes two sound slots at any byte", () => {
    const older = encodeSlot(512, EXAMPLE);
    const newer = encodeSlot(512, { ...EXAMPLE, sequence: 4, value: ascii("height 13 and a bit") });
    for (const [under, over] of [
      [older, newer],
      [newer, older],
    ] as const) {
      for (let cut = 17; cut < 40 + 19; cut++) {
        const torn = under.slice();
        torn.set(over.subarray(0, cut));
        const decoded = decodeSlot(torn);
        // The shorter value ends earlier: from there on the mixture is the whole of one slot.
        expect(decoded.status).toBe(equalBytes(torn, over) ? "valid" : "damaged");
      }
    }
  });

  it("is damaged when an older value shows in its later half, though both end with checksums of their own", () => {
    // Found by the crash suite of anchors once its values held CRC-32Cs: the one checksum of a slot, a CRC-32C, is the same around any bytes that are
    // followed by their own. So the first sector of a new value passed with the second of the old one.
    const valueOf = (n: number): Uint8Array => {
      const value = new Uint8Array(900).fill(7);
      value[0] = n;
      value[600] = n;
      writeU32(value, 896, nativeCrc32c(value.subarray(500, 896)));
      return value;
    };
    const older = encodeSlot(1024, { ...EXAMPLE, value: valueOf(1) });
    const torn = encodeSlot(1024, { ...EXAMPLE, sequence: 4, value: valueOf(2) });
    torn.set(older.subarray(512), 512);
    expect(nativeCrc32c(torn.subarray(40), nativeCrc32c(torn.subarray(0, 32)))).toBe(readU32(torn, 36));
    expect(decodeSlot(torn).status).toBe("damaged");
  });

  it("of a newer version is newer while its header is sound, and damaged when it is not", () => {
    const version = ANCHOR_VERSION + 1;
    const newer = resealed((bytes) => writeU16(bytes, 8, version));
    expect(decodeSlot(newer)).toEqual({ status: "newer", version });
    newer.fill(0xaa, 36);
    expect(decodeSlot(newer)).toEqual({ status: "newer", version });
    newer[9] = 1;
    expect(decodeSlot(newer).status).toBe("damaged");
  });

  it("of another size says which", () => {
    expect(decodeSlot(encodeSlot(1024, EXAMPLE).subarray(0, 512))).toEqual({
      status: "other-size",
      slotBytes: 1024,
      kind: 7,
    });
  });

  it("that was never an anchor's is unknown", () => {
    for (let seed = 0; seed < 50; seed++) expect(decodeSlot(new SeededRandom(seed).bytes(512)).status).toBe("unknown");
    expect(decodeSlot(resealed((bytes) => bytes.set(ascii("SOMEBODY")))).status).toBe("unknown");
    expect(decodeSlot(resealed((bytes) => writeU16(bytes, 8, 0))).status).toBe("unknown");
  });

  it("with sound checksums over fields that no build writes is damaged, and never throws", () => {
    const changes: readonly ((bytes: Uint8Array) => void)[] = [
      (bytes) => bytes.fill(0, 16, 24),
      (bytes) => bytes.fill(0xff, 16, 24),
      (bytes) => writeU32(bytes, 28, 473),
      (bytes) => writeU32(bytes, 28, 0xffffffff),
      (bytes) => writeU32(bytes, 28, 3),
      (bytes) => bytes.fill(3, 10, 11),
      (bytes) => bytes.fill(0, 10, 11),
      (bytes) => bytes.fill(1, 11, 12),
      (bytes) => bytes.fill(17, 11, 12),
      (bytes) => bytes.fill(0, 12, 16),
      (bytes) => bytes.fill(1, 511, 512),
    ];
    for (const change of changes) expect(decodeSlot(resealed(change)).status).toBe("damaged");
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 24, maxLength: 24 }), (fields) => {
        decodeSlot(resealed((bytes) => bytes.set(fields, 8)));
      }),
    );
  });
});
