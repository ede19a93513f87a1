import { invalid, writeU32 } from "../base/index.js";
import { checkBytes } from "./check-bytes.js";
import { hashPair, hashWords } from "./compress.generated.js";
import type { Hasher } from "./hasher.js";
import { BLOCK_BYTES, RootNode } from "./root-node.js";

const DIGEST_BYTES = 32;
const U32_MAX = 0xffff_ffff;

/** Nothing in here outlives a call. */
const root: RootNode = /* @__PURE__ */ new RootNode();

/** BLAKE3, unkeyed. In plain TypeScript: for the short inputs of tree nodes, entering WebAssembly costs more than it saves. */
export const blake3: Hasher = {
  name: "blake3",
  bytes: DIGEST_BYTES,
  hash(data) {
    checkBytes("blake3.hash", "data", data);
    root.absorb(data, data.length);
    return digest();
  },
  hash2(left, right) {
    checkBytes("blake3.hash2", "left", left);
    checkBytes("blake3.hash2", "right", right);
    if (left.length === DIGEST_BYTES && right.length === DIGEST_BYTES) {
      const out = new Uint8Array(DIGEST_BYTES);
      hashPair(left, right, out);
      return out;
    }
    const both = new Uint8Array(left.length + right.length);
    both.set(left);
    both.set(right, left.length);
    root.absorb(both, both.length);
    return digest();
  },
  hashInto(data, target, targetAt) {
    checkBytes("blake3.hashInto", "data", data);
    root.absorb(data, data.length);
    root.expand(0);
    for (let word = 0; word < DIGEST_BYTES / 4; word++) target[targetAt + word] = root.output[word]!;
  },
  hashWords,
};

/**
 * The first `bytes` bytes of BLAKE3's extended output over `data`, of which {@link blake3}'s digest is the beginning. A number of bytes that
 * is no integer from 0 to 2^32 − 1, or anything but a `Uint8Array`: `InvalidArgumentError`.
 */
export function blake3Xof(data: Uint8Array, bytes: number): Uint8Array {
  checkBytes("blake3Xof", "data", data);
  if (!Number.isInteger(bytes) || bytes < 0 || bytes > U32_MAX)
    throw invalid("blake3Xof", "bytes", bytes, `an integer from 0 to ${U32_MAX}`);
  root.absorb(data, data.length);
  const out = new Uint8Array(bytes);
  for (let counter = 0, at = 0; at < bytes; counter++, at += BLOCK_BYTES) {
    root.expand(counter);
    const end = Math.min(bytes - at, BLOCK_BYTES);
    for (let byte = 0; byte < end; byte++) out[at + byte] = root.output[byte >>> 2]! >>> ((byte & 3) << 3);
  }
  return out;
}

function digest(): Uint8Array {
  root.expand(0);
  const out = new Uint8Array(DIGEST_BYTES);
  for (let word = 0; word < DIGEST_BYTES / 4; word++) writeU32(out, word * 4, root.output[word]!);
  return out;
}
