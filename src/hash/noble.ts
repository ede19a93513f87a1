import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { keccak_256 as nobleKeccak256 } from "@noble/hashes/sha3.js";
import { readU32 } from "../base/index.js";
import { checkBytes } from "./check-bytes.js";
import type { Hasher } from "./hasher.js";

const BLOCK_BYTES = 64;
const DIGEST_WORDS = 8;

/** SHA-256 (FIPS 180-4). */
export const sha256: Hasher = /* @__PURE__ */ hasherOf("sha256", nobleSha256);

/** Keccak-256 as Ethereum uses it: with Keccak's own padding, which is not that of SHA3-256. */
export const keccak256: Hasher = /* @__PURE__ */ hasherOf("keccak256", nobleKeccak256);

interface NobleHash {
  (data: Uint8Array): Uint8Array;
  create(): NobleState;
}

interface NobleState {
  update(data: Uint8Array): NobleState;
  digest(): Uint8Array;
}

function hasherOf(name: "sha256" | "keccak256", hash: NobleHash): Hasher {
  const block = new Uint8Array(BLOCK_BYTES);
  const blockWords = new Int32Array(block.buffer);
  return {
    name,
    bytes: 32,
    hash(data) {
      checkBytes(`${name}.hash`, "data", data);
      return hash(data);
    },
    hash2(left, right) {
      checkBytes(`${name}.hash2`, "left", left);
      checkBytes(`${name}.hash2`, "right", right);
      return hash.create().update(left).update(right).digest();
    },
    hashInto(data, target, targetAt) {
      checkBytes(`${name}.hashInto`, "data", data);
      loadDigest(hash(data), target, targetAt);
    },
    hashWords(source, at, target, targetAt) {
      for (let word = 0; word < blockWords.length; word++) blockWords[word] = source[at + word]!;
      loadDigest(hash(block), target, targetAt);
    },
  };
}

function loadDigest(digest: Uint8Array, target: Int32Array, targetAt: number): void {
  for (let word = 0; word < DIGEST_WORDS; word++) target[targetAt + word] = readU32(digest, word * 4);
}
