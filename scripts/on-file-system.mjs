/**
 * Runs a command with its temporary files on another file system: `node scripts/on-file-system.mjs ext4 npx vitest run src/vfs`.
 *
 * The file system is made in a sparse file, mounted over a loop device for the time of the command, and named by `TMPDIR`. Where
 * that can't be done, a SKIP line says why and the exit code is 0.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const [kind, ...command] = process.argv.slice(2);
if ((kind !== "ext4" && kind !== "xfs") || command[0] === undefined) {
  console.error("usage: node scripts/on-file-system.mjs ext4|xfs command…");
  process.exit(2);
}

const folder = mkdtempSync(path.join(tmpdir(), `holdfast-${kind}-`));
const image = path.join(folder, "image");
const mount = path.join(folder, "mount");
try {
  const reason = mounted();
  if (reason === undefined) {
    const { status } = spawnSync(command[0], command.slice(1), {
      stdio: "inherit",
      env: { ...process.env, TMPDIR: mount },
    });
    process.exitCode = status ?? 1;
  } else {
    console.log(`SKIP ${command.join(" ")} on ${kind}: ${reason}`);
  }
} finally {
  spawnSync("umount", [mount]);
  rmSync(folder, { recursive: true, force: true });
}

/** Mounts it, or says why not. */
function mounted() {
  if (process.getuid?.() !== 0) return "mounting needs root";
  mkdirSync(mount);
  writeFileSync(image, "");
  truncateSync(image, 1024 * 1024 * 1024);
  try {
    execFileSync(`mkfs.${kind}`, ["-q", kind === "ext4" ? "-F" : "-f", image], { stdio: "pipe" });
    execFileSync("mount", ["-o", "loop", image, mount], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.trim().replaceAll("\n", " ") : String(error);
  }
}
