/** The records of the store: what is encoded comes out again, and bytes that are none never raise an error of their own. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LtHash } from "../hash/index.js";
import { type Books, encodeBooks, parseBooks } from "./books.js";
import {
  COMMIT_RECORD,
  type Commit,
  type CommitHeader,
  decodeCommit,
  encodeCommit,
  readCommitHeader,
} from "./commit-format.js";
import { encodeMetadata, parseMetadata } from "./row-format.js";

const bytesOf = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
const checksum = bytesOf(32);
const number = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

const row = fc.record({
  key: fc.uint8Array({ minLength: 1, maxLength: 300 }),
  value: fc.option(fc.uint8Array({ minLength: 1, maxLength: 700 }), { nil: undefined }),
});
const changed = fc.record({
  checksum,
  hash: bytesOf(LtHash.bytes).map((bytes) => LtHash.fromBytes(bytes)),
  rows: fc.array(row, { maxLength: 12 }),
});
const untouched = checksum.map((sum) => ({ checksum: sum, hash: undefined, rows: [] }));
const commits: fc.Arbitrary<Commit> = fc.record({
  storeId: bytesOf(16),
  timeline: fc.integer({ min: 1, max: 0xffff_ffff }),
  version: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  databases: fc.array(fc.oneof(changed, untouched), { minLength: 1, maxLength: 4 }),
});

function headerOf(payload: Uint8Array): CommitHeader {
  const header = readCommitHeader(COMMIT_RECORD, payload);
  if (header === undefined || !("version" in header)) throw new Error("not a commit of this format");
  return header;
}

describe("a commit", () => {
  test("comes out of its records as it was, in however many parts", () => {
    fc.assert(
      fc.property(commits, fc.integer({ min: 200, max: 20_000 }), (commit, recordBytesMax) => {
        const records = encodeCommit(commit, recordBytesMax);
        for (const [part, record] of records.entries()) {
          expect(record.length).toBeLessThanOrEqual(recordBytesMax);
          expect(headerOf(record)).toEqual({
            storeId: commit.storeId,
            timeline: commit.timeline,
            version: commit.version,
            part,
            parts: records.length,
          });
        }
        const decoded = decodeCommit(headerOf(records[0]!), records)!;
        const plain = ({ databases }: Commit): unknown =>
          databases.map(({ hash, ...rest }) => ({ ...rest, hash: hash?.toBytes() }));
        expect(plain(decoded)).toEqual(plain(commit));
      }),
    );
  });

  test("that was cut, or is none, is told and raises nothing", () => {
    expect(readCommitHeader(COMMIT_RECORD, new Uint8Array(0))).toBeUndefined();
    fc.assert(
      fc.property(commits, fc.nat(), fc.nat(), (commit, cut, flip) => {
        const [record] = encodeCommit(commit, 1 << 20);
        const header = headerOf(record!);
        const short = record!.subarray(0, Math.max(36, cut % record!.length));
        if (short.length < record!.length) expect(decodeCommit(header, [short])).toBeUndefined();
        const flipped = record!.slice();
        flipped[36 + (flip % (flipped.length - 36))]! ^= 1 + (cut % 255);
        expect(() => decodeCommit(header, [flipped])).not.toThrow();
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
        expect(() => readCommitHeader(COMMIT_RECORD, noise)).not.toThrow();
      }),
    );
  });
});

describe("metadata", () => {
  test("come out as they were, and every flipped byte is told", () => {
    fc.assert(
      fc.property(bytesOf(16), number, bytesOf(LtHash.bytes), fc.nat(), (storeId, version, hash, flip) => {
        const metadata = { storeId, database: "accounts", timeline: 3, version, hash: LtHash.fromBytes(hash) };
        const encoded = encodeMetadata(metadata);
        const parse = parseMetadata(encoded);
        expect(parse).toMatchObject({
          kind: "sound",
          metadata: { storeId, database: "accounts", timeline: 3, version },
        });
        encoded[flip % encoded.length]! ^= 1 + (flip % 255);
        expect(parseMetadata(encoded)).toMatchObject({ kind: "damaged" });
      }),
    );
  });
});

describe("books", () => {
  const state = (names: number): fc.Arbitrary<Books["base"]> =>
    fc.record({ version: number, lsn: number, checksums: fc.array(checksum, { minLength: names, maxLength: names }) });
  const books = fc.integer({ min: 1, max: 8 }).chain((names) => {
    const directories = fc.array(number, { minLength: names, maxLength: names });
    return fc.record({
      storeId: bytesOf(16),
      engine: fc.constantFrom("memory", "classic-level"),
      names: fc.constant(Array.from({ length: names }, (_, at) => `${"n".repeat(60)}${at}`)),
      directories,
      nextDirectory: number,
      timeline: fc.integer({ min: 1, max: 0xffff_ffff }),
      timelineLsn: number,
      base: state(names),
      synced: fc.record({ version: number, lsn: number }),
      snapshots: fc.array(
        fc.tuple(state(names), directories).map(([known, copies]) => ({ ...known, timeline: 1, directories: copies })),
        { maxLength: 8 },
      ),
    });
  });

  test("come out as they were, and always fit into a slot of the anchor", () => {
    fc.assert(
      fc.property(books, (written) => {
        const encoded = encodeBooks(written);
        expect(encoded.length).toBeLessThan(4000);
        expect(parseBooks(encoded)).toEqual({ kind: "sound", books: written });
        expect(parseBooks(encoded.subarray(0, encoded.length - 1))).toMatchObject({ kind: "damaged" });
      }),
    );
  });

  test("that are none are told and raise nothing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (noise) => {
        expect(parseBooks(noise).kind).not.toBe("sound");
      }),
    );
  });
});
