/**
 * Makes table files. A table counts once the books name it; whatever a crash leaves of one before that is removed by the next opening.
 */
import type { PagesDirectory } from "./pages-directory.js";
import { PAGE_BYTES } from "./page.js";
import { SEED_BYTES } from "./probe.js";
import { Table } from "./table.js";
import { SALT_BYTES, encodeHeader, metaBlocks, metaOffset, tableBytes } from "./table-format.js";

/** Meta blocks are written so many at a time. */
const BLOCKS_PER_WRITE = 64;

/** Makes the file of a table without pages, at its full size and with its header. Nothing of it is durable, and its map is not written. */
export async function createTable(
  directory: PagesDirectory,
  wanted: { readonly storeId: Uint8Array; readonly number: number; readonly capacity: number },
): Promise<Table> {
  const { vfs } = directory;
  const path = directory.table(wanted.number);
  const header = { ...wanted, seed: vfs.randomBytes(SEED_BYTES), salt: vfs.randomBytes(SALT_BYTES) };
  const file = await vfs.open(path, { access: "read-write", create: "exclusive" });
  const table = new Table(path, header, file);
  try {
    await table.truncate(tableBytes(wanted.capacity));
    await table.write(encodeHeader(header), 0);
    return table;
  } catch (error) {
    await table.close();
    throw error;
  }
}

/** Writes the whole map, and makes the file and its name durable. Then the books may name it. */
export async function completeTable(directory: PagesDirectory, table: Table): Promise<void> {
  const blocks = metaBlocks(table.capacity);
  for (let first = 0; first < blocks; first += BLOCKS_PER_WRITE) {
    const count = Math.min(BLOCKS_PER_WRITE, blocks - first);
    const bytes = new Uint8Array(count * PAGE_BYTES);
    for (let at = 0; at < count; at++) table.copyBlock(first + at, bytes, at * PAGE_BYTES);
    await table.write(bytes, metaOffset(first));
  }
  table.dirtyBlocks = new Set();
  await table.sync();
  await directory.vfs.syncDirectory(directory.path);
}
