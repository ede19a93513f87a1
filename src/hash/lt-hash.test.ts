import { describe, expect, it } from "vitest";
import { toHex } from "../base/index.js";
import { LtHash } from "./index.js";

const text = new TextEncoder();
const b = (s: string) => text.encode(s);

describe("the vectors", () => {
  it("has the checksum of zero", () => {
    expect(toHex(new LtHash().checksum())).toBe("be2a8de3dcf46c94ce85cdc8e07ac308f4d8a95490d956c38d780fd610db0813");
  });
  it("has key/value", () => {
    const hash = new LtHash();
    hash.add(b("key"), b("value"));
    const hex = toHex(hash.toBytes());
    expect(hex.slice(0, 64)).toBe("c8a687cdf3d959e72540fd749d0f1a5250d03deef86a4d8917ce8ba815184991");
    expect(hex.slice(-32)).toBe("0e7b93735139e3fdde5693c882bbdb67");
    hash.remove(b("key"), b("value"));
    expect(hash.isZero()).toBe(true);
  });
});
