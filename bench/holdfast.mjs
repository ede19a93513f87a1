/** The built package under measurement. The one place that says where it lies. */
export { classicLevel } from "../dist/engine/index.js";
export { EventLog, bytes, defineEvents, event, json, snapshot } from "../dist/events/index.js";
export { FlatKv, importFlatKv } from "../dist/flatkv/index.js";
export { LtHash, blake3 } from "../dist/hash/index.js";
export { plainKernel } from "../dist/hash/kernel/plain-kernel.js";
export { LaneSet } from "../dist/lanes/index.js";
export { Log } from "../dist/log/index.js";
export { SharedLog } from "../dist/streams/index.js";
export { Page, PageDiff, PageStore } from "../dist/pages/index.js";
export { verifyPathProof } from "../dist/proof/index.js";
export { MerkleStore } from "../dist/trie/index.js";
