import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { SimVfs, nodeVfs } from "../../vfs/index.js";
import { engineContract } from "../engine.contract.js";
import { memoryEngine } from "../index.js";

engineContract("memory on the simulated disk", async () => {
  const vfs = new SimVfs();
  await vfs.makeDirectory("/data");
  return {
    engine: memoryEngine({ vfs }),
    path: (name) => vfs.join("/data", name),
    syncParent: () => vfs.syncDirectory("/data"),
    dispose: async () => undefined,
  };
});

engineContract(
  "memory on the real file system",
  async () => {
    const root = await mkdtemp(path.join(tmpdir(), "holdfast-engine-"));
    return {
      engine: memoryEngine(),
      path: (name) => path.join(root, name),
      syncParent: () => nodeVfs.syncDirectory(root),
      dispose: () => rm(root, { recursive: true, force: true }),
    };
  },
  20,
);
