import { describe, expect, it, vi } from "vitest";
import { toHex } from "../base/index.js";
import { LtHash } from "./index.js";
import { plainKernel } from "./kernel/plain-kernel.js";
import { simdKernel } from "./kernel/simd-kernel.js";
import { describeLtHash } from "./lt-hash.contract.js";

const simd = simdKernel();

describeLtHash(plainKernel());
if (simd !== undefined) describeLtHash(simd);

describe("the choice of a kernel", () => {
  it("takes SIMD, which every machine that runs these tests has", () => {
    expect(simd?.name).toBe("simd");
  });

  it("does without where WebAssembly is switched off, does not know the module's instructions, or refuses to compile", () => {
    const refuse = function refuse(): never {
      throw new RangeError("no");
    };
    try {
      vi.stubGlobal("WebAssembly", undefined);
      expect(simdKernel()).toBeUndefined();
      vi.stubGlobal("WebAssembly", { validate: () => false });
      expect(simdKernel()).toBeUndefined();
      vi.stubGlobal("WebAssembly", { validate: () => true, Module: refuse, Instance: refuse });
      expect(simdKernel()).toBeUndefined();
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it("is a matter of each hash: those of different kernels can be mixed, compared and copied", () => {
    const key = Uint8Array.of(1);
    const plain = new LtHash(plainKernel());
    plain.add(key, key);
    const other = new LtHash(simd);
    other.add(key, key);
    expect(other.equals(plain)).toBe(true);
    expect(toHex(other.checksum())).toBe(toHex(plain.checksum()));
    other.mixIn(plain);
    other.remove(key, key);
    expect(other.equals(plain)).toBe(true);
    plain.set(other);
    plain.remove(key, key);
    expect(plain.isZero()).toBe(true);
  });
});
