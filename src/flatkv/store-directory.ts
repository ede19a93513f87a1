/** The directory of a store: which names in it mean what. */
import type { Vfs } from "../vfs/index.js";

const DATABASE_NAME = /^db-(\d{16})$/;

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

  get log(): string {
    return this.vfs.join(this.path, "log");
  }

  /** Where readers beside a writer keep their copies. */
  get readers(): string {
    return this.vfs.join(this.path, "readers");
  }

  /** Where the database with this number is. */
  place(number: number): { readonly number: number; readonly path: string } {
    return { number, path: this.database(number) };
  }

  database(number: number): string {
    return this.vfs.join(this.path, this.databaseName(number));
  }

  databaseName(number: number): string {
    return `db-${String(number).padStart(16, "0")}`;
  }

  /** What is in the directory: numbers of database directories, and names that a store does not have. */
  async list(): Promise<{ readonly databases: readonly number[]; readonly foreign: readonly string[] }> {
    const databases: number[] = [];
    const foreign: string[] = [];
    for (const name of await this.vfs.list(this.path)) {
      const match = DATABASE_NAME.exec(name);
      if (match !== null && Number.isSafeInteger(Number(match[1]))) databases.push(Number(match[1]));
      else if (!["lock", "log", "readers"].includes(name) && !name.startsWith("anchor")) foreign.push(name);
    }
    return { databases: databases.sort((a, b) => a - b), foreign: foreign.sort() };
  }
}
