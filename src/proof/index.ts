export { buildRoot } from "./build-root.js";
export { decodeMultiProof, decodePathProof, encodeMultiProof, encodePathProof } from "./format.js";
export { LEAF_BYTES, LEAF_WORDS, LeafList } from "./leaf-list.js";
export {
  KEY_BITS,
  NODE_BYTES,
  NODE_WORDS,
  bitAt,
  compareKeys,
  copyNode,
  hashInternal,
  hashLeaf,
  isLeaf,
  isTerminator,
  loadNode,
  nodeBytes,
  pathOf,
  sameNode,
  sharedBits,
  writeTerminator,
} from "./node.js";
export { multiProofOf } from "./multi-proof.js";
export { siblingsInList } from "./path-proof.js";
export { verifyMultiProof, verifyPathProof, verifyUpdate } from "./verify.js";
export type { KeyState } from "./key-states.js";
export type { MultiProof } from "./multi-proof.js";
export type { PathProof } from "./path-proof.js";
export type { ProofPath } from "./path-table.js";
export type { Terminal } from "./terminal.js";
export type { MultiClaim, PathClaim, UpdateClaim } from "./verify.js";
