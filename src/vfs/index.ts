export type { OpenFileOptions, Vfs, VfsFile, VfsLock, VfsStat } from "./vfs.js";
