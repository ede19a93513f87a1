import { describe, expect, it } from "vitest";
import { SimVfs } from "../vfs/index.js";
import { encodeBaseline, encodeEntry } from "./format.js";
import { Chain, type IndexedLogOptions } from "./index.js";
import { after, ends, errorOf, held, journalKinds, look, textCodec } from "./lanes.contract.js";

describe.each(journalKinds)("a chain in %s", (_kind, openJournal) => {
  async function open(vfs: SimVfs, options: Partial<IndexedLogOptions<string>> = {}) {
    const { journal, close } = await openJournal(vfs);
    const chain = await Chain.open(journal, { codec: textCodec, ...options });
    return {
      chain,
      async close() {
        await chain.close();
        await close();
      },
    };
  }
  const texts = (first: number, last: number): string[] =>
    Array.from({ length: last - first + 1 }, (_, at) => `certificate ${first + at}`);

  it.each(ends)("starts empty, takes entries in order, and has them after a %s", async (end) => {
    const vfs = new SimVfs({ seed: 1 });
    const first = await open(vfs);
    expect(first.chain.nextIndex).toBe(0);
    for (const [index, text] of texts(0, 2).entries()) expect(await first.chain.append(index, text)).toBe(true);
    if (end === "close") await first.close();
    const { chain } = await open(after(end, vfs));
    expect(await look(chain.log)).toEqual(held(0, texts(0, 2)));
    expect(chain.nextIndex).toBe(3);
  });

  it("ignores what it has passed, alone or in front of what is new", async () => {
    const { chain } = await open(new SimVfs({ seed: 1 }));
    await chain.appendAll(0, texts(0, 4));
    expect(await chain.append(4, "another one")).toBe(false);
    expect(await chain.append(0, "another one")).toBe(false);
    expect(await chain.appendAll(3, texts(3, 6))).toBe(2);
    expect(await chain.appendAll(1, texts(1, 2))).toBe(0);
    expect(await look(chain.log)).toEqual(held(0, texts(0, 6)));
  });

  it("refuses a gap, and goes on", async () => {
    const { chain } = await open(new SimVfs({ seed: 1 }));
    await chain.append(0, "certificate 0");
    for (const index of [2, 3, 1000])
      expect(await errorOf(chain.append(index, "x"))).toMatchObject({ code: "HF_OUT_OF_SEQUENCE" });
    expect(await chain.append(1, "certificate 1")).toBe(true);
    expect(await look(chain.log)).toEqual(held(0, texts(0, 1)));
  });

  it("takes the same entries from several feeders at once, each once", async () => {
    const { chain } = await open(new SimVfs({ seed: 1 }));
    const feeders = Array.from({ length: 4 }, () =>
      Promise.all(texts(0, 19).map((text, index) => chain.append(index, text))),
    );
    const taken = (await Promise.all(feeders)).flat().filter(Boolean).length;
    expect(taken).toBe(20);
    expect(await look(chain.log)).toEqual(held(0, texts(0, 19)));
  });

  it("has nothing to do to start at 0, at its start, or before", async () => {
    const { chain } = await open(new SimVfs({ seed: 1 }));
    await chain.startAt(0);
    await chain.appendAll(0, texts(0, 4));
    await chain.startAt(0);
    await chain.startAt(3);
    await chain.startAt(2);
    expect(await look(chain.log)).toEqual(held(3, texts(3, 4)));
  });

  it.each(ends)("starts later step by step, with appends between, also over a %s", async (end) => {
    const vfs = new SimVfs({ seed: 1 });
    const first = await open(vfs);
    await first.chain.appendAll(0, texts(0, 4));
    await first.chain.startAt(2);
    await first.chain.append(5, "certificate 5");
    await first.chain.startAt(5);
    await first.chain.appendAll(6, texts(6, 7));
    if (end === "close") await first.close();
    const { chain } = await open(after(end, vfs));
    expect(await look(chain.log)).toEqual(held(5, texts(5, 7)));
  });

  it.each(ends)("jumps past all that it holds, remembers where over a %s, and goes on there", async (end) => {
    const vfs = new SimVfs({ seed: 1 });
    const first = await open(vfs);
    await first.chain.appendAll(0, texts(0, 2));
    await first.chain.startAt(10);
    if (end === "close") await first.close();
    const second = await open(after(end, vfs));
    // Nobody has to say again where it was.
    expect(second.chain.nextIndex).toBe(10);
    expect(await second.chain.append(2, "old")).toBe(false);
    expect(await errorOf(second.chain.append(11, "early"))).toMatchObject({ code: "HF_OUT_OF_SEQUENCE" });
    await second.chain.appendAll(10, texts(10, 11));
    expect(await look(second.chain.log)).toEqual(held(10, texts(10, 11)));
  });

  it("puts the entry that it starts at in place after a jump, once", async () => {
    const { chain } = await open(new SimVfs({ seed: 1 }));
    await chain.appendAll(0, texts(0, 2));
    for (let round = 0; round < 2; round++) {
      await chain.startAt(10, "certificate 10");
      expect(await look(chain.log)).toEqual(held(10, texts(10, 10)));
    }
    await chain.append(11, "certificate 11");
    await chain.startAt(11, "another one");
    expect(await look(chain.log)).toEqual(held(11, texts(11, 11)));
  });

  it("is not opened over a gap, or over what is no chain's", async () => {
    for (const [second, code] of [
      [encodeEntry(1, 2, textCodec.encode("certificate 2")), "HF_CORRUPTION"],
      [{ type: 9, payload: new Uint8Array(20) }, "HF_FORMAT_UNKNOWN"],
    ] as const) {
      const vfs = new SimVfs({ seed: 1 });
      const { journal, close } = await openJournal(vfs);
      await journal.appendAll([encodeBaseline(1, 0), encodeEntry(1, 0, textCodec.encode("certificate 0")), second]);
      await close();
      expect(await errorOf(open(vfs))).toMatchObject({ code });
    }
  });

  // Everything had been dropped by then.
  it("drops nothing for an entry that can't be appended", async () => {
    const picky = { ...textCodec, encode: (text: string) => (text === "bad" ? undefined! : textCodec.encode(text)) };
    const { chain } = await open(new SimVfs({ seed: 1 }), { codec: picky });
    await chain.appendAll(0, texts(0, 2));
    expect(await errorOf(chain.startAt(10, "bad"))).toMatchObject({ code: "HF_VALUE_UNENCODABLE" });
    expect(await errorOf(chain.startAt(10, "x".repeat(20_000)))).toMatchObject({ code: "HF_RECORD_TOO_LARGE" });
    expect(await look(chain.log)).toEqual(held(0, texts(0, 2)));
  });

  it("rejects every call after close", async () => {
    const { chain, close } = await open(new SimVfs({ seed: 1 }));
    await chain.append(0, "certificate 0");
    await close();
    // Also one that would have had nothing to write.
    for (const call of [chain.append(0, "certificate 0"), chain.append(1, "x"), chain.startAt(5), chain.log.readAll()])
      expect(await errorOf(call)).toMatchObject({ code: "HF_CLOSED" });
    expect(chain.nextIndex).toBe(1);
  });
});
