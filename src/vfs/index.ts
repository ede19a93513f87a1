export { NodeVfs, nodeVfs } from "./node/index.js";
export type { DurableWriteMethod, NodeVfsOptions } from "./node/index.js";
export type { OpenFileOptions, Vfs, VfsFile, VfsLock, VfsStat } from "./vfs.js";
