export { Anchor } from "./anchor.js";
export type { AnchorMode } from "./format.js";
export type { AnchorOptions, PeekOptions } from "./options.js";
export type { PeekedAnchor, PeekedSlot } from "./peek.js";
