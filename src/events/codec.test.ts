import { describe, expect, it } from "vitest";
import fc from "fast-check";
import type { Codec } from "../base/index.js";
import { SimVfs } from "../vfs/index.js";
import { bytes, cbor, json, protobuf } from "./codec.js";
import { EventLog } from "./event-log.js";
import { defineEvents, event } from "./event-type.js";
import { SMALL, codeOf, collect } from "./small-events.contract.js";

function stored(encoded: Uint8Array | string): Uint8Array {
  return typeof encoded === "string" ? new TextEncoder().encode(encoded) : encoded;
}

function roundTrip<T>(codec: Codec<T>, value: T): T {
  return codec.decode(stored(codec.encode(value)));
}

/** As the message classes of `protobufjs` do: a writer that is finished, and views of what is decoded. */
const pair = {
  encode: ({ a, b }: { a: number; b: Uint8Array }) => ({ finish: () => Uint8Array.of(a, ...b) }),
  decode: (from: Uint8Array) => ({ a: from[0] ?? 0, b: from.subarray(1) }),
};

describe("a codec", () => {
  it("json: gives back any JSON value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(roundTrip(json(), value)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("cbor and protobuf: refuse to be made without their library", () => {
    expect(() => cbor(undefined as never)).toThrow(expect.objectContaining({ code: "HF_INVALID_ARGUMENT" }));
    expect(() => protobuf({} as never)).toThrow(expect.objectContaining({ code: "HF_INVALID_ARGUMENT" }));
  });

  it("json: refuses what JSON has no form for, bytes that are no JSON, and what the check refuses", () => {
    for (const value of [undefined, () => 1, 1n, Symbol("s")]) expect(() => json().encode(value)).toThrow(TypeError);
    expect(() => json().decode(Uint8Array.of(0x7b))).toThrow(SyntaxError);
    expect(() => json().decode(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(TypeError);
    const small = json((value) => {
      if (typeof value === "number" && value < 10) return value;
      throw new RangeError("not small");
    });
    expect(roundTrip(small, 9)).toBe(9);
    expect(() => roundTrip(small, 10)).toThrow(RangeError);
  });

  it("bytes: gives back the bytes, and refuses anything else", () => {
    expect(roundTrip(bytes(), Uint8Array.of(1, 2))).toEqual(Uint8Array.of(1, 2));
    expect(() => bytes().encode([1] as never)).toThrow(TypeError);
  });

  it("cbor: is the library that it is given", () => {
    const library = { encode: (value: unknown) => stored(JSON.stringify(value)), decode: (b: Uint8Array) => b.length };
    expect(roundTrip(cbor<unknown>(library), "abc")).toBe(5);
    expect(
      roundTrip(
        cbor<unknown>(library, (value) => Number(value) + 1),
        "abc",
      ),
    ).toBe(6);
  });

  it("protobuf: finishes what the message class encodes", () => {
    expect(roundTrip(protobuf(pair), { a: 1, b: Uint8Array.of(2) })).toEqual({ a: 1, b: Uint8Array.of(2) });
    const direct = { encode: (value: number) => Uint8Array.of(value), decode: (b: Uint8Array) => b[0] ?? 0 };
    expect(roundTrip(protobuf(direct), 5)).toBe(5);
  });

  it("may keep what it decodes from, and change what it encoded after an append", async () => {
    const shared = new Uint8Array(3);
    const reuses: Codec<number> = {
      encode: (value) => shared.fill(value),
      decode: (from) => from[0] ?? 0,
    };
    const events = defineEvents({
      pair: event({ id: 1, codec: protobuf(pair) }),
      number: event({ id: 2, codec: reuses }),
      wrong: event({ id: 3, codec: { encode: () => 5 as never, decode: () => 5 } }),
    });
    await using log = await EventLog.open("/events", { events, log: { ...SMALL, vfs: new SimVfs({ seed: 1 }) } });
    for (let n = 1; n <= 3; n++) {
      log.enqueue("pair", { a: n, b: Uint8Array.of(n, n) });
      log.enqueue("number", n);
    }
    const first = await log.get(1);
    await log.flush();
    const all = await collect(log.replay());
    expect(all.map(({ data }) => data)).toEqual([
      { a: 1, b: Uint8Array.of(1, 1) },
      1,
      { a: 2, b: Uint8Array.of(2, 2) },
      2,
      { a: 3, b: Uint8Array.of(3, 3) },
      3,
    ]);
    expect(first).toEqual(all[0]);
    expect(await codeOf(log.append("wrong", 1))).toBe("HF_EVENT_UNENCODABLE");
  });
});
