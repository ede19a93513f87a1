/** Bugs that the crash suites found, each as the shortest story that shows it. */
import { describe, expect, it } from "vitest";
import { DoubleWriteBuffer, Log, LogReader } from "holdfast/log";
import { FaultPlan, SimVfs, keepNothing } from "holdfast/vfs";

describe("a double-write buffer", () => {
  it("returns only images that no power cut takes back, though the process before was killed while it wrote them", async () => {
    // Found as double-write/4, 1/2:kill-cut:19:9: the images came from the page cache; the in-place write that followed was unprotected.
    const first = new SimVfs({ seed: 1 });
    const buffer = await DoubleWriteBuffer.open(first, "/buffer");
    const image = (n: number): { target: Uint8Array; offset: number; image: Uint8Array } => ({
      target: new Uint8Array(8),
      offset: 0,
      image: new Uint8Array(512).fill(n),
    });
    await buffer.protect([image(1)]);
    void buffer.protect([image(2)]);
    const second = first.kill();
    const recovered = await (await DoubleWriteBuffer.open(second, "/buffer")).recover();
    expect(recovered.map(({ image }) => image[0])).toEqual([2]);
    const third = second.powerCut(keepNothing);
    const again = await (await DoubleWriteBuffer.open(third, "/buffer")).recover();
    expect(again.map(({ image }) => image[0])).toEqual([2]);
  });
});

describe("a reader in another process", () => {
  it("never says that a log ends before it begins", async () => {
    // Found as log-align/9, 11/8:cut:93:0: a prune in the middle of the last group, the power was cut, and the mark did not tell of it yet.
    const vfs = new SimVfs({ seed: 1 });
    const log = await Log.open("/log", { vfs, blockBytes: 512, segmentBytes: 4096 });
    await log.append(new Uint8Array(10));
    await log.appendAll([new Uint8Array(10), new Uint8Array(10)]);
    await log.truncateBefore(3);
    const after = vfs.powerCut(keepNothing);
    const reader = await LogReader.open("/log", { vfs: after });
    expect([reader.firstLsn, reader.lastLsn]).toEqual([3, 3]);
    await reader.close();
  });
});

describe("closing a log in a weaker durability mode", () => {
  it("fails when what was acknowledged could not be made durable, though nobody was told of a failure before", async () => {
    // Found as log faults "os", 1:fault:104:EIO: the mark's write failed while nobody waited for anything, and close resolved without a sync.
    const vfs = new SimVfs({ seed: 1 });
    const log = await Log.open("/log", { vfs, blockBytes: 512, segmentBytes: 4096, durability: "os" });
    vfs.faults = new FaultPlan([{ operation: "write", path: "mark", errno: "EIO" }]);
    await log.append(new Uint8Array(10));
    await expect(log.close()).rejects.toMatchObject({ code: "HF_POISONED" });
    expect(vfs.openHandles()).toEqual([]);
  });
});

describe("opening a log", () => {
  it("clears away a dropped segment whose header can't be read, and leaves alone what may be another's", async () => {
    // Found as log-rows/14, 1/1:cut-cut:35:19:1.0.1.0.0.2: the name of a spare's earlier life came back while its new header was torn.
    const vfs = new SimVfs({ seed: 1 });
    const options = { vfs, blockBytes: 512, segmentBytes: 2048, spareSegmentsMax: 0 } as const;
    const log = await Log.open("/log", options);
    for (let n = 0; n < 3; n++) await log.append(new Uint8Array(900));
    await log.truncateBefore(3);
    await log.close();
    for (const name of ["0000000000000001.seg", "0000000000000009.seg"]) {
      const file = await vfs.open(`/log/${name}`, { access: "read-write", create: "exclusive" });
      await file.write(new Uint8Array(600).fill(7), 0);
      await file.close();
    }
    await (await Log.open("/log", options)).close();
    expect((await vfs.list("/log")).filter((name) => name.endsWith(".seg")).sort()).toEqual([
      "0000000000000003.seg",
      "0000000000000009.seg",
    ]);
  });
});
