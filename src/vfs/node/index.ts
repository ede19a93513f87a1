export { NodeVfs, nodeVfs } from "./node-vfs.js";
export type { DurableWriteMethod, NodeVfsOptions } from "./node-vfs.js";
