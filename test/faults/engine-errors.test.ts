/** LevelDB keeps failures of a flush to itself: a sync must tell them all the same. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { classicLevel } from "../../src/engine/index.js";
import { need } from "./requirements.js";

/** After one sync the log is 000004.log, its table 000005.ldb; the next sync makes 000006.log and 000007.ldb. */
const failures: readonly {
  readonly file: string;
  readonly call: string;
  readonly errno: string;
  readonly when: string;
}[] = [
  { file: "000006.log", call: "openat", errno: "EMFILE", when: "1" },
  { file: "000007.ldb", call: "openat", errno: "ENOSPC", when: "1" },
  { file: "000007.ldb", call: "write", errno: "ENOSPC", when: "1" },
  { file: "000007.ldb", call: "fdatasync", errno: "EIO", when: "1" },
  // The background thread's second one: the first was of the first sync.
  { file: "MANIFEST-000002", call: "fdatasync", errno: "EIO", when: "2" },
];

describe("a flush of LevelDB that fails", () => {
  let root: string;
  let script: string;

  beforeAll(async () => {
    root = mkdtempSync(path.join(tmpdir(), "holdfast-flush-"));
    script = path.resolve("node_modules", ".cache", `holdfast-level-faults-${process.pid}.mjs`);
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
  afterAll(() => {
    rmSync(script, { force: true });
    rmSync(root, { recursive: true, force: true });
  });

  for (const { file, call, errno, when } of failures) {
    it(`is a failed sync: ${errno} from ${call} of ${file}`, async (test) => {
      need(test, "linux", "strace");
      const directory = path.join(root, `${call}-${errno}-${file}`);
      const { stdout } = spawnSync(
        "strace",
        ["-f", "-qq", "-o", "/dev/null", "-P", path.join(directory, file)].concat(
          ["-e", `trace=${call}`, "-e", `inject=${call}:error=${errno}:when=${when}`],
          [process.execPath, script, "sync", directory],
        ),
        { encoding: "utf8", env: { ...process.env, UV_THREADPOOL_SIZE: "1" } },
      );
      expect(stdout.trim()).toBe("HF_IO HF_POISONED HF_POISONED done");
      const database = await classicLevel().open(directory);
      expect(database).toBeDefined();
      // The process ended in peace, so that even what was not synced is there.
      const rows: number[] = [];
      for await (const chunk of database?.iterate() ?? []) rows.push(chunk.length);
      expect(rows.reduce((sum, count) => sum + count, 0)).toBe(20);
      await database?.close();
    });
  }
});
