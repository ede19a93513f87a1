/** The directory of a store: which names in it mean what. */
import type { Vfs } from "../vfs/index.js";

/** Paths and names in a store's directory. */
export class StoreDirectory {
  readonly vfs: Vfs;
  readonly path: string;

  constructor(vfs: Vfs, path: string) {
    this.vfs = vfs;
    this.path = path;
  }

  get anchor(): string {
    return this.vfs.join(this.path, "anchor");
  }

  get lock(): string {
    return this.vfs.join(this.path, "lock");
  }

  /** Of the page store, with its log. */
  get pages(): string {
    return this.vfs.join(this.path, "pages");
  }

  /** Of the engine. */
  get values(): string {
    return this.vfs.join(this.path, "values");
  }

  /** Names that no store of this kind has. */
  async foreign(): Promise<string[]> {
    const names = await this.vfs.list(this.path);
    return names.filter((name) => !["lock", "pages", "values"].includes(name) && !name.startsWith("anchor")).sort();
  }
}
