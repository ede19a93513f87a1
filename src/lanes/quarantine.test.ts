/** Lanes with a log each: what becomes of the others when one fails, and of what is no lane. */
import { describe, expect, it } from "vitest";
import { Log } from "../log/index.js";
import { dropFile, flipByte } from "../testing/index.js";
import { FaultPlan, SimVfs, type Vfs } from "../vfs/index.js";
import { quarantineChannel } from "./channels.js";
import { type KeyCodec, LaneSet, type LaneSetOptions, type LanesFailedError } from "./index.js";
import { GatedVfs, SMALL, errorOf, held, look, settle, textCodec } from "./lanes.contract.js";

const DIRECTORY = "/lanes";

async function open(vfs: Vfs, options: Partial<LaneSetOptions<string>> = {}): Promise<LaneSet<string, string>> {
  return await LaneSet.open(DIRECTORY, { codec: textCodec, layout: "log-per-lane", vfs, log: SMALL, ...options });
}

function pathIn(lane: string, vfs: SimVfs, pattern: RegExp): string {
  const path = vfs
    .snapshotTree()
    .find((entry) => entry.path.startsWith(`${DIRECTORY}/lane-${lane}/`) && pattern.test(entry.path));
  return path!.path;
}

async function filled(vfs: SimVfs): Promise<void> {
  const lanes = await open(vfs);
  for (const key of ["ann", "bob"]) for (let index = 0; index < 5; index++) await lanes.append(key, `block ${index}`);
  await lanes.close();
}

const FIVE = held(0, ["block 0", "block 1", "block 2", "block 3", "block 4"]);

describe("a lane that can't be opened", () => {
  const wounds: readonly (readonly [string, (vfs: SimVfs) => void])[] = [
    ["its anchor is gone", (vfs) => dropFile(vfs, `${DIRECTORY}/lane-ann/anchor`)],
    ["its first segment is gone", (vfs) => dropFile(vfs, pathIn("ann", vfs, /1\.seg$/))],
    ["its last segment is gone", (vfs) => dropFile(vfs, pathIn("ann", vfs, /2\.seg$/))],
    [
      "its anchor is damaged",
      (vfs) => {
        for (const offset of [20, 4116]) flipByte(vfs, `${DIRECTORY}/lane-ann/anchor`, offset, 255);
      },
    ],
  ];
  it.each(wounds)("is in quarantine with the cause, and others serve: %s", async (_name, wound) => {
    const vfs = new SimVfs({ seed: 1 });
    await filled(vfs);
    wound(vfs);
    const heard: unknown[] = [];
    const listener = (message: unknown): void => void heard.push(message);
    quarantineChannel.subscribe(listener);
    const lanes = await open(vfs);
    quarantineChannel.unsubscribe(listener);
    expect(lanes.quarantined).toMatchObject([{ key: "ann", name: "ann", cause: { code: "HF_CORRUPTION" } }]);
    expect(heard).toMatchObject([{ path: DIRECTORY, lane: "ann", cause: { code: "HF_CORRUPTION" } }]);
    expect(lanes.keys()).toEqual(["ann", "bob"]);
    expect(lanes.get("ann")).toBeUndefined();
    expect(await errorOf(lanes.append("ann", "x"))).toMatchObject({
      code: "HF_QUARANTINED",
      cause: { code: "HF_CORRUPTION" },
    });
    expect(await look(await lanes.lane("bob"))).toEqual(FIVE);
    await lanes.append("bob", "block 5", 5);
    expect(await errorOf(lanes.readmit("ann"))).toMatchObject({ code: "HF_CORRUPTION" });
    expect(lanes.quarantined).toMatchObject([{ key: "ann" }]);
    await lanes.close();
  });

  it("is an error by name where its whole folder is gone", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await filled(vfs);
    for (const { path } of vfs.snapshotTree()) if (path.startsWith(`${DIRECTORY}/lane-ann/`)) dropFile(vfs, path);
    const lanes = await open(vfs);
    expect(lanes.quarantined).toMatchObject([{ key: "ann", cause: { code: "HF_CORRUPTION" } }]);
    // Nothing was put in its place.
    expect(vfs.snapshotTree().filter(({ path }) => path.startsWith(`${DIRECTORY}/lane-ann/`))).toEqual([]);
  });

  it("comes back, and is taken in again, once it can be opened", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await filled(vfs);
    vfs.faults = new FaultPlan([{ operation: "open", path: "lane-ann", errno: "EMFILE", sticky: true }]);
    const lanes = await open(vfs);
    expect(lanes.quarantined).toMatchObject([{ key: "ann", cause: { code: "HF_IO" } }]);
    vfs.faults = undefined;
    const [one, other] = await Promise.all([lanes.readmit("ann"), lanes.readmit("ann")]);
    expect(one).toBe(other);
    expect(lanes.quarantined).toEqual([]);
    expect(await look(await lanes.lane("ann"))).toEqual(FIVE);
    await lanes.close();
  });
});

describe("a directory of lanes", () => {
  // A record of another kind was passed over, and with it whatever a newer build has to say about the lanes.
  it("whose registry says what this build does not know, is not opened", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await filled(vfs);
    const registry = await Log.open(`${DIRECTORY}/registry`, { ...SMALL, vfs });
    await registry.append(new Uint8Array([1]), 2);
    await registry.close();
    expect(await errorOf(open(vfs))).toMatchObject({ code: "HF_FORMAT_UNKNOWN" });
    expect(vfs.openHandles()).toEqual([]);
  });

  it("with a lane whose acknowledged tail is damaged tells so, and never answers shorter", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await filled(vfs);
    const path = pathIn("ann", vfs, /2\.seg$/);
    const { contents } = vfs.snapshotTree().find((entry) => entry.path === path)!;
    const last = new TextDecoder("latin1").decode(contents).lastIndexOf("block 4");
    flipByte(vfs, path, last, 0xff);
    const lanes = await open(vfs);
    const read = lanes.lane("ann").then((ann) => ann.readAll());
    expect(["HF_QUARANTINED", "HF_CORRUPTION"]).toContain((await errorOf(read)).code);
    expect(await look(await lanes.lane("bob"))).toEqual(FIVE);
  });
});

describe("a lane whose disk fails", () => {
  it("is in quarantine with the first cause, others go on, and opening it again is its recovery", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await filled(vfs);
    const lanes = await open(vfs);
    vfs.faults = new FaultPlan([{ operation: "write", path: /lane-ann\/.*seg/, errno: "EIO" }]);
    const error = await errorOf(
      lanes.commit([
        { key: "ann", values: ["block 5"], firstIndex: 5 },
        { key: "bob", values: ["block 5"], firstIndex: 5 },
      ]),
    );
    expect((error as LanesFailedError).failures).toMatchObject([
      { key: "ann", error: { code: "HF_POISONED", cause: { code: "HF_IO" } } },
    ]);
    expect(lanes.quarantined).toMatchObject([{ key: "ann", cause: { code: "HF_IO" } }]);
    expect(await errorOf(lanes.append("ann", "x"))).toMatchObject({ code: "HF_QUARANTINED", cause: { code: "HF_IO" } });
    expect((await lanes.lane("bob")).nextIndex).toBe(6);
    const ann = await lanes.readmit("ann");
    // The failed write may be there or not; nothing acknowledged is missing.
    expect([5, 6]).toContain(ann.nextIndex);
    await ann.append("more");
    await lanes.close();
  });

  it("does not keep the others from being closed, and close says what failed", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await filled(vfs);
    const lanes = await open(vfs);
    vfs.faults = new FaultPlan([{ operation: "write", path: /lane-ann\/anchor/, errno: "EIO", sticky: true }]);
    await errorOf(lanes.close());
    expect(vfs.openHandles()).toEqual([]);
    vfs.faults = undefined;
    const again = await open(vfs);
    expect(again.quarantined).toEqual([]);
    expect(await look(await again.lane("ann"))).toEqual(FIVE);
    expect(await look(await again.lane("bob"))).toEqual(FIVE);
  });
});

describe("a slow lane", () => {
  it("holds up no other: the fast one is acknowledged, and goes on, while it waits", async () => {
    const gated = new GatedVfs(new SimVfs({ seed: 1 }), "lane-slow");
    const lanes = await open(gated.vfs);
    await lanes.commit([
      { key: "slow", values: ["block 0"] },
      { key: "fast", values: ["block 0"] },
    ]);
    gated.shut();
    const told: string[] = [];
    const cycle = lanes.commit(
      [
        { key: "slow", values: ["block 1"] },
        { key: "fast", values: ["block 1"] },
      ],
      { onDurable: ({ key }) => void told.push(key) },
    );
    await settle();
    expect(told).toEqual(["fast"]);
    for (let index = 2; index < 10; index++) await lanes.append("fast", `block ${index}`, index);
    const next = lanes.append("slow", "block 2");
    gated.open();
    await cycle;
    expect(await next).toBe(2);
    expect(told).toEqual(["fast", "slow"]);
    await lanes.close();
  });
});

describe("what is among the lanes and is none", () => {
  const evenKeys: KeyCodec<string> = { encode: (key) => key, decode: (name) => (name.length === 4 ? name : undefined) };

  it("is reported, and left alone", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const first = await LaneSet.open(DIRECTORY, {
      codec: textCodec,
      layout: "log-per-lane",
      vfs,
      log: SMALL,
      key: evenKeys,
    });
    await first.append("anna", "block 0");
    await first.close();
    const put = async (path: string): Promise<void> => {
      const file = await vfs.open(`${DIRECTORY}/${path}`, { access: "read-write", create: "if-missing" });
      await file.write(new Uint8Array([1, 2, 3]), 0);
      await file.close();
    };
    await put("notes.txt");
    await put("lane-file");
    for (const folder of ["lost+found", "lane-Upper", "lane-%61nna", "lane-abcd", "lane-toolong", "other"]) {
      await vfs.makeDirectory(`${DIRECTORY}/${folder}`);
      await put(`${folder}/something`);
    }
    const before = vfs.snapshotTree().filter(({ path }) => /notes|lane-file|something/.test(path));
    const lanes = await LaneSet.open(DIRECTORY, {
      codec: textCodec,
      layout: "log-per-lane",
      vfs,
      log: SMALL,
      key: evenKeys,
    });
    expect(lanes.foreign).toEqual([
      "lane-%61nna",
      "lane-Upper",
      "lane-abcd",
      "lane-file",
      "lane-toolong",
      "lost+found",
      "notes.txt",
      "other",
    ]);
    expect([lanes.keys(), lanes.quarantined]).toEqual([["anna"], []]);
    // Asked for by name, it is still not overwritten.
    expect(await errorOf(lanes.lane("abcd"))).toMatchObject({ code: "HF_FORMAT_UNKNOWN" });
    await lanes.append("anna", "block 1");
    await lanes.close();
    expect(vfs.snapshotTree().filter(({ path }) => /notes|lane-file|something/.test(path))).toEqual(before);
  });

  it("is no lane that a crash left half made", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await (await open(vfs)).close();
    await vfs.makeDirectory(`${DIRECTORY}/lane-ann`);
    const lanes = await open(vfs);
    expect([lanes.keys(), lanes.foreign, lanes.quarantined]).toEqual([[], [], []]);
    expect(await lanes.append("ann", "block 0")).toBe(0);
    await lanes.close();
  });
});
