/** Files of another moment, or of another store, in the place of those that are there. */
import type { SimVfs } from "../vfs/index.js";

/** The files below a directory, by path. */
export async function filesOf(vfs: SimVfs, directory: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const name of await vfs.list(directory)) {
    const path = vfs.join(directory, name);
    const { kind, bytes } = (await vfs.stat(path))!;
    if (kind === "directory") {
      for (const [below, content] of await filesOf(vfs, path)) files.set(below, content);
      continue;
    }
    const content = new Uint8Array(bytes);
    const file = await vfs.open(path, { access: "read" });
    await file.read(content, 0);
    await file.close();
    files.set(path, content);
  }
  return files;
}

/** Puts other files in the place of those below a directory. */
export async function exchange(vfs: SimVfs, directory: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  for (const path of (await filesOf(vfs, directory)).keys()) await vfs.remove(path);
  for (const [path, content] of files) {
    const file = await vfs.open(path, { access: "read-write", create: "exclusive" });
    await file.write(content, 0);
    await file.close();
  }
}
