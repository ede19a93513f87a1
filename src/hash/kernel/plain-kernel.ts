import { BLOCK_BYTES, RootNode } from "../root-node.js";
import { ELEMENT_BYTES, ELEMENT_WORDS } from "./kernel.js";
import type { Accumulator, LtHashKernel } from "./kernel.js";
import { addLanes, subtractLanes } from "./lanes.js";
import { PreimageBuffer, preimageBytes, writePreimage } from "./preimage.js";

const BLOCK_WORDS = 16;

/** The kernel for machines without WebAssembly or its SIMD: plain TypeScript. */
export function plainKernel(): LtHashKernel {
  // Shared by all accumulators, because nothing in them outlives a fold.
  const root = new RootNode();
  const buffer = new PreimageBuffer();

  return {
    name: "plain",
    accumulator(): Accumulator {
      const words = new Int32Array(ELEMENT_WORDS);
      return {
        words,
        fold(key, value, subtract) {
          const bytes = preimageBytes(key, value);
          const preimage = buffer.take(bytes);
          writePreimage(preimage, key, value);
          root.absorb(preimage, bytes);
          for (let block = 0; block < ELEMENT_BYTES / BLOCK_BYTES; block++) {
            root.expand(block);
            foldBlock(words, block * BLOCK_WORDS, root.output, subtract);
          }
        },
      };
    },
  };
}

function foldBlock(words: Int32Array, first: number, output: Int32Array, subtract: boolean): void {
  if (subtract) {
    for (let word = 0; word < BLOCK_WORDS; word++)
      words[first + word] = subtractLanes(words[first + word]!, output[word]!);
  } else {
    for (let word = 0; word < BLOCK_WORDS; word++) words[first + word] = addLanes(words[first + word]!, output[word]!);
  }
}
