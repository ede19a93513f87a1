import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CorruptionError, ConflictError, FormatError, SeededRandom, equalBytes, writeU32 } from "../base/index.js";
import { crc32c } from "../checksum/index.js";
import { FaultPlan, NodeVfs, SimVfs } from "../vfs/index.js";
import { ANCHOR_VERSION, encodeSlot, type SlotContent } from "./format.js";
import { Anchor, type AnchorOptions } from "./index.js";

const SLOT_BYTES = 512;
const MIRROR: AnchorOptions = { slotBytes: SLOT_BYTES, kind: 7 };
const ALTERNATE: AnchorOptions = { slotBytes: SLOT_BYTES, kind: 7, mode: "alternate", olderIsSafe: true };

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array): string => new TextDecoder().decode(value);

const slot = (content: Partial<SlotContent>): Uint8Array =>
  encodeSlot(SLOT_BYTES, { mode: "mirror", sequence: 1, kind: 7, value: bytes("one"), ...content });

describe("an anchor", () => {
  let directory: string;
  let path: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "holdfast-anchor-"));
    path = join(directory, "anchor");
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  /** A closed anchor that has held "one" and "two". */
  async function closedAnchor(options: AnchorOptions): Promise<Uint8Array> {
    const anchor = await Anchor.create(path, bytes("one"), options);
    await anchor.write(bytes("two"));
    await anchor.close();
    return new Uint8Array(await readFile(path));
  }

  async function putSlots(first: Uint8Array, second: Uint8Array): Promise<void> {
    await writeFile(path, Buffer.concat([first, second]));
  }

  for (const [name, options] of [
    ["mirror", MIRROR],
    ["alternate", ALTERNATE],
  ] as const) {
    describe(`in ${name} mode`, () => {
      it("gives back what was written last, over many openings", async () => {
        let anchor = await Anchor.openOrCreate(path, bytes("value 0"), options);
        expect(text(anchor.value)).toBe("value 0");
        let sequence = anchor.sequence;
        for (let write = 1; write <= 9; write++) {
          await anchor.write(bytes(`value ${write}`));
          expect(text(anchor.value)).toBe(`value ${write}`);
          expect(anchor.sequence).toBe(++sequence);
          if (write % 3 !== 0) continue;
          await anchor.close();
          anchor = await Anchor.openOrCreate(path, bytes("not used"), options);
          expect(text(anchor.value)).toBe(`value ${write}`);
          expect(anchor.sequence).toBe(sequence);
          expect(anchor.healed).toBe(false);
        }
        await anchor.close();
        expect(await readdir(directory)).toEqual(["anchor"]);
      });

      it("takes an empty value and one that fills the slot, and refuses a longer one without effect", async () => {
        const anchor = await Anchor.create(path, new Uint8Array(0), options);
        const full = new SeededRandom(1).bytes(anchor.valueBytesMax);
        await anchor.write(full);
        await expect(anchor.write(new Uint8Array(full.length + 1))).rejects.toMatchObject({
          code: "HF_VALUE_TOO_LARGE",
        });
        await anchor.write(new Uint8Array(0));
        await anchor.write(full);
        await anchor.close();
        const again = await Anchor.open(path, options);
        expect(again.value).toEqual(full);
        await again.close();
        await expect(
          Anchor.create(join(directory, "b"), new Uint8Array(full.length + 1), options),
        ).rejects.toMatchObject({
          code: "HF_VALUE_TOO_LARGE",
        });
        expect(await readdir(directory)).toEqual(["anchor"]);
      });

      it("does concurrent writes in order, with the bytes as they were at the call", async () => {
        const anchor = await Anchor.create(path, bytes("start"), options);
        const first = anchor.sequence;
        const buffer = new Uint8Array(1);
        const writes: Promise<unknown>[] = [];
        for (let write = 1; write <= 20; write++) {
          buffer[0] = write;
          writes.push(anchor.write(buffer).then(() => anchor.value[0]));
        }
        buffer[0] = 0;
        expect(await Promise.all(writes)).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
        expect(anchor.sequence).toBe(first + 20);
        expect(anchor.value).toEqual(Uint8Array.of(20));
        await anchor.close();
        expect((await Anchor.peek(path)).value).toEqual(Uint8Array.of(20));
      });

      it("finishes the writes it was given before it closes, and takes none after", async () => {
        const anchor = await Anchor.create(path, bytes("start"), options);
        const write = anchor.write(bytes("last"));
        const closed = anchor.close();
        await expect(anchor.write(bytes("late"))).rejects.toMatchObject({ code: "HF_CLOSED" });
        await Promise.all([write, closed, anchor.close()]);
        expect(text((await Anchor.peek(path)).value)).toBe("last");
      });

      it("is damage, with path and offset, when both slots are damaged, and nothing is changed", async () => {
        const sound = await closedAnchor(options);
        for (const [first, second] of [
          [0, 0],
          [3, 9],
          [37, 20],
          [45, 500],
          [511, 511],
        ] as const) {
          const damaged = sound.slice();
          damaged[first] = damaged[first]! ^ 1;
          damaged[SLOT_BYTES + second] = damaged[SLOT_BYTES + second]! ^ 1;
          await writeFile(path, damaged);
          const attempts = [
            () => Anchor.open(path, options),
            () => Anchor.openOrCreate(path, bytes("x"), options),
            () => Anchor.peek(path),
          ];
          for (const attempt of attempts) {
            const error: unknown = await attempt().catch((reason: unknown) => reason);
            expect(error).toBeInstanceOf(CorruptionError);
            expect(error).toMatchObject({ code: "HF_CORRUPTION", details: { path, offset: 0 } });
          }
          expect(new Uint8Array(await readFile(path))).toEqual(damaged);
        }
      });

      it("is damage when the file is empty or zeros, never taken for new", async () => {
        for (const content of [new Uint8Array(0), new Uint8Array(2 * SLOT_BYTES)]) {
          await writeFile(path, content);
          await expect(Anchor.openOrCreate(path, bytes("x"), options)).rejects.toBeInstanceOf(CorruptionError);
        }
      });

      it("refuses a newer version beside a sound slot, and changes nothing", async () => {
        const sound = await closedAnchor(options);
        const newer = sound.slice();
        newer[8] = ANCHOR_VERSION + 1;
        writeU32(newer, 32, crc32c(newer.subarray(0, 32)));
        await writeFile(path, newer);
        await expect(Anchor.open(path, options)).rejects.toMatchObject({
          code: "HF_FORMAT_NEWER",
          details: { version: ANCHOR_VERSION + 1 },
        });
        await expect(Anchor.peek(path)).rejects.toBeInstanceOf(FormatError);
        expect(new Uint8Array(await readFile(path))).toEqual(newer);
      });

      it("refuses another kind, mode or slot size, and changes nothing", async () => {
        const sound = await closedAnchor(options);
        const other = options === MIRROR ? ALTERNATE : MIRROR;
        await expect(Anchor.open(path, { ...options, kind: 8 })).rejects.toMatchObject({ code: "HF_FORMAT_FOREIGN" });
        await expect(Anchor.peek(path, { kind: 8 })).rejects.toMatchObject({ code: "HF_FORMAT_FOREIGN" });
        const mode: unknown = await Anchor.open(path, other).catch((reason: unknown) => reason);
        expect(mode).toBeInstanceOf(ConflictError);
        expect(mode).toMatchObject({ code: "HF_OPTION_MISMATCH", details: { option: "mode" } });
        await expect(Anchor.open(path, { ...options, slotBytes: 4096 })).rejects.toMatchObject({
          code: "HF_OPTION_MISMATCH",
          details: { option: "slotBytes", stored: SLOT_BYTES, given: 4096 },
        });
        expect(new Uint8Array(await readFile(path))).toEqual(sound);
      });

      it("removes what a crashed opening left, whatever it is", async () => {
        await closedAnchor(options);
        await writeFile(`${path}.new`, new Uint8Array(100_000).fill(1));
        await (await Anchor.open(path, options)).close();
        expect(await readdir(directory)).toEqual(["anchor"]);
        expect((await readFile(path)).length).toBe(2 * SLOT_BYTES);
      });

      it("can hold its own lock", async () => {
        const locked = { ...options, lock: true };
        const anchor = await Anchor.create(path, bytes("one"), locked);
        await expect(Anchor.open(path, locked)).rejects.toMatchObject({
          code: "HF_LOCKED",
          details: { pid: process.pid },
        });
        await anchor.close();
        const again = await Anchor.open(path, locked);
        await again[Symbol.asyncDispose]();
        await expect(Anchor.create(path, bytes("x"), locked)).rejects.toMatchObject({ code: "HF_EXISTS" });
        await (await Anchor.open(path, locked)).close();
      });

      it("poisons itself with the first failure, rejects what waits, and opens again", async () => {
        const vfs = new SimVfs();
        const simulated = { ...options, vfs };
        const anchor = await Anchor.create("/anchor", bytes("one"), simulated);
        vfs.faults = new FaultPlan([{ operation: "write", errno: "EIO" }]);
        const outcomes = await Promise.allSettled([anchor.write(bytes("two")), anchor.write(bytes("three"))]);
        expect(outcomes[0]).toMatchObject({ status: "rejected", reason: { code: "HF_IO", details: { errno: "EIO" } } });
        expect(outcomes[1]).toMatchObject({
          status: "rejected",
          reason: { code: "HF_POISONED", cause: { code: "HF_IO" } },
        });
        await expect(anchor.write(bytes("four"))).rejects.toMatchObject({
          code: "HF_POISONED",
          cause: { code: "HF_IO" },
        });
        expect(text(anchor.value)).toBe("one");
        await anchor.close();
        await expect(anchor.write(bytes("five"))).rejects.toMatchObject({ code: "HF_CLOSED" });
        const again = await Anchor.open("/anchor", simulated);
        expect(["one", "two"]).toContain(text(again.value));
        await again.write(bytes("six"));
        await again.close();
        expect(vfs.openHandles()).toEqual([]);
      });
    });
  }

  it("survives the flip of any byte in mirror mode, and opening heals it", async () => {
    const sound = await closedAnchor(MIRROR);
    for (let at = 0; at < sound.length; at++) {
      const vfs = new SimVfs();
      const damaged = sound.slice();
      damaged[at] = damaged[at]! ^ (1 << (at % 8));
      const file = await vfs.open("/anchor", { access: "read-write", create: "exclusive" });
      await file.write(damaged, 0);
      await file.close();
      const anchor = await Anchor.open("/anchor", { ...MIRROR, vfs });
      expect([text(anchor.value), anchor.sequence, anchor.healed]).toEqual(["two", 2, true]);
      await anchor.close();
      const healed = vfs.snapshotTree().map((entry) => equalBytes(entry.contents ?? new Uint8Array(0), sound));
      expect(healed).toEqual([true]);
    }
  });

  it("goes back by one value at most in alternate mode, and says to which beforehand", async () => {
    const anchor = await Anchor.create(path, bytes("one"), ALTERNATE);
    expect(text(anchor.fallbackValue)).toBe("one");
    await anchor.write(bytes("two"));
    expect(text(anchor.fallbackValue)).toBe("one");
    await anchor.close();
    const sound = new Uint8Array(await readFile(path));
    const found = new Set<string>();
    for (const at of [0, 20, 45, 512, 532, 557, 1023]) {
      const damaged = sound.slice();
      damaged[at] = damaged[at]! ^ 4;
      await writeFile(path, damaged);
      const again = await Anchor.open(path, ALTERNATE);
      found.add(text(again.value));
      expect(again.healed).toBe(true);
      // Healed: damage to either slot still leaves this value.
      await again.close();
      const healed = new Uint8Array(await readFile(path));
      for (const other of [45, 557]) {
        const twice = healed.slice();
        twice[other] = twice[other]! ^ 4;
        await writeFile(path, twice);
        expect((await Anchor.peek(path)).value).toEqual(again.value);
      }
    }
    expect([...found].sort()).toEqual(["one", "two"]);
  });

  it("keeps the value before in alternate mode over an opening", async () => {
    await closedAnchor(ALTERNATE);
    const anchor = await Anchor.open(path, ALTERNATE);
    expect(text(anchor.fallbackValue)).toBe("one");
    await anchor.write(bytes("three"));
    expect(text(anchor.fallbackValue)).toBe("two");
    await anchor.close();
  });

  it("is its own fallback in mirror mode", async () => {
    const anchor = await Anchor.create(path, bytes("one"), MIRROR);
    await anchor.write(bytes("two"));
    expect(text(anchor.fallbackValue)).toBe("two");
    await anchor.close();
  });

  it("gives out copies, so that nobody changes the value by hand", async () => {
    const anchor = await Anchor.create(path, bytes("one"), MIRROR);
    anchor.value.fill(0);
    anchor.fallbackValue.fill(0);
    expect(text(anchor.value)).toBe("one");
    await anchor.close();
  });

  it("is damage when both slots claim one sequence with other values, or at all in alternate mode", async () => {
    await putSlots(slot({ value: bytes("one") }), slot({ value: bytes("uno") }));
    await expect(Anchor.open(path, MIRROR)).rejects.toBeInstanceOf(CorruptionError);
    const alternate = slot({ mode: "alternate" });
    await putSlots(alternate, alternate);
    await expect(Anchor.open(path, ALTERNATE)).rejects.toBeInstanceOf(CorruptionError);
  });

  it("takes the newer of two sound slots, in whichever place", async () => {
    const older = slot({ sequence: 4, value: bytes("older") });
    const newer = slot({ sequence: 5, value: bytes("newer") });
    for (const slots of [
      [older, newer],
      [newer, older],
    ] as const) {
      await putSlots(...slots);
      const anchor = await Anchor.open(path, MIRROR);
      expect([text(anchor.value), anchor.sequence]).toEqual(["newer", 5]);
      await anchor.close();
      const again = await Anchor.peek(path);
      expect(again.slots.map((peeked) => peeked.sequence)).toEqual([5, 5]);
    }
  });

  it("heals a slot that another anchor's write landed in", async () => {
    await putSlots(
      slot({ sequence: 4, value: bytes("ours") }),
      slot({ sequence: 99, kind: 8, value: bytes("theirs") }),
    );
    const anchor = await Anchor.open(path, MIRROR);
    expect([text(anchor.value), anchor.healed]).toEqual(["ours", true]);
    await anchor.close();
  });

  it("does not take another file for an anchor, nor call it damaged", async () => {
    for (const content of [bytes("{}"), new SeededRandom(5).bytes(5000), bytes("x".repeat(1024))]) {
      await writeFile(path, content);
      await expect(Anchor.open(path, MIRROR)).rejects.toMatchObject({ code: "HF_FORMAT_UNKNOWN" });
      expect(new Uint8Array(await readFile(path))).toEqual(content);
    }
  });

  it("is ENOENT where no file is, and makes none", async () => {
    await expect(Anchor.open(path, MIRROR)).rejects.toMatchObject({ code: "HF_IO", details: { errno: "ENOENT" } });
    await expect(Anchor.peek(path)).rejects.toMatchObject({ code: "HF_IO", details: { errno: "ENOENT" } });
    expect(await readdir(directory)).toEqual([]);
  });

  it("stops at the last sequence number without effect", async () => {
    const last = slot({ sequence: Number.MAX_SAFE_INTEGER });
    await putSlots(last, last);
    const anchor = await Anchor.open(path, MIRROR);
    await expect(anchor.write(bytes("two"))).rejects.toMatchObject({ code: "HF_SEQUENCE_EXHAUSTED" });
    expect(text(anchor.value)).toBe("one");
    await anchor.close();
    expect((await readFile(path)).equals(Buffer.concat([last, last]))).toBe(true);
  });

  it("bounds the writes that wait", async () => {
    const anchor = await Anchor.create("/anchor", bytes("one"), { vfs: new SimVfs(), slotBytes: SLOT_BYTES });
    const writes = Array.from({ length: 1025 }, () => anchor.write(bytes("two")));
    const outcomes = await Promise.allSettled(writes);
    expect(outcomes.filter((outcome) => outcome.status === "rejected").length).toBe(1);
    expect(outcomes.at(-1)).toMatchObject({ reason: { code: "HF_BACKPRESSURE" } });
    await anchor.write(bytes("three"));
    await anchor.close();
  });

  it("refuses wrong options before any effect", async () => {
    const wrong: readonly (readonly [unknown, string])[] = [
      [{ mode: "alternate" }, "HF_INVALID_ARGUMENT"],
      [{ mode: "both" }, "HF_INVALID_ARGUMENT"],
      [{ slotBytes: 511 }, "HF_INVALID_ARGUMENT"],
      [{ slotBytes: 1000 }, "HF_INVALID_ARGUMENT"],
      [{ slotBytes: 131_072 }, "HF_INVALID_ARGUMENT"],
      [{ kind: -1 }, "HF_INVALID_ARGUMENT"],
      [{ kind: 2 ** 32 }, "HF_INVALID_ARGUMENT"],
      [{ lock: 1 }, "HF_INVALID_ARGUMENT"],
      [{ slotByte: 512 }, "HF_UNKNOWN_OPTION"],
    ];
    for (const [options, code] of wrong) {
      await expect(Anchor.openOrCreate(path, bytes("x"), options as AnchorOptions)).rejects.toMatchObject({ code });
    }
    await expect(Anchor.peek(path, { mode: "mirror" } as object)).rejects.toMatchObject({ code: "HF_UNKNOWN_OPTION" });
    expect(await readdir(directory)).toEqual([]);
  });

  describe("looked at beside its writer", () => {
    it("shows everything, and changes no byte", async () => {
      const before = await closedAnchor(MIRROR);
      expect(await Anchor.peek(path)).toEqual({
        value: bytes("two"),
        sequence: 2,
        mode: "mirror",
        kind: 7,
        slotBytes: SLOT_BYTES,
        slots: [
          { offset: 0, status: "valid", sequence: 2, valueBytes: 3 },
          { offset: 512, status: "valid", sequence: 2, valueBytes: 3 },
        ],
      });
      before[600] = 1;
      await writeFile(path, before);
      expect((await Anchor.peek(path)).slots[1]).toMatchObject({ status: "damaged" });
      expect(new Uint8Array(await readFile(path))).toEqual(before);
      expect(await readdir(directory)).toEqual(["anchor"]);
    });

    it("shows the value that is surely durable while a write is on its way", async () => {
      await putSlots(slot({ sequence: 5, value: bytes("coming") }), slot({ sequence: 4, value: bytes("durable") }));
      expect(text((await Anchor.peek(path)).value)).toBe("durable");
      await putSlots(slot({ sequence: 5, value: bytes("first") }), slot({ sequence: 5, value: bytes("first") }));
      expect(text((await Anchor.peek(path)).value)).toBe("first");
      await putSlots(slot({ sequence: 9, value: bytes("newer") }), slot({ sequence: 5, value: bytes("lost a write") }));
      expect(text((await Anchor.peek(path)).value)).toBe("newer");
    });

    it("reads again when both slots look damaged, which a writer between them can cause", async () => {
      const sound = await closedAnchor(MIRROR);
      const torn = sound.slice().fill(0xee, 45, 60).fill(0xee, 557, 570);
      await writeFile(path, torn);
      let delays = 0;
      class WriterBeside extends NodeVfs {
        override async delay(): Promise<void> {
          if (++delays === 2) await writeFile(path, sound);
        }
      }
      expect(text((await Anchor.peek(path, { vfs: new WriterBeside() })).value)).toBe("two");
      expect(delays).toBe(2);
      await writeFile(path, torn);
      delays = 2;
      await expect(Anchor.peek(path, { vfs: new WriterBeside() })).rejects.toBeInstanceOf(CorruptionError);
      expect(delays).toBe(5);
    });

    it("never sees damage, and never goes back, while the writer writes as fast as it can", async () => {
      const anchor = await Anchor.create(path, bytes("0"), { slotBytes: 4096 });
      let writing = true;
      const writer = (async () => {
        for (let write = 1; write <= 150; write++) await anchor.write(bytes(String(write)));
        writing = false;
      })();
      let last = 0;
      while (writing) {
        const { value } = await Anchor.peek(path, {});
        expect(Number(text(value))).toBeGreaterThanOrEqual(last);
        last = Number(text(value));
      }
      await writer;
      await anchor.close();
    });
  });
});
