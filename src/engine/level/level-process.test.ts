import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, it } from "vitest";
import { classicLevel } from "../index.js";
import { BATCH_ROWS, batchNumberOf } from "./level-batches.contract.js";

/** Enough that memtables turn into tables, and tables are compacted, while it is killed. */
const BATCHES_BEFORE_KILL = [1, 40, 700];

let root: string;
let script: string;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "holdfast-level-"));
  // Inside the package, so that the child finds its dependencies.
  const cache = fileURLToPath(new URL("../../../node_modules/.cache/", import.meta.url));
  script = path.join(cache, `holdfast-level-child-${process.pid}.mjs`);
  await build({
    entryPoints: [fileURLToPath(new URL("./level-child.contract.ts", import.meta.url))],
    outfile: script,
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
    logLevel: "silent",
  });
});

afterAll(async () => {
  await rm(script, { force: true });
  await rm(root, { recursive: true, force: true });
});

it(
  "keeps every acknowledged batch, synced or not, when its process is killed, and frees the lock",
  { timeout: 60_000 },
  async () => {
    for (const least of BATCHES_BEFORE_KILL) {
      const directory = path.join(root, `killed-${least}`);
      const child = spawn(process.execPath, [script, "write", directory], { stdio: ["ignore", "pipe", "inherit"] });
      let text = "";
      const acknowledged = (): number => Number(text.slice(0, text.lastIndexOf("\n")).split("\n").at(-1));
      for await (const chunk of child.stdout) {
        text += String(chunk);
        if (acknowledged() < least || child.killed) continue;
        await expect(classicLevel().open(directory)).rejects.toMatchObject({ code: "HF_LOCKED" });
        child.kill("SIGKILL");
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      const database = await classicLevel().open(directory);
      if (database === undefined) throw new Error("the database is gone");
      const rows = new Map<number, number>();
      for await (const chunk of database.iterate())
        for (const [key, value] of chunk) {
          const n = batchNumberOf(key);
          expect(value.length === 200 && value.every((byte) => byte === (n & 255))).toBe(true);
          rows.set(n, (rows.get(n) ?? 0) + 1);
        }
      await database.close();
      const last = acknowledged();
      expect(last).toBeGreaterThanOrEqual(least);
      // One more may have been written and not acknowledged, or acknowledged to a pipe that nobody read.
      expect(rows.size).toBeGreaterThanOrEqual(last);
      expect([...rows.keys()]).toEqual(Array.from({ length: rows.size }, (_, at) => at + 1));
      expect([...rows.values()].every((count) => count === BATCH_ROWS)).toBe(true);
    }
  },
);
