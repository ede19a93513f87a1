import { describe, expect, it } from "vitest";
import { SimVfs } from "../vfs/index.js";
import { type KeyCodec, type LaneSet, LanesFailedError } from "./index.js";
import { after, ends, errorOf, held, look, placeKinds, textCodec } from "./lanes.contract.js";

const blocks = (first: number, last: number): string[] =>
  Array.from({ length: last - first + 1 }, (_, at) => `block ${first + at}`);

/** Keys as S3's are: raw bytes, spelled in hexadecimal digits, of one length. */
const hexKeys: KeyCodec<number> = {
  encode: (key) => key.toString(16).padStart(8, "0"),
  decode: (name) => (/^[0-9a-f]{8}$/.test(name) ? Number.parseInt(name, 16) : undefined),
};

async function lookAt(lanes: LaneSet<string, string>, key: string): ReturnType<typeof look> {
  return await look(await lanes.lane(key));
}

describe.each(placeKinds)("lanes in %s", (kind, { open }) => {
  it("are none at first, and the place for them is made", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const { lanes, close } = await open(vfs);
    expect([lanes.keys(), lanes.foreign, lanes.quarantined]).toEqual([[], [], []]);
    await close();
    const again = await open(vfs.powerCut());
    expect(again.lanes.keys()).toEqual([]);
  });

  it.each(ends)("have their entries after a %s", async (end) => {
    const vfs = new SimVfs({ seed: 1 });
    const first = await open(vfs);
    expect(await first.lanes.append("ann", "block 0")).toBe(0);
    expect(await first.lanes.append("ann", "block 1", 1)).toBe(1);
    await first.lanes.append("Bob/.. é", "block 0");
    if (end === "close") await first.close();
    const { lanes } = await open(after(end, vfs));
    expect(lanes.keys()).toEqual(["Bob/.. é", "ann"]);
    expect(await lookAt(lanes, "ann")).toEqual(held(0, blocks(0, 1)));
    expect(await lookAt(lanes, "Bob/.. é")).toEqual(held(0, blocks(0, 0)));
    expect(lanes.foreign).toEqual([]);
  });

  it("are made when first used, the same one for all who ask at once", async () => {
    const { lanes } = await open(new SimVfs({ seed: 1 }));
    expect(lanes.get("ann")).toBeUndefined();
    const [one, other] = await Promise.all([lanes.lane("ann"), lanes.lane("ann")]);
    expect(one).toBe(other);
    expect(lanes.get("ann")).toBe(one);
    expect(await look(one)).toEqual(held(0, []));
  });

  it.each(ends)("are there, empty and usable, after a %s that came before the first entry", async (end) => {
    const vfs = new SimVfs({ seed: 1 });
    const first = await open(vfs);
    await first.lanes.lane("ann");
    if (end === "close") await first.close();
    const { lanes } = await open(after(end, vfs));
    expect(lanes.keys()).toEqual(["ann"]);
    expect(await lookAt(lanes, "ann")).toEqual(held(0, []));
    expect(await lanes.append("ann", "block 0")).toBe(0);
  });

  it("refuse a gap and a repetition, each lane for itself", async () => {
    const { lanes } = await open(new SimVfs({ seed: 1 }));
    await lanes.commit([
      { key: "ann", values: blocks(0, 2), firstIndex: 0 },
      { key: "bob", values: blocks(0, 0), firstIndex: 0 },
    ]);
    for (const index of [1, 2, 4]) {
      expect(await errorOf(lanes.append("ann", "x", index))).toMatchObject({ code: "HF_OUT_OF_SEQUENCE" });
    }
    expect(lanes.quarantined).toEqual([]);
    expect(await lookAt(lanes, "ann")).toEqual(held(0, blocks(0, 2)));
    expect(await lanes.append("bob", "block 1", 1)).toBe(1);
  });

  it("drop the old entries and keep the new ones, mixed, over restarts", async () => {
    let vfs = new SimVfs({ seed: 1 });
    let { lanes } = await open(vfs);
    for (const key of ["ann", "bob", "cat"]) await lanes.commit([{ key, values: blocks(0, 4) }]);
    await lanes.startAt("ann", 3);
    await lanes.startAt("bob", 5);
    for (let round = 0; round < 2; round++) {
      vfs = vfs.powerCut();
      ({ lanes } = await open(vfs));
      expect(await lookAt(lanes, "ann")).toEqual(held(3, blocks(3, 4 + round)));
      expect(await lookAt(lanes, "bob")).toEqual(held(5, blocks(5, 4 + round)));
      expect(await lookAt(lanes, "cat")).toEqual(held(0, blocks(0, 4 + round)));
      for (const key of ["ann", "bob", "cat"]) await lanes.append(key, `block ${5 + round}`, 5 + round);
    }
  });

  it("jump past all that they hold, and then refuse what is older", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const first = await open(vfs);
    await first.lanes.commit([{ key: "ann", values: blocks(0, 2) }]);
    await first.lanes.startAt("ann", 10);
    expect(await errorOf(first.lanes.append("ann", "block 0", 0))).toMatchObject({ code: "HF_OUT_OF_SEQUENCE" });
    await first.lanes.commit([{ key: "ann", values: blocks(10, 11), firstIndex: 10 }]);
    const { lanes } = await open(vfs.powerCut());
    expect(await lookAt(lanes, "ann")).toEqual(held(10, blocks(10, 11)));
  });

  it.each(ends)("that are empty move on and remember it over a %s", async (end) => {
    const vfs = new SimVfs({ seed: 1 });
    const first = await open(vfs);
    await first.lanes.startAt("ann", 10);
    await first.lanes.startAt("ann", 15);
    if (end === "close") await first.close();
    const { lanes } = await open(after(end, vfs));
    expect(await errorOf(lanes.append("ann", "block 10", 10))).toMatchObject({ code: "HF_OUT_OF_SEQUENCE" });
    expect(await lanes.append("ann", "block 15", 15)).toBe(15);
    // A lane that was never used starts where the options say.
    expect(await errorOf(lanes.append("bob", "block 15", 15))).toMatchObject({ code: "HF_OUT_OF_SEQUENCE" });
  });

  it("take entries for eight of them at once, twenty each", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const first = await open(vfs, { key: hexKeys });
    const keys = Array.from({ length: 8 }, (_, at) => at * 0x1010101);
    await Promise.all(
      keys.map(async (key) => {
        for (let index = 0; index < 20; index++) await first.lanes.append(key, `block ${index}`, index);
      }),
    );
    const { lanes } = await open(vfs.powerCut(), { key: hexKeys });
    expect(lanes.keys()).toEqual(keys);
    for (const key of keys) expect(await look(await lanes.lane(key))).toEqual(held(0, blocks(0, 19)));
  });

  it("commit to several, tell of each part once it is durable, and of those that failed", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const { lanes } = await open(vfs);
    const told: string[] = [];
    const onDurable = ({ key, nextIndex }: { key: string; nextIndex: number }): void =>
      void told.push(`${key} ${nextIndex}`);
    const ranges = await lanes.commit(
      [
        { key: "ann", values: blocks(0, 1) },
        { key: "bob", values: blocks(0, 0), firstIndex: 0 },
        { key: "cat", values: [] },
      ],
      { onDurable },
    );
    expect(ranges).toEqual([
      { key: "ann", firstIndex: 0, nextIndex: 2 },
      { key: "bob", firstIndex: 0, nextIndex: 1 },
      { key: "cat", firstIndex: 0, nextIndex: 0 },
    ]);
    expect(told.sort()).toEqual(["ann 2", "bob 1", "cat 0"]);
    const error = await errorOf(
      lanes.commit(
        [
          { key: "ann", values: ["x"], firstIndex: 0 },
          { key: "bob", values: blocks(1, 1), firstIndex: 1 },
        ],
        { onDurable },
      ),
    );
    expect(error).toBeInstanceOf(LanesFailedError);
    expect(error).toMatchObject({ code: "HF_LANES_FAILED", cause: { code: "HF_OUT_OF_SEQUENCE" } });
    expect((error as LanesFailedError).failures).toMatchObject([{ key: "ann", error: { code: "HF_OUT_OF_SEQUENCE" } }]);
    const again = await open(vfs.powerCut());
    expect(await lookAt(again.lanes, "bob")).toEqual(held(0, blocks(0, 1)));
    expect(await lookAt(again.lanes, "ann")).toEqual(held(0, blocks(0, 1)));
  });

  it("commit to several as one where that is asked for: all of it, or none", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const { lanes } = await open(vfs);
    const both = (first: number, second: number) => [
      { key: "ann", values: blocks(first, first), firstIndex: first },
      { key: "bob", values: blocks(second, second), firstIndex: second },
    ];
    const options = { atomic: true };
    if (kind === "a directory, a log each") {
      expect(await errorOf(lanes.commit(both(0, 0), options))).toMatchObject({ code: "HF_INVALID_ARGUMENT" });
      return;
    }
    expect(await lanes.commit(both(0, 0), options)).toEqual([
      { key: "ann", firstIndex: 0, nextIndex: 1 },
      { key: "bob", firstIndex: 0, nextIndex: 1 },
    ]);
    for (const wrong of [both(1, 2), [...both(1, 1), ...both(2, 2)]])
      expect(["HF_OUT_OF_SEQUENCE", "HF_INVALID_ARGUMENT"]).toContain(
        (await errorOf(lanes.commit(wrong, options))).code,
      );
    await Promise.all([lanes.commit(both(1, 1), options), lanes.commit(both(2, 2), options)]);
    const again = await open(vfs.powerCut());
    for (const key of ["ann", "bob"]) expect(await lookAt(again.lanes, key)).toEqual(held(0, blocks(0, 2)));
  });

  // What the listener threw was told of as a failure of the lane, and in an atomic commit nobody heard of the other parts.
  it.each([false, true])("are done and told of all the same where the listener throws (atomic: %s)", async (atomic) => {
    if (atomic && kind === "a directory, a log each") return;
    const vfs = new SimVfs({ seed: 1 });
    const { lanes } = await open(vfs);
    const told: string[] = [];
    const own = new Error("not now");
    const commit = lanes.commit(
      ["ann", "bob"].map((key) => ({ key, values: blocks(0, 0) })),
      {
        atomic,
        onDurable({ key }) {
          told.push(key);
          throw own;
        },
      },
    );
    await expect(commit).rejects.toBe(own);
    expect(told.sort()).toEqual(["ann", "bob"]);
    expect(lanes.quarantined).toEqual([]);
    const again = await open(vfs.powerCut());
    for (const key of told) expect(await lookAt(again.lanes, key)).toEqual(held(0, blocks(0, 0)));
  });

  it("have any text as their name: none of them is a path, or another one's", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const names = [
      "",
      ".",
      "..",
      "../x",
      "/",
      "a/b",
      "a\\b",
      "\0",
      "\n",
      " ",
      "a.",
      "%41",
      "A",
      "a",
      "con",
      "é",
      "e\u0301",
      "💥",
    ];
    names.push("\ufeffx", "lane-x", "chain", "anchor", "registry", "x".repeat(200));
    const first = await open(vfs);
    for (const name of names) await first.lanes.append(name, `of ${name}`);
    const { lanes } = await open(vfs.powerCut());
    expect(lanes.keys()).toEqual([...names].sort());
    for (const name of names) expect(await (await lanes.lane(name)).readAll()).toEqual([`of ${name}`]);
    expect([lanes.foreign, lanes.quarantined]).toEqual([[], []]);
  });

  // Two names of one key were two lanes with the same key, one of which nobody could reach.
  it("leave alone a name that its key does not have", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const first = await open(vfs);
    for (const name of ["000000AB", "000000ab"]) await first.lanes.append(name, `of ${name}`);
    await first.close();
    const key: KeyCodec<number> = { ...hexKeys, decode: (name) => Number.parseInt(name, 16) };
    const { lanes, close } = await open(vfs, { key });
    expect([lanes.keys(), lanes.foreign]).toEqual([[0xab], ["lane-000000AB"]]);
    expect(await (await lanes.lane(0xab)).readAll()).toEqual(["of 000000ab"]);
    await close();
    const again = await open(vfs);
    expect(await (await again.lanes.lane("000000AB")).readAll()).toEqual(["of 000000AB"]);
  });

  it("are a thousand, if there are so many", { timeout: 60_000 }, async () => {
    const vfs = new SimVfs({ seed: 1 });
    const first = await open(vfs);
    await first.lanes.commit(Array.from({ length: 1000 }, (_, at) => ({ key: `lane ${at}`, values: blocks(0, 0) })));
    const { lanes } = await open(vfs.powerCut());
    expect(lanes.keys().length).toBe(1000);
    await Promise.all(lanes.keys().map((key) => lanes.append(key, "block 1", 1)));
    expect(await lookAt(lanes, "lane 999")).toEqual(held(0, blocks(0, 1)));
  });

  it("write nothing where a value can't be encoded", async () => {
    const codec = {
      ...textCodec,
      encode(text: string) {
        if (text === "bad") throw new Error("no");
        return textCodec.encode(text);
      },
    };
    const { lanes } = await open(new SimVfs({ seed: 1 }), { codec });
    const mixed = lanes.commit([
      { key: "ann", values: ["good"] },
      { key: "bob", values: ["bad"] },
    ]);
    expect(await errorOf(mixed)).toMatchObject({ code: "HF_VALUE_UNENCODABLE" });
    expect(lanes.keys()).toEqual([]);
  });

  it("reject every call after close", async () => {
    const { lanes, close } = await open(new SimVfs({ seed: 1 }));
    const ann = await lanes.lane("ann");
    const before = lanes.append("ann", "block 0");
    const closing = close();
    // Asked for before: either done, or refused, but settled.
    await before.catch((error: unknown) => expect(error).toMatchObject({ code: "HF_CLOSED" }));
    await closing;
    await lanes.close();
    const calls = [
      lanes.lane("ann"),
      lanes.lane("new"),
      lanes.append("ann", "x"),
      lanes.commit([{ key: "ann", values: ["x"] }]),
      lanes.commit([]),
      lanes.startAt("ann", 5),
      lanes.readmit("ann"),
      ann.append("x"),
      ann.readAll(),
    ];
    for (const call of calls) expect(await errorOf(call)).toMatchObject({ code: "HF_CLOSED" });
  });

  it("have no second opener", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await open(vfs);
    expect(await errorOf(open(vfs.otherProcess()))).toMatchObject({ code: "HF_LOCKED" });
  });

  it("refuse options that are unknown or no good, and keys that are no names", async () => {
    const fresh = (): SimVfs => new SimVfs({ seed: 1 });
    expect(await errorOf(open(fresh(), { firstIndex: -1 }))).toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    expect(await errorOf(open(fresh(), { lanes: 3 } as object))).toMatchObject({ code: "HF_UNKNOWN_OPTION" });
    const { lanes } = await open(fresh());
    expect(await errorOf(lanes.lane("x".repeat(500)))).toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    expect(await errorOf(lanes.lane("\ud800"))).toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    expect(await errorOf(lanes.lane(5 as unknown as string))).toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    for (const wrong of [{ atomic: 1 }, { onDurable: "me" }] as object[])
      expect(await errorOf(lanes.commit([], wrong))).toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    expect(lanes.quarantined).toEqual([]);
  });
});
