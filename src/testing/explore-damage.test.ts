import { describe, expect, it } from "vitest";
import { HoldfastError } from "../base/index.js";
import { SimVfs } from "../vfs/index.js";
import { dropFile, duplicateFile, flipByte, swapSectors, truncateFile, zeroSector } from "./damage.js";
import { exploreDamage, replayDamage } from "./explore-damage.js";
import type { ExploreDamageOptions } from "./explore-damage.js";
import type { ToyEvent } from "./toy-log.contract.js";
import { ToyLog, toyPayload } from "./toy-log.contract.js";

const scenario = (mutant?: "no-checksum"): ExploreDamageOptions<readonly Uint8Array[], ToyEvent> => ({
  name: "toy log",
  async build({ vfs }) {
    const log = await ToyLog.open(vfs, mutant);
    await log.append([0, 1, 2, 3].map(toyPayload));
    await log.close();
  },
  recover: async ({ vfs }) => (await ToyLog.open(vfs, mutant)).records,
  check(outcome) {
    // The toy can't tell a torn tail from damage, so a shorter log is all it promises.
    if (outcome.kind === "rejected") throw outcome.error;
    outcome.state.forEach((record, at) => {
      if (Buffer.compare(record, toyPayload(at)) !== 0) throw new Error(`record ${at} is not what was written`);
    });
  },
});

describe("exploreDamage", () => {
  it("tries every byte, sector, pair and file, and finds nothing where checksums cover everything", async () => {
    const report = await exploreDamage(scenario());
    expect(report.tried).toBe(report.total);
    expect(report.kinds["flip"]).toBe((4 * 12 + 5 + 700 + 100) * 3);
    expect(report.kinds["drop"]).toBe(1);
    expect(report.kinds["swap"]).toBe(1);
  });

  it("finds a log without checksums, and repeats what it found", async () => {
    const error = await exploreDamage(scenario("no-checksum")).catch((found: unknown) => found);
    expect(error).toMatchObject({ code: "HF_CRASH_FOUND", finding: { problem: "check" } });
    const { id } = (error as { finding: { id: string } }).finding;
    await expect(replayDamage(scenario("no-checksum"), id)).rejects.toMatchObject({ finding: { id } });
    await replayDamage(scenario(), id);
  });

  it("tries a sample when told to stop early", async () => {
    const report = await exploreDamage({ ...scenario(), statesMax: 50 });
    expect(report.tried).toBe(50);
  });
});

describe("damage operations", () => {
  const made = async (): Promise<SimVfs> => {
    const vfs = new SimVfs();
    for (const [path, value] of [
      ["/a", 1],
      ["/b", 2],
    ] as const) {
      const file = await vfs.open(path, { access: "read-write", create: "if-missing" });
      await file.write(new Uint8Array(1024).fill(value), 0);
    }
    return vfs;
  };
  const bytesOf = (vfs: SimVfs, path: string): number[] => [
    ...(vfs.snapshotTree().find((entry) => entry.path === path)?.contents ?? []),
  ];

  it("change what they say, durably", async () => {
    const vfs = await made();
    await vfs.syncDirectory("/");
    flipByte(vfs, "/a", 3, 0x80);
    expect(bytesOf(vfs, "/a").slice(0, 5)).toEqual([1, 1, 1, 0x81, 1]);
    zeroSector(vfs, "/a", 1);
    expect(
      bytesOf(vfs, "/a")
        .slice(512)
        .every((byte) => byte === 0),
    ).toBe(true);
    swapSectors(vfs, { path: "/a", sector: 1 }, { path: "/b", sector: 0 });
    expect(bytesOf(vfs, "/a")[600]).toBe(2);
    expect(bytesOf(vfs, "/b")[0]).toBe(0);
    duplicateFile(vfs, "/b", "/a");
    expect(bytesOf(vfs, "/a")).toEqual(bytesOf(vfs, "/b"));
    truncateFile(vfs, "/a", 7);
    expect(bytesOf(vfs.powerCut(), "/a")).toHaveLength(7);
  });

  it("remove a file for good", async () => {
    const vfs = await made();
    await vfs.syncDirectory("/");
    dropFile(vfs, "/a");
    expect(await vfs.powerCut().stat("/a")).toBeUndefined();
    const other = await made();
    expect(() => dropFile(other, "/none")).toThrow(HoldfastError);
  });
});
