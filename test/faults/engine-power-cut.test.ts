/** What the LevelDB engine says of durability, on file systems whose power is cut. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, rmSync } from "node:fs";
import path from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { classicLevel } from "../../src/engine/index.js";
import { BATCH_ROWS, batchNumberOf } from "../../src/engine/level/level-batches.contract.js";
import { LoopMount } from "./loop-mount.js";
import { need } from "./requirements.js";
import { seededDraw } from "./seed.js";

const CUTS = Math.ceil(Number(process.env["HOLDFAST_FAULT_CUTS"] ?? "50") / 3);
const MIB = 1024 * 1024;

/** A process that writes, and what it has said so far. */
class Writer {
  readonly #child: ChildProcessByStdio<null, Readable, null>;
  #text = "";

  constructor(script: string, directory: string, from: number) {
    this.#child = spawn(process.execPath, [script, "use", directory, String(from)], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    this.#child.stdout.on("data", (chunk: Buffer) => (this.#text += String(chunk)));
  }

  /** The numbers after a word, of whole lines. */
  said(word: string): number[] {
    const lines = this.#text.slice(0, this.#text.lastIndexOf("\n") + 1).split("\n");
    return lines.filter((line) => line.startsWith(word)).map((line) => Number(line.slice(word.length)));
  }

  async hasSaid(word: string): Promise<void> {
    while (this.said(word).length === 0) {
      if (this.#child.exitCode !== null) throw new Error("the writer ended by itself");
      await delay(5);
    }
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, "exit");
  }
}

/** The batches in a database, after a look at whether each is whole. */
async function batchesIn(directory: string): Promise<Set<number>> {
  const database = await classicLevel().open(directory);
  if (database === undefined) throw new Error(`${directory} is gone`);
  const rows = new Map<number, number>();
  for await (const chunk of database.iterate()) {
    for (const [key, value] of chunk) {
      const n = batchNumberOf(key);
      if (!value.every((byte) => byte === (n & 255))) throw new Error(`a row of batch ${n} is not its own`);
      rows.set(n, (rows.get(n) ?? 0) + 1);
    }
  }
  await database.close();
  for (const [n, count] of rows) if (count !== BATCH_ROWS) throw new Error(`batch ${n} has ${count} rows`);
  return new Set(rows.keys());
}

describe("a power cut under a LevelDB database", () => {
  let script: string;

  beforeAll(async () => {
    script = path.resolve("node_modules", ".cache", `holdfast-level-cuts-${process.pid}.mjs`);
    await build({
      entryPoints: [fileURLToPath(new URL("../../src/engine/level/level-child.contract.ts", import.meta.url))],
      outfile: script,
      bundle: true,
      format: "esm",
      platform: "node",
      packages: "external",
      logLevel: "silent",
    });
  });
  afterAll(() => rmSync(script, { force: true }));

  it(`keeps what was synced and copied, ${CUTS} times, and takes other batches as wholes`, async (test) => {
    need(test, "linux", "root", "loop", "ext4", "perl");
    using mount = LoopMount.create("ext4", 128 * MIB);
    const draw = seededDraw("engine power cut");
    const directory = path.join(mount.directory, "database");
    /** Batches that a cut took before they were synced. They never come back. */
    const lost = new Set<number>();
    let next = 1;
    let synced = 0;
    let copies = 0;
    let cutOff = 0;
    for (let cut = 1; cut <= CUTS; cut++) {
      const writer = new Writer(script, directory, next);
      let copied: number[] = [];
      let wrote = 0;
      try {
        await writer.hasSaid("opened");
        await writer.hasSaid("synced");
        await delay(draw(400));
        synced = Math.max(...writer.said("synced"));
        copied = writer.said("copied");
        wrote = Math.max(...writer.said("wrote"));
        mount.cut();
      } finally {
        await writer.kill();
      }
      mount.unmount();
      mount.mount();
      const there = await batchesIn(directory);
      for (let n = 1; n <= synced; n++) if (!lost.has(n)) expect(there).toContain(n);
      for (const n of lost) expect(there).not.toContain(n);
      for (const n of copied.slice(-1)) {
        const copy = await batchesIn(path.join(mount.directory, String(n)));
        expect(Math.max(...copy)).toBe(n);
        for (let at = 1; at <= n; at++) if (!lost.has(at)) expect(copy).toContain(at);
        copies++;
      }
      const last = Math.max(...there);
      for (let n = synced + 1; n <= last; n++) if (!there.has(n)) lost.add(n);
      cutOff += Math.max(0, wrote - last);
      next = last + 1;
      for (const name of readdirSync(mount.directory))
        if (/^[0-9]+$/.test(name)) await classicLevel().remove(path.join(mount.directory, name));
    }
    console.log(
      `${CUTS} cuts: ${synced} batches synced, ${copies} copies; lost: ${cutOff} at the end, ${lost.size} before others`,
    );
    expect(synced).toBeGreaterThan(CUTS * 10);
    expect(copies).toBeGreaterThan(0);
    // The cut is real.
    expect(cutOff + lost.size).toBeGreaterThan(0);
  });
});
