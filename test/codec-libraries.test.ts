/** The codecs of `holdfast/events` with the libraries that they are made for, on a simulated disk. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import * as cborX from "cbor-x";
import { type Codec, EventLog, cbor, defineEvents, event, protobuf } from "holdfast/events";
import { SimVfs, keepNothing } from "holdfast/vfs";
import protobufjs from "protobufjs";
import { describe, expect, it } from "vitest";
import { syncHeaders } from "../examples/protobuf-events.js";

const small = { blockBytes: 512, segmentBytes: 16_384 } as const;

/** What comes back of `values` after a flush, a power cut and another opening, and the error that `wrong` is refused with. */
async function keep<T>(codec: Codec<T>, values: readonly T[], wrong: unknown): Promise<[T[], unknown]> {
  const vfs = new SimVfs({ seed: 1 });
  const events = defineEvents({ value: event({ id: 1, codec }) });
  const log = await EventLog.open("/events", { events, log: { ...small, vfs } });
  for (const data of values) log.enqueue("value", data);
  await log.flush();
  const refusal = await log.append("value", wrong as T).catch((error: unknown) => (error as { code: string }).code);
  const again = await EventLog.open("/events", { events, log: { ...small, vfs: vfs.powerCut(keepNothing) } });
  const kept: T[] = [];
  for await (const { data } of again.replay()) kept.push(data);
  await again.close();
  return [kept, refusal];
}

describe("a codec by a library", () => {
  it("cbor-x: keeps what JSON can't, from the module and from an encoder of one's own", async () => {
    interface Reading {
      readonly at: Date;
      readonly raw: Uint8Array;
      readonly total: bigint;
    }
    const readings: Reading[] = [1, 2, 3].map((n) => ({
      at: new Date(1_700_000_000_000 + n),
      raw: Uint8Array.of(n, 0xff),
      total: 2n ** 60n + BigInt(n),
    }));
    for (const library of [cborX, new cborX.Encoder({ useRecords: false, tagUint8Array: true })]) {
      const [kept, refusal] = await keep(cbor<Reading>(library), readings, { raw: Symbol("none") });
      expect(kept.map(({ at, raw, total }) => [at, [...raw], total])).toEqual(
        readings.map(({ at, raw, total }) => [at, [...raw], total]),
      );
      expect(refusal).toBe("HF_EVENT_UNENCODABLE");
    }
  });

  it("protobufjs: takes a message type as it is", async () => {
    const type = protobufjs.parse(`syntax = "proto3"; message Move { double x = 1; string name = 2; }`);
    const codec = protobuf<Record<string, unknown>>(type.root.lookupType("Move"));
    const moves = [
      { x: 1.5, name: "ann" },
      { x: -2, name: "bob" },
    ];
    const [kept, refusal] = await keep(codec, moves, null);
    expect(kept.map(({ x, name }) => ({ x, name }))).toEqual(moves);
    expect(refusal).toBe("HF_EVENT_UNENCODABLE");
  });

  it("protobufjs: the example reads what an older schema wrote", async () => {
    const headers = await syncHeaders("/headers", { ...small, vfs: new SimVfs({ seed: 1 }) });
    expect(headers.map(({ number, hash, peers }) => [number, ...hash, ...peers])).toEqual([
      [1, 0xaa],
      [2, 0xbb, "ann", "bob"],
    ]);
  });

  it("@bufbuild/protobuf: is two arrow functions", async () => {
    const codec: Codec<Timestamp> = {
      encode: (message) => toBinary(TimestampSchema, message),
      decode: (bytes) => fromBinary(TimestampSchema, bytes),
    };
    const times = [1n, 2n ** 40n].map((seconds) => create(TimestampSchema, { seconds, nanos: 5 }));
    const [kept, refusal] = await keep(codec, times, create(TimestampSchema, { seconds: "late" as never }));
    expect(kept).toEqual(times);
    expect(refusal).toBe("HF_EVENT_UNENCODABLE");
  });
});
