/** The directory of a page store: which names in it mean what. */
import type { Vfs } from "../vfs/index.js";

const TABLE_NAME = /^table-(\d{16})$/;

/** Paths and names in a store's directory. */
export class PagesDirectory {
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

  get log(): string {
    return this.vfs.join(this.path, "log");
  }

  get doubleWrite(): string {
    return this.vfs.join(this.path, "double-write");
  }

  table(number: number): string {
    return this.vfs.join(this.path, `table-${String(number).padStart(16, "0")}`);
  }

  /** What is in the directory: numbers of tables, and names that a store does not have. */
  async list(): Promise<{ readonly tables: readonly number[]; readonly foreign: readonly string[] }> {
    const tables: number[] = [];
    const foreign: string[] = [];
    for (const name of await this.vfs.list(this.path)) {
      const match = TABLE_NAME.exec(name);
      if (match !== null && Number.isSafeInteger(Number(match[1]))) tables.push(Number(match[1]));
      else if (!["lock", "log"].includes(name) && !name.startsWith("anchor") && !name.startsWith("double-write"))
        foreign.push(name);
    }
    return { tables: tables.sort((a, b) => a - b), foreign: foreign.sort() };
  }

  /** Removes the tables that the books do not name, and makes that durable. Returns how many. */
  async removeTables(but: number | undefined): Promise<number> {
    const { tables } = await this.list();
    const unnamed = tables.filter((number) => number !== but);
    for (const number of unnamed) await this.vfs.remove(this.table(number));
    if (unnamed.length > 0) await this.vfs.syncDirectory(this.path);
    return unnamed.length;
  }
}
