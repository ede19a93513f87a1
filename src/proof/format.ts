/** The binary form of proofs: `docs/formats/proof.md`. */
import { FormatError, invalid, isZero, readU16, readU32, writeU16, writeU32 } from "../base/index.js";
import type { MultiProof } from "./multi-proof.js";
import { KEY_BITS, NODE_BYTES, pathOf } from "./node.js";
import type { PathProof } from "./path-proof.js";
import type { ProofPath } from "./path-table.js";
import { PathTable } from "./path-table.js";
import { areNodes, isObject } from "./terminal.js";

/** "HFPR" as it stands in the bytes. */
const MAGIC = 0x5250_4648;
const VERSION = 1;
const HEADER_BYTES = 8;
const VERSION_AT = 4;
const FORM_AT = 6;
const RESERVED_AT = 7;
const FORMS = ["path proof", "multiproof"] as const;
type Form = (typeof FORMS)[number];

const COUNT_BYTES = 4;
/** Kind and depth. */
const TERMINAL_HEAD_BYTES = 3;
const TERMINATOR = 0;
const LEAF = 1;

/** The bytes of a proof. `InvalidArgumentError` where it is malformed. */
export function encodePathProof(proof: PathProof): Uint8Array {
  const where = "encodePathProof";
  if (!isObject(proof) || !areNodes(proof.siblings)) throw invalid(where, "proof", proof, "a path proof");
  const { terminal, siblings } = proof;
  const path: ProofPath = { terminal, depth: siblings.length };
  if (PathTable.load([path]) === undefined) throw invalid(where, "proof", proof, "a path proof");
  const bytes = new Uint8Array(HEADER_BYTES + terminalBytes(path) + siblingBytes(siblings));
  writeHeader(bytes, "path proof");
  writeSiblings(bytes, writeTerminal(bytes, HEADER_BYTES, path), siblings);
  return bytes;
}

/** The bytes of a proof. `InvalidArgumentError` where it is malformed. */
export function encodeMultiProof(proof: MultiProof): Uint8Array {
  const where = "encodeMultiProof";
  const sound = isObject(proof) && areNodes(proof.siblings) && PathTable.load(proof.paths) !== undefined;
  if (!sound || proof.paths.length === 0 || proof.siblings.length > proof.paths.length * KEY_BITS)
    throw invalid(where, "proof", proof, "a multiproof");
  const { paths, siblings } = proof;
  const heads = paths.reduce((sum, path) => sum + terminalBytes(path), 0);
  const bytes = new Uint8Array(HEADER_BYTES + 2 * COUNT_BYTES + heads + siblingBytes(siblings));
  writeHeader(bytes, "multiproof");
  writeU32(bytes, HEADER_BYTES, paths.length);
  writeU32(bytes, HEADER_BYTES + COUNT_BYTES, siblings.length);
  let at = HEADER_BYTES + 2 * COUNT_BYTES;
  for (const path of paths) at = writeTerminal(bytes, at, path);
  writeSiblings(bytes, at, siblings);
  return bytes;
}

/**
 * The proof in these bytes, which it keeps no part of. Whether it proves anything is for {@link verifyPathProof} to say.
 *
 * `FormatError` otherwise: `HF_PROOF_MALFORMED`, `HF_FORMAT_UNKNOWN` (no proof), `HF_FORMAT_FOREIGN` (a multiproof), `HF_FORMAT_NEWER`. Takes
 * time and memory in proportion to the bytes, whatever they say.
 */
export function decodePathProof(bytes: Uint8Array): PathProof {
  const reader = new ProofReader("decodePathProof", bytes, "path proof");
  const { terminal, depth } = reader.terminal();
  const siblings = reader.siblings(depth);
  reader.end();
  return { terminal, siblings };
}

/** The multiproof in these bytes, on the terms of {@link decodePathProof}. */
export function decodeMultiProof(bytes: Uint8Array): MultiProof {
  const reader = new ProofReader("decodeMultiProof", bytes, "multiproof");
  const count = reader.count("paths", 1, (room) => room / TERMINAL_HEAD_BYTES);
  const siblingCount = reader.count("siblings", 0, (room) => Math.min(room * 8, count * KEY_BITS));
  const paths: ProofPath[] = [];
  for (let n = 0; n < count; n++) paths.push(reader.terminal());
  const siblings = reader.siblings(siblingCount);
  reader.end();
  return { paths, siblings };
}

function writeHeader(bytes: Uint8Array, form: Form): void {
  writeU32(bytes, 0, MAGIC);
  writeU16(bytes, VERSION_AT, VERSION);
  bytes[FORM_AT] = FORMS.indexOf(form) + 1;
}

function terminalBytes({ terminal, depth }: ProofPath): number {
  return TERMINAL_HEAD_BYTES + (terminal.kind === "leaf" ? 2 * NODE_BYTES : bytesOfBits(depth));
}

function writeTerminal(bytes: Uint8Array, at: number, path: ProofPath): number {
  const { terminal, depth } = path;
  const body = at + TERMINAL_HEAD_BYTES;
  writeU16(bytes, at + 1, depth);
  if (terminal.kind === "leaf") {
    bytes[at] = LEAF;
    bytes.set(terminal.key, body);
    bytes.set(terminal.valueHash, body + NODE_BYTES);
  } else {
    bytes[at] = TERMINATOR;
    bytes.set(terminal.path.subarray(0, bytesOfBits(depth)), body);
  }
  return at + terminalBytes(path);
}

function siblingBytes(siblings: readonly Uint8Array[]): number {
  return siblings.reduce((sum, node) => sum + (isZero(node) ? 0 : NODE_BYTES), bytesOfBits(siblings.length));
}

function writeSiblings(bytes: Uint8Array, at: number, siblings: readonly Uint8Array[]): void {
  let next = at + bytesOfBits(siblings.length);
  for (const [n, node] of siblings.entries()) {
    if (isZero(node)) continue;
    bytes[at + (n >>> 3)]! |= 0x80 >> (n & 7);
    bytes.set(node, next);
    next += NODE_BYTES;
  }
}

/** Reads from front to back. Nothing is read, and no memory taken, for what the bytes have no room for. */
class ProofReader {
  readonly #bytes: Uint8Array;
  #at = HEADER_BYTES;

  constructor(where: string, bytes: Uint8Array, form: Form) {
    if (!(bytes instanceof Uint8Array)) throw invalid(where, "bytes", bytes, "a Uint8Array");
    this.#bytes = bytes;
    if (bytes.length < HEADER_BYTES || readU32(bytes, 0) !== MAGIC)
      throw new FormatError(
        "HF_FORMAT_UNKNOWN",
        "These bytes are no proof of holdfast: they do not begin as one does.",
      );
    const version = readU16(bytes, VERSION_AT);
    if (version > VERSION)
      throw new FormatError(
        "HF_FORMAT_NEWER",
        `This proof has format version ${version}; this build reads up to ${VERSION}. Use a newer build.`,
        { version, supported: VERSION },
      );
    const found = FORMS[bytes[FORM_AT]! - 1];
    if (version !== VERSION || found === undefined || bytes[RESERVED_AT] !== 0)
      throw this.#malformed(VERSION_AT, "the header of a proof");
    if (found !== form)
      throw new FormatError("HF_FORMAT_FOREIGN", `This is a ${found}, and no ${form}. Decode it as what it is.`, {
        found,
        form,
      });
  }

  /** A number of things, of which the rest of the bytes, of length `room`, has place for `most(room)`. */
  count(name: string, least: number, most: (room: number) => number): number {
    const at = this.#take(COUNT_BYTES, `the number of ${name}`);
    const count = readU32(this.#bytes, at);
    if (count < least || count > most(this.#bytes.length - this.#at))
      throw this.#malformed(at, `a number of ${name} that the proof has room for`);
    return count;
  }

  terminal(): ProofPath {
    const at = this.#take(TERMINAL_HEAD_BYTES, "the end of a path");
    const kind = this.#bytes[at]!;
    const depth = readU16(this.#bytes, at + 1);
    if (kind > LEAF) throw this.#malformed(at, "a leaf or a terminator");
    if (depth > KEY_BITS) throw this.#malformed(at + 1, `a depth of at most ${KEY_BITS}`);
    if (kind === LEAF) {
      const body = this.#take(2 * NODE_BYTES, "a leaf");
      return { terminal: { kind: "leaf", key: this.#node(body), valueHash: this.#node(body + NODE_BYTES) }, depth };
    }
    const length = bytesOfBits(depth);
    const body = this.#take(length, "the path of a terminator");
    const path = pathOf(this.#bytes.subarray(body), depth);
    if (length > 0 && path[length - 1] !== this.#bytes[body + length - 1])
      throw this.#malformed(body + length - 1, "zeros behind the bits of a path");
    return { terminal: { kind: "terminator", path }, depth };
  }

  siblings(count: number): Uint8Array[] {
    const length = bytesOfBits(count);
    const map = this.#take(length, "the map of the siblings");
    if ((count & 7) !== 0 && (this.#bytes[map + length - 1]! & (0xff >> (count & 7))) !== 0)
      throw this.#malformed(map + length - 1, "zeros behind the bits of the map");
    const terminator = new Uint8Array(NODE_BYTES);
    const siblings: Uint8Array[] = [];
    for (let n = 0; n < count; n++) {
      if ((this.#bytes[map + (n >>> 3)]! & (0x80 >> (n & 7))) === 0) {
        siblings.push(terminator);
        continue;
      }
      const at = this.#take(NODE_BYTES, "a sibling");
      const node = this.#node(at);
      if (isZero(node)) throw this.#malformed(at, "a sibling that is no terminator");
      siblings.push(node);
    }
    return siblings;
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw this.#malformed(this.#at, "the end of the proof");
  }

  #take(length: number, what: string): number {
    const at = this.#at;
    if (this.#bytes.length - at < length) throw this.#malformed(at, what);
    this.#at = at + length;
    return at;
  }

  /** A copy; `slice` of a `Buffer` would be none. */
  #node(at: number): Uint8Array {
    const node = new Uint8Array(NODE_BYTES);
    node.set(this.#bytes.subarray(at, at + NODE_BYTES));
    return node;
  }

  #malformed(offset: number, expected: string): FormatError {
    return new FormatError(
      "HF_PROOF_MALFORMED",
      `This proof is malformed at byte ${offset} of ${this.#bytes.length}: expected ${expected}. Ask for another one.`,
      { offset, bytes: this.#bytes.length, expected },
    );
  }
}

function bytesOfBits(bits: number): number {
  return (bits + 7) >>> 3;
}
