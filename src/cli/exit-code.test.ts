import { describe, expect, it } from "vitest";
import {
  ConflictError,
  CorruptionError,
  FormatError,
  InvalidArgumentError,
  IoError,
  LockedError,
  StateError,
} from "../base/index.js";
import { UsageError } from "./arguments.js";
import { exitCodeMeanings, exitCodeOf, exitCodes } from "./exit-code.js";
import { InterruptedError } from "./interruption.js";

const io = new IoError("write", "f", { code: "ENOSPC" });

describe("exit codes", () => {
  it.each([
    ["usage", new UsageError("x"), 2],
    ["invalid argument", new InvalidArgumentError("HF_INVALID_ARGUMENT", "x"), 2],
    ["conflict", new ConflictError("HF_OPTION_MISMATCH", "x"), 2],
    ["corruption", new CorruptionError({ path: "f", offset: 0, expected: "a", found: "b" }), 1],
    ["format", new FormatError("HF_FORMAT_NEWER", "x"), 1],
    ["locked", new LockedError("f", 1), 3],
    ["io", io, 4],
    ["poisoned by io", new StateError("HF_POISONED", "x", {}, io), 4],
    ["a bare system error", Object.assign(new Error("x"), { code: "EACCES" }), 4],
    ["interrupted", new InterruptedError("SIGINT"), 130],
    ["a bug", new TypeError("x"), 70],
    ["an error of Node's own", Object.assign(new Error("x"), { code: "ERR_INVALID_ARG_TYPE" }), 70],
  ])("%s", (_what, error, code) => {
    expect(exitCodeOf(error)).toBe(code);
  });

  it("gives every code one meaning", () => {
    expect(exitCodeMeanings.map(([code]) => code).sort()).toEqual(Object.values(exitCodes).sort());
  });
});
