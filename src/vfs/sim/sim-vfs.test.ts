import { describe, expect, it } from "vitest";
import { equalBytes, IoError, LockedError, SeededRandom } from "../../base/index.js";
import { keepEverything, keepNothing, keepSome } from "./chooser.js";
import { FaultPlan } from "./fault-plan.js";
import type { SimDiskOptions } from "./sim-disk.js";
import { SimVfs } from "./sim-vfs.js";

const bytes = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);
const rw = { access: "read-write", create: "if-missing" } as const;

async function contents(vfs: SimVfs, path: string): Promise<Uint8Array | undefined> {
  if ((await vfs.stat(path)) === undefined) return undefined;
  const file = await vfs.open(path, { access: "read" });
  const out = new Uint8Array(await file.size());
  await file.read(out, 0);
  await file.close();
  return out;
}

/** Every outcome of `look` after a power cut, found by answering the questions in all ways. */
async function outcomes(
  prepare: (vfs: SimVfs) => Promise<void>,
  look: (vfs: SimVfs) => Promise<string>,
  options: SimDiskOptions = {},
  tornMax = 0,
): Promise<string[]> {
  const live = new SimVfs(options);
  await prepare(live);
  const image = live.disk.snapshot().powerCut();
  const { SimDisk } = await import("./sim-disk.js");
  const found = new Set<string>();
  let answers: number[] = [];
  for (;;) {
    const asked: number[] = [];
    let at = 0;
    const chooser = {
      tornMax,
      choose: (question: { options: number }): number => {
        asked.push(question.options);
        return answers[at++] ?? 0;
      },
    };
    found.add(await look(new SimVfs({ disk: SimDisk.afterPowerCut(image, chooser) })));
    answers = asked.map((_, index) => answers[index] ?? 0);
    while (answers.length > 0 && (answers.at(-1) as number) + 1 >= (asked[answers.length - 1] as number)) answers.pop();
    if (answers.length === 0) return [...found].sort();
    answers[answers.length - 1] = (answers.at(-1) as number) + 1;
  }
}

async function synced(vfs: SimVfs, path: string, content: Uint8Array): Promise<void> {
  const file = await vfs.open(path, rw);
  await file.write(content, 0);
  await file.syncData();
  await vfs.syncDirectory("/");
  await file.close();
}

const shown = async (vfs: SimVfs, path: string): Promise<string> => {
  const found = await contents(vfs, path);
  if (found === undefined) return "none";
  return `${found.byteLength}:${Array.from({ length: Math.ceil(found.byteLength / 512) }, (_, at) => found[at * 512]).join("")}`;
};

describe("SimVfs after a power cut", () => {
  it("asks about a sector only where its contents differ, and keeps the last one where everything is kept", async () => {
    for (const [values, options] of [
      [[1], []],
      [[1, 1], []],
      [[2, 2], [2]],
      [[2, 1], [3]],
      [[2, 3, 2], [4]],
    ] as const) {
      const vfs = new SimVfs();
      await synced(vfs, "/a", bytes(512, 1));
      const file = await vfs.open("/a", rw);
      for (const value of values) await file.write(bytes(512, value), 0);
      const asked: number[] = [];
      const counting = {
        tornMax: 0,
        choose: (question: { readonly options: number }): number => {
          asked.push(question.options);
          return 0;
        },
      };
      expect(await shown(vfs.powerCut(counting), "/a")).toBe("512:1");
      expect(asked).toEqual(options);
      expect(await shown(vfs.powerCut(keepEverything), "/a")).toBe(`512:${values.at(-1)}`);
    }
  });

  it("keeps what was synced, and nothing else must be there", async () => {
    const vfs = new SimVfs();
    await synced(vfs, "/a", bytes(1000, 1));
    const file = await vfs.open("/a", rw);
    await file.write(bytes(1000, 2), 0);
    expect(await contents(vfs.powerCut(keepNothing), "/a")).toEqual(bytes(1000, 1));
  });

  it("may keep everything", async () => {
    const vfs = new SimVfs();
    const file = await vfs.open("/a", rw);
    await file.write(bytes(1000, 2), 0);
    expect(await contents(vfs.powerCut(keepEverything), "/a")).toEqual(bytes(1000, 2));
  });

  it("leaves each sector after some prefix of its writes", async () => {
    const seen = await outcomes(
      async (vfs) => {
        await synced(vfs, "/a", bytes(1024, 1));
        const file = await vfs.open("/a", rw);
        await file.write(bytes(1024, 2), 0);
        await file.write(bytes(512, 3), 0);
      },
      (vfs) => shown(vfs, "/a"),
    );
    expect(seen).toEqual(["1024:11", "1024:12", "1024:21", "1024:22", "1024:31", "1024:32"]);
  });

  it("leaves the size independent of the data", async () => {
    const seen = await outcomes(
      async (vfs) => {
        await synced(vfs, "/a", bytes(512, 1));
        const file = await vfs.open("/a", rw);
        await file.write(bytes(512, 2), 512);
      },
      (vfs) => shown(vfs, "/a"),
    );
    expect(seen).toEqual(["1024:10", "1024:12", "512:1"]);
  });

  it("loses the name of a synced file whose directory was not synced", async () => {
    const seen = await outcomes(
      async (vfs) => {
        const file = await vfs.open("/a", rw);
        await file.write(bytes(1, 1), 0);
        await file.syncData();
      },
      (vfs) => shown(vfs, "/a"),
    );
    expect(seen).toEqual(["1:1", "none"]);
  });

  it("leaves old name, new name or both after a rename, never neither", async () => {
    const seen = await outcomes(
      async (vfs) => {
        await synced(vfs, "/old", bytes(1, 1));
        await vfs.rename("/old", "/new");
      },
      async (vfs) => `${await shown(vfs, "/new")} ${await shown(vfs, "/old")}`,
    );
    expect(seen).toEqual(["1:1 1:1", "1:1 none", "none 1:1"]);
  });

  it("replaces the target of a rename atomically", async () => {
    const seen = await outcomes(
      async (vfs) => {
        await synced(vfs, "/a", bytes(1, 1));
        await synced(vfs, "/b", bytes(1, 2));
        await vfs.rename("/b", "/a");
        await vfs.syncDirectory("/");
      },
      async (vfs) => `${await shown(vfs, "/a")} ${await shown(vfs, "/b")}`,
    );
    expect(seen).toEqual(["1:2 none"]);
  });

  it("loses a directory that was made and not synced, with all that is in it", async () => {
    const seen = await outcomes(
      async (vfs) => {
        await vfs.makeDirectory("/d");
        const file = await vfs.open("/d/a", rw);
        await file.write(bytes(1, 1), 0);
        await file.syncData();
        await vfs.syncDirectory("/d");
      },
      (vfs) => shown(vfs, "/d/a"),
    );
    expect(seen).toEqual(["1:1", "none"]);
  });

  it("leaves a removed directory or not until its parent is synced, and what comes back in it is open as well", async () => {
    const remove = async (vfs: SimVfs): Promise<void> => {
      await vfs.makeDirectory("/d");
      await synced(vfs, "/d/a", bytes(1, 1));
      await vfs.syncDirectory("/d");
      await vfs.remove("/d/a");
      await vfs.removeDirectory("/d");
    };
    const look = async (vfs: SimVfs): Promise<string> =>
      (await vfs.stat("/d")) === undefined ? "gone" : await shown(vfs, "/d/a");
    expect(await outcomes(remove, look)).toEqual(["1:1", "gone", "none"]);
    const removeAndSync = async (vfs: SimVfs): Promise<void> => {
      await remove(vfs);
      await vfs.syncDirectory("/");
    };
    expect(await outcomes(removeAndSync, look)).toEqual(["gone"]);
  });

  it("makes a durable write durable when it ends, with the size to read it", async () => {
    const seen = await outcomes(
      async (vfs) => {
        await synced(vfs, "/a", bytes(512, 1));
        const file = await vfs.open("/a", { access: "read-write", durableWrites: true });
        await file.write(bytes(512, 2), 512);
      },
      (vfs) => shown(vfs, "/a"),
    );
    expect(seen).toEqual(["1024:12"]);
  });

  it("tears at most one sector, inside the bytes written", async () => {
    const seen = await outcomes(
      async (vfs) => {
        await synced(vfs, "/a", bytes(512, 1));
        const file = await vfs.open("/a", rw);
        await file.write(bytes(100, 2), 200);
      },
      async (vfs) => {
        const found = (await contents(vfs, "/a")) as Uint8Array;
        expect(found.subarray(0, 200)).toEqual(bytes(200, 1));
        expect(found.subarray(300)).toEqual(bytes(212, 1));
        return [...found.subarray(200, 300)].join("");
      },
      {},
      1,
    );
    // Old, new, cuts after 1, 8, 50 and 99 bytes, and garbage.
    expect(seen).toHaveLength(7);
  });

  it("shows old bytes of a removed file in the stale profile only", async () => {
    const prepare = async (vfs: SimVfs): Promise<void> => {
      await synced(vfs, "/gone", bytes(512, 9));
      await vfs.remove("/gone");
      await vfs.syncDirectory("/");
      await synced(vfs, "/a", new Uint8Array(0));
      const file = await vfs.open("/a", rw);
      await file.write(bytes(512, 2), 0);
    };
    expect(await outcomes(prepare, (vfs) => shown(vfs, "/a"))).toEqual(["0:", "512:0", "512:2"]);
    expect(await outcomes(prepare, (vfs) => shown(vfs, "/a"), { stale: true })).toEqual([
      "0:",
      "512:0",
      "512:2",
      "512:9",
    ]);
  });

  it("keeps a prefix of everything in the prefix profile", async () => {
    const prepare = async (vfs: SimVfs): Promise<void> => {
      await synced(vfs, "/a", bytes(1024, 1));
      const file = await vfs.open("/a", rw);
      await file.write(bytes(512, 2), 0);
      await file.write(bytes(512, 3), 512);
    };
    expect(await outcomes(prepare, (vfs) => shown(vfs, "/a"), { profile: "prefix" })).toEqual([
      "1024:11",
      "1024:21",
      "1024:23",
    ]);
    expect(await outcomes(prepare, (vfs) => shown(vfs, "/a"), { profile: "ordered" })).toEqual([
      "1024:11",
      "1024:13",
      "1024:21",
      "1024:23",
    ]);
  });

  it("has data before size in the ordered profile", async () => {
    const prepare = async (vfs: SimVfs): Promise<void> => {
      await synced(vfs, "/a", bytes(512, 1));
      const file = await vfs.open("/a", rw);
      await file.write(bytes(512, 2), 512);
    };
    expect(await outcomes(prepare, (vfs) => shown(vfs, "/a"), { profile: "ordered" })).toEqual(["1024:12", "512:1"]);
  });

  it("keeps undecided what nobody read, through a second cut", async () => {
    const live = new SimVfs();
    await synced(live, "/a", bytes(512, 1));
    await (await live.open("/a", rw)).write(bytes(512, 2), 0);
    const second = live.powerCut(keepEverything).powerCut(keepNothing);
    expect(await shown(second, "/a")).toBe("512:1");
    const looked = new SimVfs();
    await synced(looked, "/a", bytes(512, 1));
    await (await looked.open("/a", rw)).write(bytes(512, 2), 0);
    const recovering = looked.powerCut(keepEverything);
    expect(await shown(recovering, "/a")).toBe("512:2");
    expect(await shown(recovering.powerCut(keepNothing), "/a")).toBe("512:2");
  });
});

describe("SimVfs after a kill", () => {
  it("keeps the page cache, which a later power cut takes", async () => {
    const vfs = new SimVfs();
    await synced(vfs, "/a", bytes(512, 1));
    await (await vfs.open("/a", rw)).write(bytes(512, 2), 0);
    const next = vfs.kill();
    expect(await shown(next, "/a")).toBe("512:2");
    expect(await shown(next.powerCut(keepNothing), "/a")).toBe("512:1");
  });

  it("keeps a first part of a write in flight", async () => {
    const killed = async (sectors: number): Promise<SimVfs> => {
      const vfs = new SimVfs();
      await synced(vfs, "/a", bytes(1024, 1));
      const file = await vfs.open("/a", rw);
      void file.write(bytes(1536, 2), 0);
      return vfs.kill({ tornMax: 0, choose: () => sectors });
    };
    for (const [sectors, expected] of [
      [0, "1024:11"],
      [1, "1024:21"],
      [2, "1024:22"],
      [3, "1536:222"],
    ] as const) {
      expect(await shown(await killed(sectors), "/a")).toBe(expected);
    }
  });

  it("frees the locks of the dead and refuses a second opener until then", async () => {
    const vfs = new SimVfs();
    await vfs.lock("/lock");
    await expect(vfs.lock("/lock")).rejects.toBeInstanceOf(LockedError);
    await expect(vfs.otherProcess().lock("/lock")).rejects.toMatchObject({
      code: "HF_LOCKED",
      details: { pid: vfs.pid },
    });
    const next = vfs.kill();
    await next.lock("/lock");
  });

  it("leaves a dead process's operations unsettled", async () => {
    const vfs = new SimVfs();
    const file = await vfs.open("/a", rw);
    let settled = false;
    void file.write(bytes(1, 1), 0).then(() => (settled = true));
    vfs.kill();
    void file.close().then(() => (settled = true));
    void vfs.delay(1).then(() => (settled = true));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(settled).toBe(false);
  });
});

describe("SimVfs with faults", () => {
  it("fails the N-th matching operation with its errno", async () => {
    const vfs = new SimVfs({
      faults: new FaultPlan([{ operation: "write", path: "a", at: 2, errno: "ENOSPC", writtenBytes: 1 }]),
    });
    const file = await vfs.open("/a", rw);
    await file.write(bytes(2, 1), 0);
    await expect(file.write(bytes(2, 2), 2)).rejects.toMatchObject({ code: "HF_IO", errno: "ENOSPC" });
    expect(await contents(vfs, "/a")).toEqual(new Uint8Array([1, 1, 2]));
    await file.write(bytes(1, 3), 0);
  });

  it("marks pages clean after a failed sync: a second sync succeeds and the bytes are gone after a cut", async () => {
    const vfs = new SimVfs();
    await synced(vfs, "/a", bytes(512, 1));
    vfs.faults = new FaultPlan([{ operation: "sync-data", errno: "EIO" }]);
    const file = await vfs.open("/a", rw);
    await file.write(bytes(512, 2), 0);
    await expect(file.syncData()).rejects.toBeInstanceOf(IoError);
    await file.syncData();
    expect(await shown(vfs, "/a")).toBe("512:2");
    expect(await shown(vfs.powerCut(keepEverything), "/a")).toBe("512:1");
  });

  it("makes bytes durable that were written again after a failed sync", async () => {
    const vfs = new SimVfs();
    await synced(vfs, "/a", bytes(512, 1));
    vfs.faults = new FaultPlan([{ operation: "sync-data", errno: "EIO" }]);
    const file = await vfs.open("/a", rw);
    await file.write(bytes(512, 2), 0);
    await expect(file.syncData()).rejects.toBeInstanceOf(IoError);
    await file.write(bytes(512, 2), 0);
    await file.syncData();
    expect(await shown(vfs.powerCut(keepNothing), "/a")).toBe("512:2");
  });

  it("reverts pages after a failed sync where the file system does", async () => {
    const vfs = new SimVfs();
    await synced(vfs, "/a", bytes(512, 1));
    vfs.faults = new FaultPlan([
      { operation: "sync-data", errno: "EIO", sync: { pages: "reverted", reached: "none" } },
    ]);
    const file = await vfs.open("/a", rw);
    await file.write(bytes(512, 2), 0);
    await expect(file.syncData()).rejects.toBeInstanceOf(IoError);
    expect(await shown(vfs, "/a")).toBe("512:1");
  });

  it("lies when told to: the sync succeeds, the bytes are not durable", async () => {
    const vfs = new SimVfs({ faults: new FaultPlan([{ operation: "sync-data", sticky: true }]) });
    const file = await vfs.open("/a", rw);
    await vfs.syncDirectory("/");
    await file.write(bytes(512, 2), 0);
    await file.syncData();
    expect(await shown(vfs.powerCut(keepNothing), "/a")).toBe("0:");
  });

  it("fails the removal of a directory, which is an operation of its own", async () => {
    const vfs = new SimVfs();
    await vfs.makeDirectory("/d");
    const seen: string[] = [];
    vfs.disk.recorder = { record: (phase, { operation, path }) => void seen.push(`${phase} ${operation} ${path}`) };
    vfs.faults = new FaultPlan([{ operation: "remove-directory", errno: "EIO" }]);
    await expect(vfs.removeDirectory("/d")).rejects.toMatchObject({ errno: "EIO" });
    expect(seen).toEqual([]);
    await vfs.removeDirectory("/d");
    expect(seen).toEqual(["begin remove-directory /d", "end remove-directory /d"]);
  });

  it("heals a full disk when a file is removed", async () => {
    const vfs = new SimVfs();
    await synced(vfs, "/b", bytes(1, 1));
    vfs.faults = new FaultPlan([{ operation: "write", errno: "ENOSPC", sticky: true, healsOnRemove: true }]);
    const file = await vfs.open("/a", rw);
    await expect(file.write(bytes(1, 1), 0)).rejects.toMatchObject({ errno: "ENOSPC" });
    await vfs.remove("/b");
    await file.write(bytes(1, 1), 0);
  });
});

describe("SimVfs", () => {
  it("repeats a run exactly from its seed", async () => {
    const run = async (seed: number): Promise<string> => {
      const vfs = new SimVfs({ seed });
      const order: number[] = [];
      const file = await vfs.open("/a", rw);
      await Promise.all(Array.from({ length: 8 }, (_, at) => file.write(bytes(1, at), at).then(() => order.push(at))));
      return order.join("");
    };
    expect(await run(7)).toBe(await run(7));
    expect(new Set(await Promise.all([1, 2, 3, 4].map(run))).size).toBeGreaterThan(1);
  });

  it("moves the clock only when nothing else runs", async () => {
    const vfs = new SimVfs();
    const late = vfs.delay(50).then(() => vfs.nowMs());
    const file = await vfs.open("/a", rw);
    for (let at = 0; at < 20; at++) await file.write(bytes(1, 1), at);
    expect(vfs.nowMs()).toBe(0);
    expect(await late).toBe(50);
  });

  it("reads what a random history of writes and truncations left, before and after a cut that keeps all", async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = new SeededRandom(seed);
      const vfs = new SimVfs({ seed });
      const file = await vfs.open("/a", rw);
      let model = new Uint8Array(0);
      for (let step = 0; step < 30; step++) {
        const kind = random.below(4);
        const offset = random.below(3000);
        if (kind === 0) {
          await file.truncate(offset);
          const next = new Uint8Array(offset);
          next.set(model.subarray(0, offset));
          model = next;
        } else if (kind === 1) await file.syncData();
        else {
          const data = random.bytes(1 + random.below(1500));
          await file.write(data, offset);
          const next = new Uint8Array(Math.max(model.byteLength, offset + data.byteLength));
          next.set(model);
          next.set(data, offset);
          model = next;
        }
        const found = new Uint8Array(4600);
        const from = random.below(2000);
        const read = await file.read(found, from);
        expect(equalBytes(found.subarray(0, read), model.subarray(from))).toBe(true);
      }
      expect(await contents(vfs.powerCut(keepEverything), "/a")).toEqual(model);
    }
  });

  it("answers questions of a seeded chooser legally", async () => {
    const vfs = new SimVfs();
    await synced(vfs, "/a", bytes(4096, 1));
    const file = await vfs.open("/a", rw);
    await file.write(bytes(4096, 2), 0);
    const found = (await contents(vfs.powerCut(keepSome(new SeededRandom(1), 0)), "/a")) as Uint8Array;
    expect(new Set(found)).toEqual(new Set([1, 2]));
  });
});
