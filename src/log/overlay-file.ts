/**
 * A segment file as recovery would leave it: with the images that the double-write buffer holds for it laid over what is there. For those who
 * look at a log that crashed and may not change it.
 */
import { equalBytes } from "../base/index.js";
import type { Vfs, VfsFile } from "../vfs/index.js";
import { type ProtectedImage, readImages } from "./double-write-buffer.js";
import type { Segment } from "./segment-table.js";

/** Reading is all that it does. */
export type ReadableFile = Pick<VfsFile, "path" | "read" | "close">;

/** Opens a segment, with the images of `buffer` for it laid over it. */
export async function openOverlaid(vfs: Vfs, segment: Segment, buffer: string): Promise<ReadableFile> {
  const images = (await readImages(vfs, buffer)).filter(({ target }) => equalBytes(target, segment.salt));
  const file = await vfs.open(segment.path, { access: "read" });
  return images.length === 0 ? file : new OverlayFile(file, images);
}

/** A file with images laid over it. */
export class OverlayFile implements ReadableFile {
  readonly path: string;
  readonly #file: VfsFile;
  #images: readonly ProtectedImage[];

  constructor(file: VfsFile, images: readonly ProtectedImage[]) {
    this.path = file.path;
    this.#file = file;
    this.#images = images;
  }

  /** Lays other images over the file. Returns false where they are the ones that are there. */
  replace(images: readonly ProtectedImage[]): boolean {
    const same =
      images.length === this.#images.length &&
      images.every(({ offset, image }, index) => {
        const other = this.#images[index]!;
        return other.offset === offset && equalBytes(other.image, image);
      });
    this.#images = images;
    return !same;
  }

  async read(target: Uint8Array, offset: number): Promise<number> {
    let length = await this.#file.read(target, offset);
    for (const { offset: start, image } of this.#images) {
      const from = Math.max(start, offset);
      const to = Math.min(start + image.length, offset + target.length);
      if (from >= to) continue;
      if (from - offset > length) target.fill(0, length, from - offset);
      target.set(image.subarray(from - start, to - start), from - offset);
      length = Math.max(length, to - offset);
    }
    return length;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
