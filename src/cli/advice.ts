/** What to do next, for errors whose message can't know that a person at a command line reads it. */
import { errnoOf } from "../base/index.js";

const BY_ERRNO: Readonly<Record<string, string>> = {
  ENOENT: "Check the path: nothing is there.",
  ENOTDIR: "Check the path: a file is where a directory should be.",
  EISDIR: "Check the path: a directory is where a file should be.",
  EACCES: "Run it as the user that the files belong to, or change their permissions.",
  EPERM: "Run it as the user that the files belong to, or change their permissions.",
  EROFS: "The file system is mounted read-only. Mount it for writing, or work on a copy.",
  ENOSPC: "The disk is full. Free some space and run it again: nothing acknowledged is lost.",
  EDQUOT: "The quota is used up. Free some space and run it again: nothing acknowledged is lost.",
  EMFILE: "Too many files are open. Raise the limit (ulimit -n) and run it again.",
  EIO: "The disk reports an error. Look at the kernel's log (dmesg), and copy the directory to another disk before anything else.",
};

/** One sentence or two, or undefined where the error says it itself. */
export function adviceFor(error: unknown): string | undefined {
  const errno =
    error instanceof Error && "errno" in error && typeof error.errno === "string" ? error.errno : errnoOf(error);
  return errno === undefined ? undefined : BY_ERRNO[errno];
}
