/**
 * Holds the built package against the originals, in both directions: `node compat/check.mjs [name…]`, after `npm ci`. What the programs in other
 * languages make is compared with what is committed and read by ours, and what ours makes is read by them.
 *
 * Where a tool is missing or a registry can't be reached, a line `SKIP compatibility with <name>: <reason>` says so. The exit code is 1 where
 * something that could be checked is wrong. `HOLDFAST_SEED` chooses the random data.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Skip } from "./tools.mjs";

const root = path.resolve(import.meta.dirname, "..");
const checks = ["tidwall", "nomt"];

const names = process.argv.slice(2);
const unknown = names.find((name) => !checks.includes(name));
if (unknown !== undefined) {
  console.error(`usage: node compat/check.mjs [${checks.join("|")}…]`);
  process.exit(2);
}

const seed = Number(process.env["HOLDFAST_SEED"] ?? 1) >>> 0;
console.log(`seed ${seed} (HOLDFAST_SEED=${seed} repeats the random data)`);
const { status } = spawnSync(process.execPath, [path.join(root, "scripts", "build.mjs"), "--if-needed"], {
  stdio: "inherit",
});
if (status !== 0) process.exit(1);

for (const name of names.length > 0 ? names : checks) {
  const folder = mkdtempSync(path.join(tmpdir(), `holdfast-compat-${name}-`));
  const start = performance.now();
  try {
    // Imports what was built above.
    const { check } = await import(`./${name}/check.mjs`);
    await check({
      root,
      folder,
      seed,
      passed: (/** @type {string} */ what) => console.log(`ok ${name}: ${what}`),
    });
    console.log(`${name}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
  } catch (error) {
    if (error instanceof Skip) {
      console.log(`SKIP compatibility with ${name}: ${error.message}`);
    } else {
      console.log(`FAILED ${name}: ${error instanceof Error ? error.stack : String(error)}`);
      process.exitCode = 1;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
