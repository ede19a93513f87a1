/**
 * Builds `dist` with `tsc`. `--if-needed` does nothing when no input has changed since the last build.
 *
 * Files in `dist` whose source is gone are removed, so that a package never ships what the sources no longer say.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "..");
const dist = path.join(root, "dist");
const stamp = path.join(root, ".tmp", "build-stamp");
const front = path.join(dist, "cli", "main.js");

const inputs = inputsNow();
if (process.argv.includes("--if-needed") && existsSync(front) && existsSync(stamp)) {
  if (readFileSync(stamp, "utf8") === inputs) process.exit(0);
}

rmSync(stamp, { force: true });
const tsc = path.join(root, "node_modules", "typescript", "bin", "tsc");
const { status } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
if (status !== 0) process.exit(status ?? 1);

for (const file of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
  const whole = path.join(dist, file);
  if (!statSync(whole).isFile()) continue;
  const source = path.join(root, "src", file.replace(/(\.d\.ts|\.js)(\.map)?$/, ".ts"));
  if (!existsSync(source) || source.endsWith(".test.ts") || file.endsWith(".d.ts.map")) rmSync(whole);
}
if (existsSync(front)) chmodSync(front, 0o755);
mkdirSync(path.dirname(stamp), { recursive: true });
writeFileSync(stamp, inputs);

/** A digest of everything that a build reads. */
function inputsNow() {
  const hash = createHash("sha256");
  const sources = readdirSync(path.join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .sort()
    .map((file) => path.join("src", file));
  for (const file of [...sources, "tsconfig.json", "tsconfig.build.json", "package-lock.json"]) {
    hash.update(`${file}\0`).update(readFileSync(path.join(root, file)));
  }
  return hash.digest("hex");
}
