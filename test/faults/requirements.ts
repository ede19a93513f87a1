import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import type { TestContext } from "vitest";

/** What a test of the real kernel may need from the machine. */
export type Requirement = "linux" | "root" | "loop" | "ext4" | "xfs" | "strace" | "prlimit" | "perl";

const checks: Record<Requirement, () => string | undefined> = {
  linux: () => (process.platform === "linux" ? undefined : `${process.platform} is not Linux`),
  root: () => (process.getuid?.() === 0 ? undefined : "mounting needs root"),
  loop: () => {
    if (!existsSync("/dev/loop-control")) return "the kernel offers no loop devices";
    const { status, stderr } = spawnSync("losetup", ["--find"], { encoding: "utf8" });
    return status === 0 ? undefined : `no loop device is to be had: ${stderr ?? "losetup is missing"}`.trim();
  },
  ext4: () => program("mkfs.ext4", "-V"),
  xfs: () => program("mkfs.xfs", "-V"),
  strace: () =>
    program("strace", "-V") ??
    (spawnSync("strace", ["-qq", "-o", "/dev/null", "true"]).status === 0 ? undefined : "strace may not trace here"),
  prlimit: () => program("prlimit", "--version"),
  perl: () => program("perl", "-v"),
};

function program(name: string, ask: string): string | undefined {
  return spawnSync(name, [ask]).error === undefined ? undefined : `${name} is not installed`;
}

/** Skips the running test by name where the machine lacks something, and says what. */
export function need(test: TestContext, ...requirements: readonly Requirement[]): void {
  for (const requirement of requirements) {
    const reason = checks[requirement]();
    if (reason === undefined) continue;
    console.log(`SKIP ${test.task.name}: ${reason}`);
    test.skip(reason);
  }
}
