import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { StateError } from "../../base/index.js";
import { nodeVfs } from "./index.js";

vi.mock("fs-native-extensions", () => {
  throw Object.assign(new Error("no build for this platform"), { code: "ADDON_NOT_FOUND" });
});

it("where no build of the addon exists only locking fails, with a typed error and no file made", async () => {
  const root = await mkdtemp(join(tmpdir(), "holdfast-lock-"));
  try {
    const refused: unknown = await nodeVfs.lock(join(root, "lock")).catch((reason: unknown) => reason);
    expect(refused).toBeInstanceOf(StateError);
    expect(refused).toMatchObject({ code: "HF_LOCK_UNAVAILABLE", details: { path: join(root, "lock") } });
    expect(await readdir(root)).toEqual([]);
    const file = await nodeVfs.open(join(root, "file"), { access: "read-write", create: "exclusive" });
    await file.close();
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
