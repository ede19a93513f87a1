/** What the bench uses of peers that come without types. */
declare module "better-sqlite3" {
  interface Statement {
    run(...values: unknown[]): unknown;
    get(...values: unknown[]): unknown;
    iterate(): Iterable<unknown>;
    pluck(): Statement;
  }
  class Database {
    constructor(path: string);
    pragma(text: string): unknown;
    exec(text: string): unknown;
    prepare(text: string): Statement;
    transaction<T>(act: (argument: T) => void): (argument: T) => void;
    close(): void;
  }
  export default Database;
}

declare module "hypercore" {
  class Hypercore {
    constructor(directory: string);
    ready(): Promise<void>;
    append(blocks: Uint8Array[]): Promise<unknown>;
    readonly length: number;
    get(index: number): Promise<Uint8Array>;
    close(): Promise<void>;
  }
  export default Hypercore;
}
