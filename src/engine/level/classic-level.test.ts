import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { nodeVfs } from "../../vfs/index.js";
import { engineContract } from "../engine.contract.js";
import { classicLevel } from "../index.js";

engineContract(
  "classic-level",
  async () => {
    const root = await mkdtemp(path.join(tmpdir(), "holdfast-level-"));
    return {
      engine: classicLevel({ writeBufferBytes: 65_536 }),
      path: (name) => path.join(root, name),
      syncParent: () => nodeVfs.syncDirectory(root),
      dispose: () => rm(root, { recursive: true, force: true }),
    };
  },
  20,
);
