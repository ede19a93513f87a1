import { CHUNK_BYTES, RootNode } from "../root-node.js";
import { ELEMENT_BYTES, ELEMENT_WORDS } from "./kernel.js";
import type { Accumulator, LtHashKernel } from "./kernel.js";
import { PreimageBuffer, preimageBytes, writePreimage } from "./preimage.js";
import { SIMD_MODULE } from "./simd-module.generated.js";

/** As many hashes as are folded into without their lanes moving; the module has room for 30. */
const SLOTS = 30;
const CHAIN_WORDS = 8;
const BLOCK_WORDS = 16;

/** What is used of WebAssembly, which no library that this is compiled with describes. Absent where the machine has it switched off. */
declare const WebAssembly:
  | {
      validate(bytes: Uint8Array): boolean;
      Module: new (bytes: Uint8Array) => object;
      Instance: new (module: object) => { readonly exports: unknown };
    }
  | undefined;

/** The exports of `kernel/assembly/lt-hash.ts`. */
interface SimdModule {
  readonly memory: { readonly buffer: ArrayBuffer };
  inputAt(): number;
  chainAt(): number;
  slotsAt(): number;
  fold(lanes: number, length: number, subtract: boolean): void;
  foldRoot(lanes: number, length: number, flags: number, subtract: boolean): void;
}

/**
 * The kernel that computes four blocks of output at a time in WebAssembly, or nothing where the machine can't: WebAssembly or its SIMD
 * is missing, or words are big-endian.
 *
 * Lanes are in exactly one place: in memory of their own, or in a slot of the module's memory, where folding moves them and where they stay
 * until another hash needs the slot. So pair after pair goes into the same hashes without copying lanes.
 */
export function simdKernel(): LtHashKernel | undefined {
  const module = instantiate();
  if (module === undefined) return undefined;
  const slots = new Slots(module);
  return { name: "simd", accumulator: () => new SimdAccumulator(slots) };
}

function instantiate(): SimdModule | undefined {
  const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
  if (typeof WebAssembly === "undefined" || !isLittleEndian) return undefined;
  const bytes = Uint8Array.from(atob(SIMD_MODULE), (character) => character.charCodeAt(0));
  if (!WebAssembly.validate(bytes)) return undefined;
  try {
    return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as SimdModule;
  } catch {
    // A content security policy forbids it, or there is no room for its address range. The other kernel gives the same hashes.
    return undefined;
  }
}

/** The module, and which accumulators have their lanes in it. */
class Slots {
  readonly module: SimdModule;
  readonly input: Uint8Array;
  readonly #block: Int32Array;
  readonly #chain: Int32Array;
  readonly #root: RootNode = new RootNode();
  readonly #buffer: PreimageBuffer = new PreimageBuffer();
  readonly #lanes: Int32Array[] = [];
  readonly #addresses: number[] = [];
  readonly #owners: (SimdAccumulator | undefined)[] = [];
  #next = 0;

  constructor(module: SimdModule) {
    this.module = module;
    const { buffer } = module.memory;
    this.input = new Uint8Array(buffer, module.inputAt(), CHUNK_BYTES);
    this.#block = new Int32Array(buffer, module.inputAt(), BLOCK_WORDS);
    this.#chain = new Int32Array(buffer, module.chainAt(), CHAIN_WORDS);
    for (let slot = 0; slot < SLOTS; slot++) {
      const address = module.slotsAt() + slot * ELEMENT_BYTES;
      this.#addresses.push(address);
      this.#lanes.push(new Int32Array(buffer, address, ELEMENT_WORDS));
      this.#owners.push(undefined);
    }
  }

  lanes(slot: number): Int32Array {
    return this.#lanes[slot]!;
  }

  address(slot: number): number {
    return this.#addresses[slot]!;
  }

  /** A slot for `owner`, taken in turn from whoever has it. A hash that is no longer used keeps its slot until then. */
  assign(owner: SimdAccumulator): number {
    const slot = this.#next;
    this.#next = (slot + 1) % SLOTS;
    this.#owners[slot]?.leave();
    this.#owners[slot] = owner;
    return slot;
  }

  /** Folds a pair whose preimage is longer than a chunk. */
  foldLong(address: number, bytes: number, key: Uint8Array, value: Uint8Array, subtract: boolean): void {
    const preimage = this.#buffer.take(bytes);
    writePreimage(preimage, key, value);
    const root = this.#root;
    root.absorb(preimage, bytes);
    for (let word = 0; word < CHAIN_WORDS; word++) this.#chain[word] = root.chain[word]!;
    this.#block.set(root.block);
    this.module.foldRoot(address, root.length, root.flags, subtract);
  }
}

class SimdAccumulator implements Accumulator {
  readonly #slots: Slots;
  /** The lanes, unless they are in a slot. */
  readonly #own: Int32Array = new Int32Array(ELEMENT_WORDS);
  #slot = -1;

  constructor(slots: Slots) {
    this.#slots = slots;
  }

  get words(): Int32Array {
    return this.#slot === -1 ? this.#own : this.#slots.lanes(this.#slot);
  }

  fold(key: Uint8Array, value: Uint8Array, subtract: boolean): void {
    const slots = this.#slots;
    if (this.#slot === -1) this.#enter();
    const bytes = preimageBytes(key, value);
    if (bytes > CHUNK_BYTES) {
      slots.foldLong(slots.address(this.#slot), bytes, key, value, subtract);
    } else {
      writePreimage(slots.input, key, value);
      slots.module.fold(slots.address(this.#slot), bytes, subtract);
    }
  }

  /** Takes the lanes back, because the slot goes to another. */
  leave(): void {
    this.#own.set(this.words);
    this.#slot = -1;
  }

  #enter(): void {
    this.#slot = this.#slots.assign(this);
    this.#slots.lanes(this.#slot).set(this.#own);
  }
}
