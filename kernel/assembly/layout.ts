/** Where things lie in the module's one page of memory. */

/** A preimage of at most one chunk, and room behind it to fill up the last block. */
export const INPUT: usize = memory.data(1024 + 64, 16);
/** The chaining value: 8 words. */
export const CHAIN: usize = memory.data(32, 16);
/** The message of the root node, each word four times. */
export const MESSAGE: usize = memory.data(16 * 16, 16);
/** The state as the first round leaves it where it does not depend on the block of output. */
export const START: usize = memory.data(16 * 16, 16);
/** The lanes of the hashes that are being folded into: 2,048 bytes each. */
export const SLOTS: usize = memory.data(30 * 2048, 16);
