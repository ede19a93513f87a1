/**
 * Runs a command on another version of Node: `node scripts/on-node.mjs 22 npx vitest run src/log`.
 *
 * The versions are pinned in `scripts/nodes`, as the binaries that the npm package `node` would fetch, and are installed at first use. Whatever the
 * command starts finds that `node` first in its PATH. Where there is no binary for this machine, a SKIP line says so and the exit code is 0.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

const nodes = path.join(import.meta.dirname, "nodes");
const [major, ...command] = process.argv.slice(2);
/** @type {{ optionalDependencies: Record<string, string> }} */
const { optionalDependencies: pinned } = JSON.parse(readFileSync(path.join(nodes, "package.json"), "utf8"));
const majors = [...new Set(Object.keys(pinned).map((name) => name.split("-")[1]))];
if (major === undefined || !majors.includes(major) || command[0] === undefined) {
  console.error(`usage: node scripts/on-node.mjs ${majors.join("|")} command…`);
  process.exit(2);
}

const name = `node-${major}-${process.platform}-${process.arch}`;
const exact = pinned[name]?.split("@").at(-1);
if (exact === undefined) {
  console.log(
    `SKIP ${command.join(" ")} on Node ${major}: scripts/nodes has none for ${process.platform}-${process.arch}`,
  );
} else {
  const bin = path.join(nodes, "node_modules", name, "bin");
  if (versionIn(bin) !== `v${exact}`)
    execFileSync("npm", ["ci", "--prefix", nodes, "--no-audit", "--no-fund"], {
      stdio: ["ignore", "ignore", "inherit"],
    });
  const found = versionIn(bin);
  if (found !== `v${exact}`)
    throw new Error(`scripts/nodes has Node ${found ?? "none"} where it should have v${exact}`);
  console.log(`on Node ${found}: ${command.join(" ")}`);
  const { status } = spawnSync(command[0], command.slice(1), {
    stdio: "inherit",
    env: { ...process.env, PATH: `${bin}${path.delimiter}${process.env["PATH"] ?? ""}` },
  });
  process.exitCode = status ?? 1;
}

/** What the binary says of itself, or undefined where there is none. */
function versionIn(/** @type {string} */ bin) {
  const binary = path.join(bin, "node");
  return existsSync(binary) ? execFileSync(binary, ["--version"], { encoding: "utf8" }).trim() : undefined;
}
