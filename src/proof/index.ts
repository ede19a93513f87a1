export { buildRoot } from "./build-root.js";
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
export { siblingsInList } from "./path-proof.js";
export type { PathProof, Terminal } from "./path-proof.js";
