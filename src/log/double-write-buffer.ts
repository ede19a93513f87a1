/**
 * A double-write buffer: protects in-place writes against tearing. For any writer that overwrites bytes it can't afford to lose.
 *
 * Invariant: whenever a protected range may be torn, the buffer holds a durable, checksummed image of what it was to become.
 * Order of use, one batch at a time:
 *
 *     protect(images)      the images are written and durable                 crash: a torn batch fails its checksums and is ignored;
 *                                                                             the ranges are untouched
 *     write in place, sync the caller's work                                  crash: `recover` returns the images, made durable; write
 *                                                                             them again, sync
 *     protect(next) or clear()                                                crash: as for the first step
 *
 * A batch may be of any size: the file grows as needed, and there is no size above which protection ends. The caller must not start the next
 * `protect` before the in-place writes of the last are synced, and must `clear` before it writes to those ranges in any other way: a
 * batch that is still there would bring old bytes back.
 *
 * An image has two checksums of two polynomials, since a page may hold bytes that one of them is blind to (`src/checksum/crc32.ts`): a torn batch that shows
 * an older image's sector in its middle would otherwise be put back over ranges that nobody had touched.
 */
import {
  FormatError,
  StateError,
  checkInteger,
  invalid,
  readU16,
  readU32,
  readU64,
  writeU16,
  writeU32,
  writeU64,
} from "../base/index.js";
import { crc32Range, crc32c, crc32cRange } from "../checksum/index.js";
import { type Vfs, type VfsFile } from "../vfs/index.js";

const MAGIC: Uint8Array = new TextEncoder().encode("HFDWRITE");
const VERSION = 2;
/** The version before, which is read: one checksum an image. */
const ONE_CHECKSUM_VERSION = 1;
const VERSION_AT = 8;
const PREAMBLE_CRC_AT = 12;
const CRC_AT = 16;
const COUNT_AT = 20;
const SEQUENCE_AT = 24;
const TABLE_AT = 32;
const ENTRY_BYTES = 32;
const ONE_CHECKSUM_ENTRY_BYTES = 24;
const TARGET_BYTES = 8;
const U32_MAX = 0xffff_ffff;

/** An image of a range that is about to be overwritten. */
export interface ProtectedImage {
  /** Whose range it is: eight bytes of the caller's choice (a salt, a file number). */
  readonly target: Uint8Array;
  /** Byte offset in the target. */
  readonly offset: number;
  /** What the range is to hold. */
  readonly image: Uint8Array;
}

/**
 * A double-write buffer: protects in-place writes against tearing, for any writer that overwrites bytes it can't afford to lose. One batch at a time:
 * {@link protect} makes images of the ranges durable; then they are written in place and synced; then the next batch, or {@link clear}. After a crash
 * {@link recover} gives the images of the batch that may be torn, to be written again.
 *
 * ```ts
 * import { DoubleWriteBuffer } from "holdfast/log";
 * import { nodeVfs } from "holdfast/vfs";
 *
 * const pages = await nodeVfs.open("./pages", { access: "read-write", create: "if-missing" });
 * await nodeVfs.syncDirectory("."); // the name of a new file is durable before anything depends on it
 * const buffer = await DoubleWriteBuffer.open(nodeVfs, "./pages.double-write");
 * for (const { image, offset } of await buffer.recover()) await pages.write(image, offset);
 * await pages.syncData();
 *
 * const page = { target: new Uint8Array(8), offset: 8192, image: new Uint8Array(8192).fill(7) };
 * await buffer.protect([page]);
 * await pages.write(page.image, page.offset);
 * await pages.syncData();
 * await buffer.clear();
 * await buffer.close();
 * await pages.close();
 * ```
 */
export class DoubleWriteBuffer {
  readonly path: string;
  readonly #vfs: Vfs;
  #file: VfsFile;
  #sequence: number;
  #failure: unknown;
  #closed = false;

  private constructor(vfs: Vfs, path: string, file: VfsFile, sequence: number) {
    this.#vfs = vfs;
    this.path = path;
    this.#file = file;
    this.#sequence = sequence;
  }

  /**
   * Opens the buffer, making an empty one where there is none; the new file's name is durable when this resolves. Errors: `IoError`;
   * `FormatError` `HF_FORMAT_NEWER`.
   */
  static async open(vfs: Vfs, path: string): Promise<DoubleWriteBuffer> {
    // A crash in `recover` may have left one.
    if ((await vfs.stat(freshPath(path))) !== undefined) await vfs.remove(freshPath(path));
    const file = await vfs.open(path, { access: "read-write", create: "if-missing", durableWrites: true });
    try {
      // Always, not only when the file is new: an opening that was killed may have left a name that is not durable yet.
      await vfs.syncDirectory(vfs.parent(path));
      const batch = await readBatch(file);
      return new DoubleWriteBuffer(vfs, path, file, batch?.sequence ?? 0);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /**
   * Stores the images as one batch in place of the last one. Durable when it resolves. A failure poisons the buffer; an image that can't be
   * stored is an `InvalidArgumentError` before any effect.
   */
  async protect(images: readonly ProtectedImage[]): Promise<void> {
    this.#assertUsable();
    for (const image of images) checkImage(image);
    await this.#write(encodeBatch(images, this.#sequence + 1));
    this.#sequence += 1;
  }

  /** Forgets the batch. Durable when it resolves. */
  async clear(): Promise<void> {
    await this.#write(new Uint8Array(TABLE_AT));
  }

  /**
   * The images of the last batch, to be written in place and synced; empty where the batch is torn, cleared, or was never written. A torn
   * batch is no loss: its ranges were not touched. The images are durable when this resolves. A failure poisons the buffer.
   */
  async recover(): Promise<ProtectedImage[]> {
    this.#assertUsable();
    const batch = await readBatch(this.#file);
    if (batch === undefined || batch.images.length === 0) return [];
    try {
      await this.#renew(batch.images, batch.sequence);
    } catch (error) {
      this.#failure ??= error;
      throw error;
    }
    return batch.images;
  }

  /**
   * Puts a fresh file with the batch in place of the one it was read from. A process that was killed may have left it in the page cache only, and
   * then nothing would protect the ranges while they are written; and written over in place it might tear, while one of them is torn.
   */
  async #renew(images: readonly ProtectedImage[], sequence: number): Promise<void> {
    const fresh = freshPath(this.path);
    const file = await this.#vfs.open(fresh, { access: "read-write", create: "exclusive", durableWrites: true });
    const before = this.#file;
    this.#file = file;
    await before.close();
    await file.write(encodeBatch(images, sequence), 0);
    await this.#vfs.rename(fresh, this.path);
    // Crash before this: the old file or the new one. The ranges are still untouched by this recovery.
    await this.#vfs.syncDirectory(this.#vfs.parent(this.path));
  }

  /** Releases the file. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#file.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#assertUsable();
    try {
      // Durable by the way the file was opened. A crash here leaves the old batch, or a batch that fails a checksum.
      await this.#file.write(bytes, 0);
    } catch (error) {
      this.#failure ??= error;
      throw error;
    }
  }

  #assertUsable(): void {
    if (this.#failure !== undefined) {
      throw new StateError(
        "HF_POISONED",
        `${this.path} failed before and can't be used. Open it again to recover.`,
        { path: this.path },
        this.#failure,
      );
    }
    if (this.#closed) throw new StateError("HF_CLOSED", `${this.path} is closed.`, { path: this.path });
  }
}

/** The images in the buffer at `path`, read without opening it for use; none where there is no file. */
export async function readImages(vfs: Vfs, path: string): Promise<readonly ProtectedImage[]> {
  if ((await vfs.stat(path))?.kind !== "file") return [];
  const file = await vfs.open(path, { access: "read" });
  try {
    return (await readBatch(file))?.images ?? [];
  } finally {
    await file.close();
  }
}

function checkImage({ target, offset, image }: ProtectedImage): void {
  const where = "DoubleWriteBuffer.protect";
  if (!(target instanceof Uint8Array) || target.length !== TARGET_BYTES)
    throw invalid(where, "target", target, `${TARGET_BYTES} bytes`);
  if (checkInteger(where, "offset", offset, { min: 0 }, undefined) === undefined)
    throw invalid(where, "offset", offset, "an offset");
  if (!(image instanceof Uint8Array) || image.length > U32_MAX)
    throw invalid(where, "image", image, `at most ${U32_MAX} bytes`);
}

function encodeBatch(images: readonly ProtectedImage[], sequence: number): Uint8Array {
  const total = images.reduce((sum, { image }) => sum + image.length, 0);
  const bytes = new Uint8Array(TABLE_AT + images.length * ENTRY_BYTES + total);
  bytes.set(MAGIC, 0);
  writeU16(bytes, VERSION_AT, VERSION);
  writeU32(bytes, PREAMBLE_CRC_AT, crc32cRange(bytes, 0, PREAMBLE_CRC_AT));
  writeU32(bytes, COUNT_AT, images.length);
  writeU64(bytes, SEQUENCE_AT, sequence);
  let entry = TABLE_AT;
  let at = TABLE_AT + images.length * ENTRY_BYTES;
  for (const { target, offset, image } of images) {
    bytes.set(target, entry);
    writeU64(bytes, entry + 8, offset);
    writeU32(bytes, entry + 16, image.length);
    writeU32(bytes, entry + 20, crc32c(image));
    writeU32(bytes, entry + 24, crc32Range(image, 0, image.length));
    entry += ENTRY_BYTES;
    bytes.set(image, at);
    at += image.length;
  }
  writeU32(bytes, CRC_AT, crc32cRange(bytes, COUNT_AT, entry));
  return bytes;
}

/** Where `recover` makes a file that is to take the buffer's place. */
function freshPath(path: string): string {
  return `${path}.new`;
}

async function readBatch(file: VfsFile): Promise<{ sequence: number; images: ProtectedImage[] } | undefined> {
  const head = new Uint8Array(TABLE_AT);
  if ((await file.read(head, 0)) < TABLE_AT) return undefined;
  if (!MAGIC.every((byte, index) => head[index] === byte)) return undefined;
  if (readU32(head, PREAMBLE_CRC_AT) !== crc32cRange(head, 0, PREAMBLE_CRC_AT)) return undefined;
  const version = readU16(head, VERSION_AT);
  if (version > VERSION) {
    throw new FormatError(
      "HF_FORMAT_NEWER",
      `${file.path} has format ${version}; this build reads up to ${VERSION}. Open it with a newer holdfast. Nothing was changed.`,
      { path: file.path, version, supported: VERSION },
    );
  }
  if (version < ONE_CHECKSUM_VERSION) return undefined;
  const entryBytes = version === ONE_CHECKSUM_VERSION ? ONE_CHECKSUM_ENTRY_BYTES : ENTRY_BYTES;
  const count = readU32(head, COUNT_AT);
  // The file's size bounds what a damaged header can make us allocate; what is valid only the checksums tell (R7, R8).
  const size = await file.size();
  if (TABLE_AT + count * entryBytes > size) return undefined;
  const table = new Uint8Array(TABLE_AT + count * entryBytes);
  if ((await file.read(table, 0)) < table.length) return undefined;
  if (readU32(table, CRC_AT) !== crc32cRange(table, COUNT_AT, table.length)) return undefined;
  const images: ProtectedImage[] = [];
  let at = table.length;
  for (let entry = TABLE_AT; entry < table.length; entry += entryBytes) {
    const length = readU32(table, entry + 16);
    if (at + length > size) return undefined;
    const image = new Uint8Array(length);
    if ((await file.read(image, at)) < length || !isImageSound(image, table, entry, version)) return undefined;
    images.push({ target: table.slice(entry, entry + TARGET_BYTES), offset: readU64(table, entry + 8), image });
    at += length;
  }
  return { sequence: readU64(table, SEQUENCE_AT), images };
}

/** Whether the image is the one that its entry in the table was made for. */
function isImageSound(image: Uint8Array, table: Uint8Array, entry: number, version: number): boolean {
  if (crc32c(image) !== readU32(table, entry + 20)) return false;
  return version === ONE_CHECKSUM_VERSION || crc32Range(image, 0, image.length) === readU32(table, entry + 24);
}
