/**
 * A file that is there wholly and durably, or not at all.
 *
 * Crash argument: the bytes are written under another name and synced before the file gets its own, and the directory is synced after that. A crash
 * before leaves nothing at the file's name, and perhaps what the next attempt writes over.
 */
import path from "node:path";
import { ConflictError } from "../../base/index.js";
import { type VfsFile, nodeVfs } from "../../vfs/index.js";

/** Writes the pieces to a new file; resolves to how many bytes when all are durable. After an error nothing is left. `HF_EXISTS` where anything is there. */
export async function writeDurably(file: string, pieces: AsyncIterable<Uint8Array>): Promise<number> {
  await refuseExisting(file);
  const partial = `${file}.partial`;
  const opened = await nodeVfs.open(partial, { access: "read-write", create: "if-missing" });
  let bytes: number;
  try {
    bytes = await writePieces(opened, pieces);
    await opened.close();
    await refuseExisting(file);
    await nodeVfs.rename(partial, file);
  } catch (error) {
    await opened.close();
    // It is in the way of nothing, and why it was not finished is what the caller has to hear.
    await nodeVfs.remove(partial).catch(() => undefined);
    throw error;
  }
  await nodeVfs.syncDirectory(path.dirname(path.resolve(file)));
  return bytes;
}

async function writePieces(file: VfsFile, pieces: AsyncIterable<Uint8Array>): Promise<number> {
  await file.truncate(0);
  let bytes = 0;
  for await (const piece of pieces) {
    await file.write(piece, bytes);
    bytes += piece.length;
  }
  await file.syncData();
  return bytes;
}

/** Refuses a path that is taken. */
export async function refuseExisting(file: string): Promise<void> {
  if ((await nodeVfs.stat(file)) === undefined) return;
  throw new ConflictError("HF_EXISTS", `${file} exists, and is not written over. Choose another name.`, { path: file });
}
