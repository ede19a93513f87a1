/**
 * An era1 file: up to 8,192 consecutive Ethereum blocks from before the merge, as entries of an e2store.
 *
 *     Version | (CompressedHeader | CompressedBody | CompressedReceipts | TotalDifficulty)* | other* | Accumulator | BlockIndex
 *
 *     0x3265  Version             nothing
 *     0x0003  CompressedHeader    framed snappy of the header's RLP
 *     0x0004  CompressedBody      framed snappy of the RLP of [transactions, uncles]
 *     0x0005  CompressedReceipts  framed snappy of the receipts' RLP
 *     0x0006  TotalDifficulty     u256, little-endian: the difficulties of all blocks up to this one
 *     0x0007  Accumulator         32 bytes: the SSZ root of block hashes and total difficulties
 *     0x3266  BlockIndex          first number u64 | for each block: i64, its header's offset from this entry | count u64
 *
 * Blocks come one at a time, each held against the one before it and against what its header says; the last one also brings the accumulator of
 * them all. Memory is that of one block and of 32 bytes for each block read.
 */
import { FormatError, equalBytes, readU32, toHex } from "../../../base/index.js";
import { keccak256 } from "../../../hash/index.js";
import { AccumulatorTree } from "./accumulator-tree.js";
import { type BlockIndex, blocksMax, readBlockIndex } from "./block-index.js";
import { type Entry, EntryFile, entryHeaderBytes } from "./entry-file.js";
import { entryTypes } from "./entry-types.js";
import { type Era1Libraries, loadEra1Libraries } from "./era1-libraries.js";
import { type Header, decodeHeader, headerOf, listOf } from "./header.js";
import { unframe } from "./snappy-frames.js";

/** Limits of what an entry of a block holds once it is uncompressed, far above what any block of that time has. */
const headerBytesMax = 16 * 1024;
const bodyBytesMax = 2 * 1024 * 1024;
const receiptsBytesMax = 16 * 1024 * 1024;

/** How far back an uncle may be, and how many a block may have. */
const uncleDistanceMax = 6;
const unclesMax = 2;

/** Root of a trie that holds nothing, and Keccak-256 of the RLP of an empty list. */
const emptyTrieRoot = "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421";
const emptyList = new Uint8Array([0xc0]);

/** A block of the file. */
export interface Era1Block {
  readonly number: number;
  readonly header: Header;
  readonly uncles: readonly Header[];
  /** How many transactions it has. */
  readonly transactions: number;
  /** Difficulties of all blocks up to this one. */
  readonly totalDifficulty: bigint;
  /** Header and body as the file has them, uncompressed. */
  readonly rlp: { readonly header: Uint8Array; readonly body: Uint8Array };
}

/** See the head of this file. */
export class Era1File {
  readonly path: string;
  readonly firstNumber: number;
  readonly lastNumber: number;
  readonly #entries: EntryFile;
  readonly #index: BlockIndex;
  readonly #libraries: Era1Libraries;

  private constructor(entries: EntryFile, index: BlockIndex, libraries: Era1Libraries) {
    this.path = entries.path;
    this.firstNumber = index.firstNumber;
    this.lastNumber = index.firstNumber + index.blocks.length - 1;
    this.#entries = entries;
    this.#index = index;
    this.#libraries = libraries;
  }

  /**
   * Opens a file and reads its index. `HF_FORMAT_UNKNOWN`: it is no era1 file. `HF_CORRUPTION`: its end is missing or damaged. `HF_IO`: it can't be
   * read. `HF_PACKAGE_MISSING`: a library is not installed.
   */
  static async open(path: string): Promise<Era1File> {
    const libraries = await loadEra1Libraries();
    const entries = await EntryFile.open(path);
    try {
      await checkVersion(entries);
      return new Era1File(entries, await readBlockIndex(entries), libraries);
    } catch (error) {
      await entries.close().catch(() => undefined);
      throw error;
    }
  }

  /**
   * The blocks from `first` to the last one, checked. The block before `first` is read too, where the file has it, so that `first` is held
   * against it; the accumulator is checked where every block was read. One reading at a time.
   */
  async *blocks(first: number = this.firstNumber): AsyncGenerator<Era1Block, void, undefined> {
    const start = Math.max(first - 1, this.firstNumber);
    const tree = start === this.firstNumber ? new AccumulatorTree(blocksMax) : undefined;
    let before: Era1Block | undefined;
    let end = 0;
    for (let number = start; number <= this.lastNumber; number++) {
      const offset = this.#index.blocks[number - this.firstNumber] ?? 0;
      if (end !== 0 && end !== offset)
        throw this.#entries.damaged(offset, `block ${number} to start where the one before ends, at ${end}`, "a gap");
      const read = await this.#readBlock(number, offset, before);
      tree?.add(read.block.header.hash, read.block.totalDifficulty);
      end = read.end;
      before = read.block;
      if (number >= first) yield read.block;
    }
    if (tree !== undefined) await this.#checkAccumulator(end, tree.root());
  }

  close(): Promise<void> {
    return this.#entries.close();
  }

  async #readBlock(
    number: number,
    offset: number,
    before: Era1Block | undefined,
  ): Promise<{ readonly block: Era1Block; readonly end: number }> {
    const headerEntry = await this.#entry("header", offset, headerBytesMax);
    const { header, bytes: headerRlp } = this.#decode(headerEntry, headerBytesMax, (bytes) => ({
      header: decodeHeader(bytes, this.#libraries),
      bytes,
    }));
    const check = (isSound: boolean, expected: string, found: string): void => {
      if (!isSound) throw this.#entries.damaged(offset, expected, found);
    };
    check(header.number === number, `block ${number}`, `block ${header.number}`);
    if (before !== undefined)
      check(
        equalBytes(header.parentHash, before.header.hash),
        `a block whose parent is ${toHex(before.header.hash)}`,
        `one whose parent is ${toHex(header.parentHash)}`,
      );

    const bodyEntry = await this.#entry("body", headerEntry.end, bodyBytesMax);
    const { transactions, uncles, unclesHash, bytes } = this.#decode(bodyEntry, bodyBytesMax, (bytes) => ({
      ...this.#body(bytes),
      bytes,
    }));
    check(equalBytes(unclesHash, header.unclesHash), "the uncles that the header names", "others");
    check(uncles.length <= unclesMax, `at most ${unclesMax} uncles`, `${uncles.length}`);
    for (const uncle of uncles)
      check(
        uncle.number < number && uncle.number >= number - uncleDistanceMax,
        `uncles of the ${uncleDistanceMax} blocks before ${number}`,
        `one of block ${uncle.number}`,
      );
    check(
      (transactions === 0) === (toHex(header.transactionsRoot) === emptyTrieRoot),
      `the transactions of root ${toHex(header.transactionsRoot)}`,
      `${transactions} transactions`,
    );

    const receiptsEntry = await this.#entry("receipts", bodyEntry.end, receiptsBytesMax);
    const hasReceipts = !this.#decode(receiptsEntry, receiptsBytesMax, (bytes) => equalBytes(bytes, emptyList));
    check(hasReceipts === transactions > 0, `the receipts of ${transactions} transactions`, "others");
    check(
      hasReceipts || toHex(header.receiptsRoot) === emptyTrieRoot,
      `the receipts of root ${toHex(header.receiptsRoot)}`,
      "none",
    );

    const difficultyEntry = await this.#entry("totalDifficulty", receiptsEntry.end, 32);
    const totalDifficulty = littleEndian(difficultyEntry.data);
    if (before !== undefined || number === 0) {
      const sum = (before?.totalDifficulty ?? 0n) + header.difficulty;
      check(totalDifficulty === sum, `a total difficulty of ${sum}`, `${totalDifficulty}`);
    }
    const rlp = { header: headerRlp, body: bytes };
    return { block: { number, header, uncles, transactions, totalDifficulty, rlp }, end: difficultyEntry.end };
  }

  #body(bytes: Uint8Array): { transactions: number; uncles: Header[]; unclesHash: Uint8Array } {
    const { decodeRlp, encodeRlp } = this.#libraries;
    const [transactions, uncles] = listOf(decodeRlp(bytes), "body");
    const headers = listOf(uncles, "uncles");
    return {
      transactions: listOf(transactions, "transactions").length,
      uncles: headers.map((header) => headerOf(header, keccak256.hash(encodeRlp(header)))),
      unclesHash: keccak256.hash(encodeRlp(headers)),
    };
  }

  /** An entry of a certain type. */
  async #entry(name: keyof typeof entryTypes, offset: number, bytesMax: number): Promise<Entry> {
    const entry = await this.#entries.entryAt(offset, bytesMax);
    if (entry.type !== entryTypes[name])
      throw this.#entries.damaged(offset, `an entry of type ${entryTypes[name]}`, `one of type ${entry.type}`);
    return entry;
  }

  /** What an entry's frames hold, read by `decode`; whatever that throws is damage. */
  #decode<T>({ data, offset }: Entry, bytesMax: number, decode: (bytes: Uint8Array) => T): T {
    try {
      return decode(unframe(data, bytesMax, this.#libraries.uncompress));
    } catch (error) {
      const found = error instanceof Error ? error.message : String(error);
      throw this.#entries.damaged(offset, "a part of a block", found, error);
    }
  }

  /** Passes over entries of other types up to the accumulator. */
  async #checkAccumulator(start: number, root: Uint8Array): Promise<void> {
    for (let offset = start; offset < this.#index.offset;) {
      const entry = await this.#entries.entryAt(offset, this.#index.offset - offset);
      if (entry.type === entryTypes.accumulator) {
        if (equalBytes(entry.data, root)) return;
        throw this.#entries.damaged(offset, `the accumulator ${toHex(root)}`, toHex(entry.data.subarray(0, 32)));
      }
      offset = entry.end;
    }
    throw this.#entries.damaged(start, "an accumulator", "none before the block index");
  }
}

async function checkVersion(entries: EntryFile): Promise<void> {
  if (entries.bytes >= entryHeaderBytes) {
    const header = await entries.read(0, entryHeaderBytes, "the version");
    if (readU32(header, 0) === entryTypes.version && readU32(header, 4) === 0) return;
  }
  const message = `${entries.path} is no era1 file: it does not begin with the version of one.`;
  throw new FormatError("HF_FORMAT_UNKNOWN", message, { path: entries.path });
}

function littleEndian(bytes: Uint8Array): bigint {
  let integer = 0n;
  for (const byte of bytes.toReversed()) integer = (integer << 8n) | BigInt(byte);
  return integer;
}
