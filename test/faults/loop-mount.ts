import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

export type FileSystemKind = "ext4" | "xfs";

const MIB = 1024 * 1024;
/** mkfs.xfs makes no smaller one. The image is sparse. */
const XFS_BYTES_MIN = 320 * MIB;
/** `_IOR('X', 125, u32)`, the same number on ext4 and xfs, and the flag that drops the journal's unwritten part as well. */
const SHUTDOWN = 0x8004587d;
const SHUTDOWN_WITHOUT_LOG_FLUSH = 2;

/**
 * A file system in a file, mounted over a loop device. `cut` is a power cut as far as the file system can tell: nothing that is in
 * memory reaches the device after it, and the next mount replays the journal.
 */
export class LoopMount {
  readonly kind: FileSystemKind;
  readonly directory: string;
  readonly #folder: string;
  readonly #device: string;
  #isMounted = false;

  private constructor(kind: FileSystemKind, folder: string, device: string) {
    this.kind = kind;
    this.#folder = folder;
    this.#device = device;
    this.directory = path.join(folder, "mount");
  }

  static create(kind: FileSystemKind, bytes: number = 64 * MIB): LoopMount {
    const folder = mkdtempSync(path.join(tmpdir(), `holdfast-${kind}-`));
    const image = path.join(folder, "image");
    mkdirSync(path.join(folder, "mount"));
    const file = openSync(image, "w");
    ftruncateSync(file, kind === "xfs" ? Math.max(bytes, XFS_BYTES_MIN) : bytes);
    closeSync(file);
    execFileSync(`mkfs.${kind}`, kind === "ext4" ? ["-q", "-F", image] : ["-q", "-f", image], { stdio: "pipe" });
    const device = execFileSync("losetup", ["--find", "--show", image], { encoding: "utf8" }).trim();
    const mount = new LoopMount(kind, folder, device);
    try {
      mount.mount();
    } catch (error) {
      mount.dispose();
      throw error;
    }
    return mount;
  }

  mount(): void {
    execFileSync("mount", ["-t", this.kind, this.#device, this.directory], { stdio: "pipe" });
    this.#isMounted = true;
  }

  /** Every later write, and every earlier one that is not on the device yet, is lost. The mount stays, and answers with EIO. */
  cut(): void {
    const program = [
      `open(my $directory, "<", $ARGV[0]) or die $!;`,
      `my $flag = pack("L", ${SHUTDOWN_WITHOUT_LOG_FLUSH});`,
      `ioctl($directory, ${SHUTDOWN}, $flag) or die $!;`,
    ].join(" ");
    execFileSync("perl", ["-e", program, this.directory], { stdio: "pipe" });
  }

  /** Processes that use the mount must be gone. */
  unmount(): void {
    if (!this.#isMounted) return;
    execFileSync("umount", [this.directory], { stdio: "pipe" });
    this.#isMounted = false;
  }

  /** Unmounts, detaches and removes everything, whatever state it is in. */
  dispose(): void {
    if (this.#isMounted && spawnSync("umount", [this.directory]).status !== 0) {
      spawnSync("umount", ["--lazy", this.directory]);
    }
    spawnSync("losetup", ["--detach", this.#device]);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
