export { Anchor } from "./anchor.js";
export { openAnchored } from "./anchored-directory.js";
export type { AnchoredDirectory } from "./anchored-directory.js";
export type { AnchorMode } from "./format.js";
export type { AnchorOptions, PeekOptions } from "./options.js";
export type { PeekedAnchor, PeekedSlot } from "./peek.js";
