import { describeVfsConformance } from "./conformance.contract.js";
import { SimVfs } from "./index.js";

// NodeVfs runs the same suite in node/node-vfs.test.ts.
for (const profile of ["posix", "ordered", "prefix"] as const) {
  describeVfsConformance(`SimVfs with profile ${profile}`, async () => {
    const vfs = new SimVfs({ profile });
    const root = "/root";
    await vfs.makeDirectory(root);
    return { vfs, root, pid: vfs.pid, cleanup: () => Promise.resolve() };
  });
}
