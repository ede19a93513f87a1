import { type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdtemp, readFile, readdir, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { describeVfsConformance } from "../conformance.contract.js";
import { NodeVfs, nodeVfs } from "./index.js";

/** `HOLDFAST_CONFORMANCE_DIRS` names directories on other file systems, separated by colons, to run on as well. */
const DIRECTORIES = [
  tmpdir(),
  ...(process.env["HOLDFAST_CONFORMANCE_DIRS"] ?? "").split(":").filter((name) => name !== ""),
];

for (const parent of DIRECTORIES) {
  for (const durableWriteMethod of ["flag", "sync-after-write"] as const) {
    if (durableWriteMethod === "flag" && nodeVfs instanceof NodeVfs && nodeVfs.durableWriteMethod !== "flag") continue;
    describeVfsConformance(`NodeVfs in ${parent}, durable writes by ${durableWriteMethod}`, async () => {
      const root = await mkdtemp(join(parent, "holdfast-vfs-"));
      return {
        vfs: new NodeVfs({ durableWriteMethod }),
        root,
        cleanup: () => rm(root, { recursive: true, force: true }),
      };
    });
  }
}

describe("NodeVfs", () => {
  let root: string;
  let script: string;
  const children: ChildProcessByStdio<Writable, Readable, null>[] = [];

  beforeAll(async () => {
    // Inside the package, so that the child finds its dependencies.
    const cache = fileURLToPath(new URL("../../../node_modules/.cache/", import.meta.url));
    script = join(cache, `holdfast-vfs-child-${process.pid}.mjs`);
    await build({
      entryPoints: [fileURLToPath(new URL("./vfs-child.contract.ts", import.meta.url))],
      outfile: script,
      bundle: true,
      format: "esm",
      platform: "node",
      packages: "external",
      logLevel: "silent",
    });
  });
  afterAll(() => rm(script, { force: true }));
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "holdfast-vfs-"));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    }
    await rm(root, { recursive: true, force: true });
  });

  /** Starts the child and resolves to its first line of output. */
  async function start(
    command: string,
    ...parameters: string[]
  ): Promise<{ child: ChildProcessByStdio<Writable, Readable, null>; line: string }> {
    const child = spawn(command, parameters, { stdio: ["pipe", "pipe", "inherit"] });
    children.push(child);
    let text = "";
    for await (const chunk of child.stdout) {
      text += String(chunk);
      if (text.includes("\n")) break;
    }
    return { child, line: text.trim() };
  }

  it("refuses a lock that another process holds, with its pid, until SIGKILL frees it", async () => {
    const path = join(root, "lock");
    const { child, line } = await start(process.execPath, script, "lock", path);
    expect(line).toBe("locked");
    await expect(nodeVfs.lock(path)).rejects.toMatchObject({ code: "HF_LOCKED", details: { path, pid: child.pid } });
    child.kill("SIGKILL");
    await once(child, "exit");
    const lock = await nodeVfs.lock(path);
    expect(await readFile(path, "utf8")).toMatch(new RegExp(`^${process.pid} *\n$`));
    await lock.release();
    expect(await readFile(path, "utf8")).toMatch(/^ *\n$/);
  });

  it("frees a lock though a child that is being started still has a copy of its descriptor: closing alone did not", async () => {
    const path = join(root, "lock");
    const lock = await nodeVfs.lock(path);
    const descriptors = await Promise.all(
      (await readdir("/proc/self/fd")).map(async (fd) => ({
        fd: Number(fd),
        to: await readlink(`/proc/self/fd/${fd}`).catch(() => undefined),
      })),
    );
    const fd = descriptors.find(({ to }) => to === path)?.fd ?? -1;
    expect(fd).toBeGreaterThan(2);
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], {
      stdio: ["ignore", "ignore", "ignore", fd],
    });
    try {
      await once(child, "spawn");
      await expect(nodeVfs.lock(path)).rejects.toMatchObject({ code: "HF_LOCKED" });
      await lock.release();
      await (await nodeVfs.lock(path)).release();
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("refuses a lock whose owner is stopped", async () => {
    const path = join(root, "lock");
    const { child, line } = await start(process.execPath, script, "lock", path);
    expect(line).toBe("locked");
    child.kill("SIGSTOP");
    await expect(nodeVfs.lock(path)).rejects.toMatchObject({ code: "HF_LOCKED", details: { pid: child.pid } });
    child.kill("SIGCONT");
    await expect(nodeVfs.lock(path)).rejects.toMatchObject({ code: "HF_LOCKED", details: { pid: child.pid } });
  });

  it("tells another process that this one holds the lock, and frees it when that one asks later", async () => {
    const path = join(root, "lock");
    const lock = await nodeVfs.lock(path);
    expect((await start(process.execPath, script, "lock", path)).line).toBe(`HF_LOCKED ${process.pid}`);
    await lock.release();
    expect((await start(process.execPath, script, "lock", path)).line).toBe("locked");
  });

  it("makes a short write an error, on the pool and on the caller's thread", async () => {
    // The limit is in blocks of 512 bytes: 8 KiB. The kernel takes that much and would fail the rest.
    for (const method of ["write", "writeNow"]) {
      const path = join(root, method);
      const { line } = await start(
        "sh",
        "-c",
        'ulimit -f 16 && exec "$@"',
        "sh",
        process.execPath,
        script,
        method,
        path,
      );
      expect(line).toBe("HF_IO SHORT_WRITE 10000 8192");
    }
  });

  it("makes a failed write an error with its errno", async () => {
    const file = await nodeVfs.open("/dev/full", { access: "read-write" });
    await expect(file.write(new Uint8Array(10), 0)).rejects.toMatchObject({
      code: "HF_IO",
      details: { operation: "write", path: "/dev/full", errno: "ENOSPC" },
    });
    expect(() => file.writeNow(new Uint8Array(10), 0)).toThrowError(expect.objectContaining({ code: "HF_IO" }));
    await file.close();
  });

  it("stops a long preallocation when told to", async () => {
    const file = await nodeVfs.open(join(root, "file"), { access: "read-write", create: "exclusive" });
    const controller = new AbortController();
    const reason = new Error("enough");
    const preallocation = file.preallocate(1024 * 1024 * 1024, controller.signal);
    setTimeout(() => controller.abort(reason), 5);
    await expect(preallocation).rejects.toBe(reason);
    expect(await file.size()).toBeLessThan(1024 * 1024 * 1024);
    await file.close();
  });

  it("refuses a directory sync of what is not a directory", async () => {
    const file = await nodeVfs.open(join(root, "file"), { access: "read-write", create: "exclusive" });
    await file.close();
    await expect(nodeVfs.syncDirectory(file.path)).rejects.toMatchObject({
      code: "HF_IO",
      details: { errno: "ENOTDIR" },
    });
  });

  it("refuses an unknown way to write durably", () => {
    expect(() => new NodeVfs({ durableWriteMethod: "hope" as "flag" })).toThrowError(
      expect.objectContaining({ code: "HF_INVALID_ARGUMENT" }),
    );
    expect(() => new NodeVfs({ sync: true } as object)).toThrowError(
      expect.objectContaining({ code: "HF_UNKNOWN_OPTION" }),
    );
  });

  it("keeps the process alive with a delay, unless it waits in the background", async () => {
    // A process that only followed a log from outside ended between two looks, with exit code 13 and no word.
    for (const [task, ms, code] of [
      ["delay", "300", 0],
      ["background-delay", "60000", 13],
    ] as const) {
      const { child, line } = await start(process.execPath, script, task, ms);
      expect(line).toBe("waiting");
      if (child.exitCode === null) await once(child, "exit");
      expect(child.exitCode).toBe(code);
    }
  });
});
