import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { LoopMount } from "./loop-mount.js";
import type { FileSystemKind } from "./loop-mount.js";
import { need } from "./requirements.js";

function sync(file: string): void {
  const descriptor = openSync(file, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}

describe("the power cut itself", () => {
  for (const kind of ["ext4", "xfs"] satisfies FileSystemKind[]) {
    it(`loses what was not synced on ${kind}, and nothing else`, (test) => {
      need(test, "linux", "root", "loop", kind, "perl");
      using mount = LoopMount.create(kind);
      const kept = path.join(mount.directory, "kept");
      const lost = path.join(mount.directory, "lost");
      writeFileSync(kept, "kept");
      sync(kept);
      sync(mount.directory);
      writeFileSync(lost, "lost");
      mount.cut();
      expect(() => {
        writeFileSync(lost, "again");
      }).toThrow(expect.objectContaining({ code: "EIO" }));
      mount.unmount();
      mount.mount();
      expect(readFileSync(kept, "utf8")).toBe("kept");
      expect(existsSync(lost)).toBe(false);
    });
  }
});
