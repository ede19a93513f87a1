import { describe, expect, it } from "vitest";
import { checkBoolean, checkInteger, checkOneOf, checkOptions } from "./check-options.js";
import { InvalidArgumentError } from "./errors.js";

function errorOf(act: () => unknown): InvalidArgumentError {
  try {
    act();
  } catch (error) {
    if (error instanceof InvalidArgumentError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("checkOptions", () => {
  interface Options {
    readonly blockBytes?: number;
    readonly torn?: string;
  }

  it("names the unknown option and who was asked", () => {
    const options = { blockbytes: 1 } as Options;
    const error = errorOf(() => checkOptions<Options>("Log.open", options, ["blockBytes", "torn"]));
    expect(error.code).toBe("HF_UNKNOWN_OPTION");
    expect(error.details).toEqual({ where: "Log.open", option: "blockbytes", allowed: "blockBytes, torn" });
  });

  it("gives back the object, and an empty one for undefined", () => {
    const options: Options = { blockBytes: 1 };
    expect(checkOptions<Options>("Log.open", options, ["blockBytes", "torn"])).toBe(options);
    expect(checkOptions<Options>("Log.open", undefined, ["blockBytes", "torn"])).toEqual({});
  });

  it("refuses what is not an object", () => {
    for (const wrong of [null, 4, "x", true]) {
      expect(errorOf(() => checkOptions<Options>("Log.open", wrong as Options, [])).code).toBe("HF_INVALID_ARGUMENT");
    }
  });
});

describe("checkInteger", () => {
  const check = (value: unknown, range = { min: 512, max: 65_536 }): number =>
    checkInteger("Log.open", "blockBytes", value as number, range, 4096);

  it("takes both ends of the range and falls back when absent", () => {
    expect(check(512)).toBe(512);
    expect(check(65_536)).toBe(65_536);
    expect(check(undefined)).toBe(4096);
  });

  it("refuses everything else, without clamping", () => {
    for (const wrong of [511, 65_537, -1, 1000.5, Number.NaN, Infinity, "512", 512n, null, {}, 2 ** 60]) {
      const error = errorOf(() => check(wrong));
      expect(error.code).toBe("HF_INVALID_ARGUMENT");
      expect(error.details["option"]).toBe("blockBytes");
      expect(error.details["allowed"]).toBe("an integer from 512 to 65536");
    }
  });

  it("can ask for a power of two or a multiple", () => {
    const power = { min: 512, max: 65_536, powerOfTwo: true };
    expect(check(8192, power)).toBe(8192);
    expect(errorOf(() => check(8191, power)).code).toBe("HF_INVALID_ARGUMENT");
    const multiple = { min: 0, max: 65_536, multipleOf: 512 };
    expect(check(1536, multiple)).toBe(1536);
    expect(errorOf(() => check(1537, multiple)).code).toBe("HF_INVALID_ARGUMENT");
  });
});

describe("checkBoolean and checkOneOf", () => {
  it("take what is allowed and fall back when absent", () => {
    expect(checkBoolean("w", "n", true, false)).toBe(true);
    expect(checkBoolean("w", "n", undefined, true)).toBe(true);
    expect(checkOneOf("w", "n", "b", ["a", "b"], "a")).toBe("b");
    expect(checkOneOf("w", "n", undefined, ["a", "b"], "a")).toBe("a");
  });

  it("refuse the rest", () => {
    for (const wrong of [0, 1, "true", null]) {
      expect(errorOf(() => checkBoolean("w", "n", wrong as unknown as boolean, false)).code).toBe(
        "HF_INVALID_ARGUMENT",
      );
    }
    for (const wrong of ["c", "", 1, null]) {
      const error = errorOf(() => checkOneOf<"a" | "b", "a">("w", "n", wrong as unknown as "a", ["a", "b"], "a"));
      expect(error.code).toBe("HF_INVALID_ARGUMENT");
      expect(error.details["allowed"]).toBe('"a", "b"');
    }
  });
});
