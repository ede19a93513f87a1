/**
 * A table file that is open: its header, what is known of each bucket, and reading and writing pages. When it is written, and what a crash then leaves,
 * is in `checkpoint.ts`, `growth.ts` and `create-table.ts`.
 */
import { IoError, equalBytes } from "../base/index.js";
import type { VfsFile } from "../vfs/index.js";
import { corruptTable } from "./errors.js";
import { MetaMap } from "./meta-map.js";
import { Page, PAGE_BYTES, ID_AT } from "./page.js";
import { decodePageId, describePageId } from "./page-id.js";
import type { PagesDirectory } from "./pages-directory.js";
import { PageHash } from "./probe.js";
import {
  BUCKETS_PER_BLOCK,
  type TableHeader,
  TableSeal,
  bucketOffset,
  decodeHeader,
  encodeHeader,
  metaBlocks,
  metaOffset,
} from "./table-format.js";

/** Meta blocks are read so many at a time. */
const BLOCKS_PER_READ = 64;

/** See the head of this file. */
export class Table {
  readonly path: string;
  readonly header: TableHeader;
  readonly meta: MetaMap;
  readonly hash: PageHash;
  readonly seal: TableSeal;
  /** Meta blocks that differ from the file's. */
  dirtyBlocks: Set<number> = new Set();
  /** No page's way has more steps. */
  stepsMax = 0;
  readonly #file: VfsFile;
  #readers = 0;
  #afterReaders: (() => void) | undefined;

  constructor(path: string, header: TableHeader, file: VfsFile) {
    this.path = path;
    this.header = header;
    this.#file = file;
    this.meta = new MetaMap(header.capacity);
    this.hash = new PageHash(header.seed);
    this.seal = new TableSeal(header.salt);
  }

  /** Opens the table that the books name, and reads its header. The map is loaded by {@link loadMeta}. */
  static async open(
    directory: PagesDirectory,
    wanted: Pick<TableHeader, "storeId" | "number" | "capacity">,
  ): Promise<Table> {
    const path = directory.table(wanted.number);
    const file = await openTableFile(directory, path);
    try {
      const block = new Uint8Array(PAGE_BYTES);
      const length = await file.read(block, 0);
      if (length < PAGE_BYTES) throw corruptTable(path, 0, "a header", `${length} bytes`);
      return new Table(path, decodeHeader(path, block, wanted), file);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get capacity(): number {
    return this.header.capacity;
  }

  get number(): number {
    return this.header.number;
  }

  /** Reads what is known of the buckets, and counts them. */
  async loadMeta(): Promise<void> {
    for await (const { block, found } of this.readBlocks()) {
      if (found === undefined)
        throw corruptTable(this.path, metaOffset(block), `meta block ${block}`, "one that fails its checksum");
      const wrong = this.meta.load(block * BUCKETS_PER_BLOCK, found);
      if (wrong !== -1) throw corruptTable(this.path, metaOffset(block), `a known byte for bucket ${wrong}`, "another");
    }
  }

  /** The bytes of buckets in each block of the map, as they are in the file; `undefined` where the block is damaged. */
  async *readBlocks(): AsyncGenerator<{ readonly block: number; readonly found: Uint8Array | undefined }> {
    const blocks = metaBlocks(this.capacity);
    for (let first = 0; first < blocks; first += BLOCKS_PER_READ) {
      const count = Math.min(BLOCKS_PER_READ, blocks - first);
      const bytes = new Uint8Array(count * PAGE_BYTES);
      const length = await this.#file.read(bytes, metaOffset(first));
      for (let at = 0; at < count; at++) {
        const block = first + at;
        const offset = at * PAGE_BYTES;
        const buckets = Math.min(BUCKETS_PER_BLOCK, this.capacity - block * BUCKETS_PER_BLOCK);
        const isSound = length >= offset + PAGE_BYTES && this.seal.isSoundMeta(bytes, offset, block);
        yield { block, found: isSound ? bytes.subarray(offset, offset + buckets) : undefined };
      }
    }
  }

  /** What is wrong with the header in the file; `undefined` where nothing is. */
  async headerProblem(): Promise<string | undefined> {
    const block = new Uint8Array(PAGE_BYTES);
    const length = await this.#file.read(block, 0);
    const isSame = length === PAGE_BYTES && equalBytes(block, encodeHeader(this.header));
    return isSame ? undefined : "The header is not what it was when the table was opened.";
  }

  /** Notes that a bucket's byte differs from the file's. */
  touched(bucket: number): void {
    this.dirtyBlocks.add(Math.floor(bucket / BUCKETS_PER_BLOCK));
  }

  setMeta(bucket: number, byte: number): void {
    this.meta.set(bucket, byte);
    this.touched(bucket);
  }

  offsetOf(bucket: number): number {
    return bucketOffset(this.capacity, bucket);
  }

  /** Puts a block of the map, as it is now, at `at`. */
  copyBlock(block: number, target: Uint8Array, at: number): void {
    const from = block * BUCKETS_PER_BLOCK;
    const count = Math.min(BUCKETS_PER_BLOCK, this.capacity - from);
    target.fill(0, at, at + PAGE_BYTES);
    this.meta.copyTo(target, at, from, count);
    this.seal.sealMeta(target, at, block);
  }

  /** Puts a page, as it is to be in its bucket, at `at`. */
  copyPage(page: Page, bucket: number, target: Uint8Array, at: number): void {
    target.set(page.bytes, at);
    this.seal.sealPage(target, at, bucket);
  }

  /** Reads the bytes of a bucket, whatever they are. What lies behind the end of the file reads as zeros. */
  async readBucket(bucket: number): Promise<ArrayBuffer> {
    const buffer = new ArrayBuffer(PAGE_BYTES);
    this.#readers += 1;
    try {
      await this.#file.read(new Uint8Array(buffer), this.offsetOf(bucket));
      return buffer;
    } finally {
      this.#readers -= 1;
      if (this.#readers === 0) this.#afterReaders?.();
    }
  }

  /** The page whose bytes these are. A `CorruptionError` where they are none. */
  pageOf(buffer: ArrayBuffer, bucket: number): Page {
    const problem = this.problemOf(buffer, bucket);
    if (typeof problem === "string")
      throw corruptTable(this.path, this.offsetOf(bucket), `a page in bucket ${bucket}`, problem);
    return problem;
  }

  /** The page whose bytes these are, or what is wrong with them. */
  problemOf(buffer: ArrayBuffer, bucket: number): Page | string {
    const bytes = new Uint8Array(buffer);
    if (!this.seal.isSoundPage(bytes, bucket)) return "bytes that fail their checksum";
    const id = decodePageId(bytes, ID_AT);
    if (id === undefined) return "an id that no page has";
    if (this.hash.of(id).byte !== this.meta.at(bucket)) return `page ${describePageId(id)}, whose tag is another`;
    return Page.adopt(id, buffer);
  }

  /** Whether an image of the double-write buffer is for this table. */
  isTarget(target: Uint8Array): boolean {
    return equalBytes(target, this.header.salt);
  }

  /** Writes whole blocks at an offset. Not durable. */
  async write(bytes: Uint8Array, offset: number): Promise<void> {
    await this.#file.write(bytes, offset);
  }

  async truncate(bytes: number): Promise<void> {
    await this.#file.truncate(bytes);
  }

  async sync(): Promise<void> {
    await this.#file.syncData();
  }

  /** Lets go of the file once nothing reads it any more. */
  async close(): Promise<void> {
    if (this.#readers > 0) await new Promise<void>((resolve) => (this.#afterReaders = resolve));
    await this.#file.close();
  }
}

async function openTableFile({ vfs }: PagesDirectory, path: string): Promise<VfsFile> {
  try {
    return await vfs.open(path, { access: "read-write" });
  } catch (error) {
    if (error instanceof IoError && error.errno === "ENOENT")
      throw corruptTable(path, 0, "the table that the books name", "no file");
    throw error;
  }
}
