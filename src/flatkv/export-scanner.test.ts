import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CorruptionError,
  FormatError,
  HoldfastError,
  LimitError,
  equalBytes,
  writeU16,
  writeU32,
  writeU64,
} from "../base/index.js";
import { effort, sweep } from "../base/effort.contract.js";
import { crc32c } from "../checksum/index.js";
import {
  type ExportTotals,
  NO_TOTALS,
  ROWS_HEADER_BYTES,
  checksumOfSum,
  digestOf,
  encodeEnd,
} from "./export-format.js";
import { FRAME_HEADER_BYTES, PREAMBLE_BYTES, encodePreamble } from "./export-frame.js";
import { ExportScanner } from "./export-scanner.js";
import {
  type ExampleDatabase,
  type HandMade,
  type RawFrame,
  type Row,
  type Scan,
  type ScannedEvent,
  anyLtHash,
  chunksOf,
  concat,
  encodeExample,
  handMade,
  headerOf,
  rowsFrame,
  scanChunks,
  sealed,
  sealedByHand,
  smallExample,
  text,
} from "./export.contract.js";

const PAIRS: Row[] = ["a", "b", "c", "d"].map((key) => [text(key), text(`of ${key}`)] as const);

const row = fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.uint8Array({ minLength: 1, maxLength: 300 }));
const database: fc.Arbitrary<Omit<ExampleDatabase, "name">> = fc.record({
  rows: fc
    .uniqueArray(row, { maxLength: 30, selector: ([key]) => Buffer.from(key).toString("hex") })
    .map((rows) => rows.toSorted(([a], [b]) => Buffer.compare(a, b))),
  ltHash: fc.nat(1000).map(anyLtHash),
});
const databases: fc.Arbitrary<ExampleDatabase[]> = fc
  .array(database, { maxLength: 4 })
  .map((all) => all.map((one, index) => ({ ...one, name: `database ${index}` })));

/** All rows of a scan, by database. */
function rowsOf(events: readonly ScannedEvent[]): Map<string, Row[]> {
  const found = new Map<string, Row[]>();
  for (const event of events) {
    if (event.kind === "rows") found.set(event.database, [...(found.get(event.database) ?? []), ...event.rows]);
    else if (event.kind === "database-end") found.set(event.database, found.get(event.database) ?? []);
  }
  return found;
}

/** Cuts where `cuts` say, again and again. */
function* cut(bytes: Uint8Array, cuts: readonly number[]): Generator<Uint8Array, void, undefined> {
  let at = 0;
  for (let index = 0; at < bytes.length; index++) {
    const length = cuts[index % cuts.length]!;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

/** Whether `events` are the first of `all`. */
function isPrefix(events: readonly ScannedEvent[], all: readonly ScannedEvent[]): boolean {
  return events.every((event, index) => all[index] !== undefined && summaryOf(event) === summaryOf(all[index]));
}

const summaries = new WeakMap<ScannedEvent, string>();

/** The event in short, long bytes by their checksum. */
function summaryOf(event: ScannedEvent): string {
  let summary = summaries.get(event);
  if (summary === undefined) {
    summary = JSON.stringify(event, (_, value: unknown) => (value instanceof Uint8Array ? crc32c(value) : value));
    summaries.set(event, summary);
  }
  return summary;
}

function codeOf(scan: Scan): string {
  if (scan.failure === undefined) return "sound";
  if (!(scan.failure instanceof HoldfastError)) throw new Error("a failure without a type", { cause: scan.failure });
  return scan.failure.code;
}

function offsetOf(scan: Scan): unknown {
  return scan.failure instanceof HoldfastError ? scan.failure.details["offset"] : undefined;
}

describe("a scan", () => {
  it("hands out what was encoded, however the stream is cut into chunks", () => {
    fc.assert(
      fc.property(
        databases,
        fc.constantFrom(16, 100, 1000, 65_536),
        fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1 }),
        (all, frameBytes, cuts) => {
          const stream = concat(encodeExample(all, { frameBytes }));
          const { events, failure } = scanChunks(cut(stream, cuts));
          expect(failure).toBeUndefined();
          expect(events[0]).toEqual({ kind: "header", header: headerOf(all.map(({ name }) => name)) });
          expect([...rowsOf(events)]).toEqual(all.map(({ name, rows }) => [name, rows]));
          const ends = events.filter((event) => event.kind === "database-end");
          expect(ends.map(({ ltHash, totals }) => [ltHash, totals.rows])).toEqual(
            all.map(({ ltHash, rows }) => [ltHash, rows.length]),
          );
          const end = events.at(-1);
          const keyBytes = all.flatMap(({ rows }) => rows).reduce((sum, [key]) => sum + key.length, 0);
          const valueBytes = all.flatMap(({ rows }) => rows).reduce((sum, [, value]) => sum + value.length, 0);
          expect(end).toMatchObject({
            kind: "end",
            totals: { rows: all.reduce((sum, { rows }) => sum + rows.length, 0), keyBytes, valueBytes },
          });
        },
      ),
      { numRuns: effort(100, 30) },
    );
  });

  it("gives the same for a stream byte by byte and in one piece", () => {
    const stream = concat(smallExample());
    const whole = scanChunks([stream]);
    expect(whole.failure).toBeUndefined();
    expect(scanChunks(chunksOf(stream, 1))).toEqual(whole);
    expect(scanChunks([new Uint8Array(0), stream, new Uint8Array(0)])).toEqual(whole);
  });

  it("takes an export without databases", () => {
    const { events, failure } = scanChunks(encodeExample([]));
    expect(failure).toBeUndefined();
    expect(events.map(({ kind }) => kind)).toEqual(["header", "end"]);
  });

  it("takes a row that is longer than frames otherwise are, and refuses it above frameBytesMax", () => {
    const value = new Uint8Array(300_000).map((_, index) => index);
    const rows: Row[] = [
      [text("a"), text("small")],
      [text("b"), value],
      [text("c"), text("small")],
    ];
    const stream = concat(encodeExample([{ name: "a", rows, ltHash: anyLtHash(1) }]));
    for (const chunkBytes of [1000, 100_000, 1_000_000]) {
      const { events, failure } = scanChunks(chunksOf(stream, chunkBytes));
      expect(failure).toBeUndefined();
      const found = (rowsOf(events).get("a") ?? []).map((pair) => concat(pair));
      expect(equalBytes(concat(found), concat(rows.flat()))).toBe(true);
      expect(found.length).toBe(3);
      const small = scanChunks(chunksOf(stream, chunkBytes), { frameBytesMax: 200_000 });
      expect(small.failure).toBeInstanceOf(LimitError);
      expect(codeOf(small)).toBe("HF_VALUE_TOO_LARGE");
    }
  });

  it("leaves rows as they are while their chunks are", () => {
    const stream = concat(smallExample());
    const scanner = new ExportScanner();
    const rows: Row[] = [];
    for (const chunk of chunksOf(stream, 50)) {
      scanner.feed(chunk);
      for (let event = scanner.next(); event !== undefined; event = scanner.next())
        if (event.kind === "rows") rows.push(...event.rows);
    }
    expect(rows).toEqual([...rowsOf(scanChunks([stream]).events).values()].flat());
  });

  it("wants each chunk read to its end before the next one", () => {
    const scanner = new ExportScanner();
    scanner.feed(concat(smallExample()));
    const busy = expect.objectContaining({ code: "HF_BUSY" });
    expect(() => scanner.feed(new Uint8Array(1))).toThrow(busy);
    scanner.next();
    expect(() => scanner.finish()).toThrow(busy);
    while (scanner.next() !== undefined);
    scanner.finish();
    scanner.finish();
    expect(scanner.next()).toBeUndefined();
  });
});

describe("a damaged stream", () => {
  const pieces = smallExample();
  const stream = concat(pieces);
  const sound = scanChunks([stream]);

  it("is noticed whichever byte changes, and nothing wrong is handed out", () => {
    for (const at of sweep(stream.length, 8)) {
      for (const change of at % 16 === 0 ? [0x01, 0x80, 0xff] : [1 << (at % 8)]) {
        const changed = stream.with(at, stream[at]! ^ change);
        const scan = scanChunks(chunksOf(changed, 999));
        const expected = at < 8 ? "HF_FORMAT_UNKNOWN" : "HF_CORRUPTION";
        expect([at, codeOf(scan)]).toEqual([at, expected]);
        expect(offsetOf(scan)).toBeLessThanOrEqual(at);
        expect(isPrefix(scan.events, sound.events)).toBe(true);
      }
    }
  });

  it("is noticed wherever it ends too early, and the error says where", () => {
    for (const length of sweep(stream.length, 8)) {
      const scan = scanChunks(chunksOf(stream.subarray(0, length), 777));
      expect([codeOf(scan), offsetOf(scan)]).toEqual(["HF_CORRUPTION", length]);
      expect(isPrefix(scan.events, sound.events)).toBe(true);
    }
  });

  it("is noticed where anything follows its end", () => {
    for (const more of [Uint8Array.of(0), Uint8Array.of(10), pieces[0]!, stream]) {
      for (const chunkBytes of [1, 500, 1_000_000]) {
        const scan = scanChunks(chunksOf(concat([stream, more]), chunkBytes));
        expect([codeOf(scan), offsetOf(scan)]).toEqual(["HF_CORRUPTION", stream.length]);
        expect(scan.events).toEqual(sound.events);
      }
    }
  });

  it("is noticed where pieces are dropped, repeated, exchanged, or taken from another export of the same", () => {
    const other = smallExample(2);
    expect(other.map(({ length }) => length)).toEqual(pieces.map(({ length }) => length));
    for (let i = 0; i < pieces.length; i++) {
      const variants = [pieces.toSpliced(i, 1), pieces.toSpliced(i, 0, pieces[i]!), pieces.with(i, other[i]!)];
      for (let j = 0; j < i; j++) variants.push(pieces.with(i, pieces[j]!).with(j, pieces[i]!));
      variants.push([...pieces.slice(0, i), ...other.slice(i)]);
      for (const [index, variant] of variants.entries()) {
        if (i === 0 && variant.every((piece, at) => equalBytes(piece, other[at]!))) continue;
        expect([i, index, codeOf(scanChunks(variant))]).not.toEqual([i, index, "sound"]);
      }
    }
  });

  it("ends the scan: every later call repeats the error", () => {
    const scanner = new ExportScanner();
    scanner.feed(stream.with(100, 7));
    const failures = [1, 2].map(() => failureOf(() => scanner.next()));
    failures.push(
      failureOf(() => scanner.feed(stream)),
      failureOf(() => scanner.finish()),
    );
    expect(new Set(failures).size).toBe(1);
    expect(failures[0]).toBeInstanceOf(CorruptionError);
  });
});

describe("the beginning of a stream", () => {
  const rest = concat(smallExample()).subarray(PREAMBLE_BYTES);

  function withPreamble(change: (bytes: Uint8Array) => void): Scan {
    const preamble = encodePreamble();
    change(preamble);
    writeU32(preamble, 12, crc32c(preamble.subarray(0, 12)));
    return scanChunks([preamble, rest]);
  }

  it("of a newer format is a FormatError that says so", () => {
    const scan = withPreamble((bytes) => writeU16(bytes, 8, 2));
    expect(scan.failure).toBeInstanceOf(FormatError);
    expect(codeOf(scan)).toBe("HF_FORMAT_NEWER");
  });

  it("that is no export's is unknown, never damage", () => {
    expect(codeOf(withPreamble((bytes) => bytes.set(text("SOMETHIN"))))).toBe("HF_FORMAT_UNKNOWN");
    expect(codeOf(withPreamble((bytes) => writeU16(bytes, 8, 0)))).toBe("HF_FORMAT_UNKNOWN");
    expect(codeOf(scanChunks([text("just some text in a file")]))).toBe("HF_FORMAT_UNKNOWN");
    expect(codeOf(withPreamble((bytes) => writeU16(bytes, 10, 1)))).toBe("HF_CORRUPTION");
  });

  it("names databases that can be told apart", () => {
    const named = (...names: Uint8Array[]): Uint8Array => {
      const fixed = handMade([]).header.payload.slice(0, 50);
      writeU16(fixed, 48, names.length);
      return concat([fixed, ...names.flatMap((name) => [Uint8Array.of(name.length), name])]);
    };
    const wrong = [
      named(text("a"), text("a")),
      named(new Uint8Array(0)),
      named(Uint8Array.of(0xff)),
      named(text("a")).subarray(0, 51),
      concat([named(text("a")), Uint8Array.of(0)]),
      handMade([]).header.payload.with(39, 1),
      handMade([]).header.payload.with(47, 1),
    ];
    for (const payload of wrong) {
      const scan = scanChunks([sealed([{ type: 1, payload }])]);
      expect([codeOf(scan), scan.events]).toEqual(["HF_CORRUPTION", []]);
    }
  });
});

describe("a stream with right checksums over what no build writes", () => {
  const made = (change: (frames: HandMade) => void, rows: readonly (readonly Row[])[] = [PAIRS]): string => {
    const frames = handMade(rows);
    change(frames);
    return outcomeOf([frames.header, ...frames.rows, frames.databaseEnd, frames.end]);
  };
  /** `"sound"`, or which frame was refused. */
  const outcomeOf = (frames: readonly RawFrame[]): string => {
    const scan = scanChunks([sealed(frames)]);
    if (scan.failure === undefined) return "sound";
    let end = PREAMBLE_BYTES;
    const refused = frames.findIndex(({ payload }) => Number(offsetOf(scan)) < (end += payload.length + 24));
    return `${codeOf(scan)} ${refused}`;
  };
  const payloadOf = (frame: RawFrame, change: (bytes: Uint8Array) => void): RawFrame => {
    const payload = frame.payload.slice();
    change(payload);
    return { ...frame, payload };
  };
  const [A, B, C] = PAIRS as [Row, Row, Row, Row];

  it("is sound before anything is changed", () => {
    for (const rows of [[], [PAIRS], [[A, B], [C]]]) expect(made(() => undefined, rows)).toBe("sound");
  });

  it("is refused where keys are out of order or come twice, in a frame or from one to the next", () => {
    for (const rows of [[[B, A]], [[A, A]], [[A, B, B]]]) expect(made(() => undefined, rows)).toBe("HF_CORRUPTION 1");
    for (const rows of [
      [[A], [A]],
      [[B], [A]],
      [
        [A, B],
        [B, C],
      ],
    ])
      expect(made(() => undefined, rows)).toBe("HF_CORRUPTION 2");
    const longer: Row = [text("aa"), text("x")];
    expect(made(() => undefined, [[A, longer], [B]])).toBe("sound");
    expect(made(() => undefined, [[longer, A]])).toBe("HF_CORRUPTION 1");
  });

  it("is refused where a key or a value is empty", () => {
    for (const empty of [[text("z"), text("")] as const, [text(""), text("z")] as const])
      for (const rows of [[empty], [A, empty], [empty, A]])
        expect(made(() => undefined, [rows])).toBe("HF_CORRUPTION 1");
  });

  it("is refused where rows do not fill their frame, or need more", () => {
    for (const count of [0, 1, 3, 5, 1000, 0xffff_ffff]) {
      const wrong = (frames: HandMade): void => {
        frames.rows[0] = payloadOf(frames.rows[0]!, (bytes) => writeU32(bytes, 4, count));
      };
      expect([count, made(wrong)]).toEqual([count, "HF_CORRUPTION 1"]);
    }
    for (const field of [8, 12])
      expect(
        made((frames) => {
          frames.rows[0] = payloadOf(frames.rows[0]!, (bytes) => writeU32(bytes, field, 5));
        }),
      ).toBe("HF_CORRUPTION 1");
    const more = [Uint8Array.of(0), Uint8Array.of(1, 1, 0x70, 0x70)];
    for (const rest of more)
      expect(
        made((frames) => {
          const { payload } = frames.rows[0]!;
          frames.rows[0] = { type: 2, payload: concat([payload, rest]) };
        }),
      ).toBe("HF_CORRUPTION 1");
  });

  it("is refused where a length is longer than it need be, too large, or cut off", () => {
    const bodies = [
      [0x81, 0x00, 0x01, 1, 2],
      [0x01, 0x81, 0x00, 1, 2],
      [0x01, 0x81, 0x00, 1],
      [0xff, 0xff, 0xff, 0xff, 0x0f, 1],
      [0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
      [0x01, 0x80, 0x80, 0x80],
      [0x80, 0x80, 0x80, 0x80],
      [0x01, 0xff, 0xff, 0xff, 0xff, 0x07, 1],
      [0x7f, 0x7f, 1, 2],
    ];
    for (const body of bodies) {
      const payload = concat([new Uint8Array(ROWS_HEADER_BYTES), Uint8Array.from(body)]);
      writeU32(payload, 4, 1);
      writeU32(payload, 8, 1);
      writeU32(payload, 12, 1);
      const scan = scanChunks([sealed([handMade([]).header, { type: 2, payload }])]);
      expect([body, codeOf(scan), scan.events.length]).toEqual([body, "HF_CORRUPTION", 1]);
    }
  });

  it("is refused with any bytes for rows, and does not hang", () => {
    const header = handMade([]).header;
    fc.assert(
      fc.property(fc.nat(20), fc.uint8Array({ minLength: 4, maxLength: 60 }), (count, body) => {
        const payload = concat([new Uint8Array(ROWS_HEADER_BYTES), body]);
        writeU32(payload, 4, count);
        writeU32(payload, 8, body.length);
        const scan = scanChunks([sealed([header, { type: 2, payload }])]);
        expect(scan.events.length).toBe(1);
        expect(codeOf(scan)).toBe("HF_CORRUPTION");
      }),
      { numRuns: effort(1000, 200) },
    );
  });

  it("is refused where a database's rows or its end are another's", () => {
    expect(
      made((frames) => {
        frames.rows = [rowsFrame(PAIRS, 1)];
      }),
    ).toBe("HF_CORRUPTION 1");
    for (const field of [0, 4])
      expect(
        made((frames) => {
          frames.databaseEnd = payloadOf(frames.databaseEnd, (bytes) => writeU32(bytes, field, 1));
        }),
      ).toBe("HF_CORRUPTION 2");
  });

  it("is refused where totals do not add up", () => {
    for (const field of [8, 16, 24]) {
      for (const value of [0, 5, Number.MAX_SAFE_INTEGER])
        expect(
          made((frames) => {
            frames.databaseEnd = payloadOf(frames.databaseEnd, (bytes) => writeU64(bytes, field, value));
          }),
        ).toBe("HF_CORRUPTION 2");
    }
    expect(
      made((frames) => {
        frames.rows = [];
      }),
    ).toBe("HF_CORRUPTION 1");
  });

  it("is refused where its end does not fit, under a right seal", () => {
    const { header, databaseEnd } = handMade([]);
    const digests = [digestOf(header.payload), digestOf(databaseEnd.payload)];
    const ending = (totals: ExportTotals, ltHashes: readonly Uint8Array[], frames: readonly RawFrame[]): string => {
      const payload = encodeEnd(totals, checksumOfSum(ltHashes), digests.slice(0, frames.length));
      return outcomeOf([...frames, { type: 4, payload }]);
    };
    const ltHash = databaseEnd.payload.subarray(32);
    expect(ending(NO_TOTALS, [ltHash], [header, databaseEnd])).toBe("sound");
    for (const field of ["rows", "keyBytes", "valueBytes"] as const)
      expect(ending({ ...NO_TOTALS, [field]: 1 }, [ltHash], [header, databaseEnd])).toBe("HF_CORRUPTION 2");
    expect(ending(NO_TOTALS, [anyLtHash(9)], [header, databaseEnd])).toBe("HF_CORRUPTION 2");
    expect(ending(NO_TOTALS, [], [header])).toBe("HF_CORRUPTION 1");
  });

  it("is refused where the seal is another", () => {
    for (const at of [56, 87])
      expect(
        made((frames) => {
          frames.end = payloadOf(frames.end, (bytes) => {
            bytes[at] = bytes[at]! ^ 1;
          });
        }),
      ).toBe("HF_CORRUPTION 3");
  });

  it("is refused where what is sealed was changed together with all checksums", () => {
    expect(
      made((frames) => {
        frames.header = payloadOf(frames.header, (bytes) => writeU64(bytes, 32, 13));
      }),
    ).toBe("HF_CORRUPTION 3");
    expect(
      made((frames) => {
        frames.databaseEnd = payloadOf(frames.databaseEnd, (bytes) => bytes.fill(1, 32, 33));
      }),
    ).toBe("HF_CORRUPTION 3");
  });

  it("is refused where frames are missing, come twice or in another order", () => {
    const { header, rows, databaseEnd, end } = handMade([PAIRS]);
    const [some] = rows as [RawFrame];
    const orders: [wrong: number, frames: RawFrame[]][] = [
      [0, [some, databaseEnd, end]],
      [2, [header, some, end]],
      [1, [header, databaseEnd, some, end]],
      [3, [header, some, databaseEnd, databaseEnd, end]],
      [3, [header, some, databaseEnd, some, end]],
      [1, [header, header, some, databaseEnd, end]],
      [0, [databaseEnd]],
      [0, [end]],
      [1, [header, { ...some, number: 2 }, databaseEnd, end]],
      [2, [header, some, { ...databaseEnd, number: 1 }, end]],
    ];
    for (const [wrong, frames] of orders) expect(outcomeOf(frames)).toBe(`HF_CORRUPTION ${wrong}`);
  });

  it("is a FormatError where it has a frame of a type that is not known", () => {
    for (const type of [0, 5, 255, 0x0100_0002]) {
      const scan = scanChunks([sealed([handMade([]).header, { type, payload: new Uint8Array(30) }])]);
      expect(scan.failure).toBeInstanceOf(FormatError);
      expect(codeOf(scan)).toBe("HF_FORMAT_UNKNOWN");
    }
  });

  it("is refused at once where a frame announces a length that its type can't have", () => {
    const header = handMade([]).header;
    const lengths: [type: number, payloadBytes: number][] = [
      [2, 0],
      [2, 19],
      [2, 2 ** 30 + 1],
      [3, 2079],
      [3, 2081],
      [4, 87],
      [4, 89],
    ];
    for (const [type, payloadBytes] of lengths) {
      const announced = announcing(header, type, payloadBytes);
      const scanner = new ExportScanner();
      scanner.feed(announced);
      expect(scanner.next()?.kind).toBe("header");
      expect(failureOf(() => scanner.next())).toBeInstanceOf(CorruptionError);
    }
  });

  it("takes no more memory for a length than bytes arrive", () => {
    const announced = announcing(handMade([]).header, 2, 2 ** 30);
    const before = process.memoryUsage().arrayBuffers;
    const scanner = new ExportScanner({ frameBytesMax: 2 ** 30 });
    for (const chunk of [announced, new Uint8Array(300_000)]) {
      scanner.feed(chunk);
      while (scanner.next() !== undefined);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 2 ** 20);
    expect(failureOf(() => scanner.finish())).toBeInstanceOf(CorruptionError);
  });

  /** A header frame, and the beginning of a frame that says it is long. */
  function announcing(header: RawFrame, type: number, payloadBytes: number): Uint8Array {
    // Sealing the frame would take its whole length, but its header's checksum does not cover the payload.
    const start = sealed([header]);
    const chain = new DataView(start.buffer).getUint32(start.length - 4, true);
    const frame = new Uint8Array(FRAME_HEADER_BYTES);
    writeU64(frame, 0, 1);
    writeU32(frame, 8, payloadBytes);
    writeU32(frame, 12, type);
    writeU32(frame, 16, crc32c(frame.subarray(0, 16), chain));
    return concat([start, frame]);
  }
});

describe("skipping", () => {
  const stream = concat(smallExample());
  const whole = scanChunks([stream]);

  it("to any place hands out exactly what is behind it", () => {
    for (const [index, skipTo] of whole.positions.entries()) {
      for (const chunkBytes of [64, 1_000_000]) {
        const scan = scanChunks(chunksOf(stream, chunkBytes), { skipTo });
        expect(scan.failure).toBeUndefined();
        expect(scan.events).toEqual([whole.events[0], ...whole.events.slice(Math.max(1, index + 1))]);
      }
    }
  });

  it("still checks what it passes over", () => {
    const skipTo = whole.positions.at(-2)!;
    for (let at = 16; at < stream.length; at += effort(7, 61)) {
      const changed = stream.with(at, stream[at]! ^ 0x10);
      expect([at, codeOf(scanChunks([changed], { skipTo }))]).toEqual([at, "HF_CORRUPTION"]);
    }
  });

  it("still wants the first key behind it to come after the last one before", () => {
    const [A, B, C] = PAIRS as [Row, Row, Row, Row];
    const positions = scanChunks([sealedByHand(handMade([[A], [C], [B]]))]).positions;
    const scan = scanChunks([sealedByHand(handMade([[A], [C], [B]]))], { skipTo: positions[2]! });
    expect(codeOf(scan)).toBe("HF_CORRUPTION");
  });

  it("to a place in another export is refused, as soon as that can be told", () => {
    const scanner = new ExportScanner();
    scanner.feed(concat(smallExample(2)));
    scanner.next();
    const foreign = expect.objectContaining({ code: "HF_FORMAT_FOREIGN" });
    expect(() => scanner.skipTo(whole.positions[3]!)).toThrow(foreign);
    expect(() => scanner.next()).toThrow(foreign);
    const skipTo = whole.positions[3]!;
    const other = concat(smallExample(2));
    const longer = { ...skipTo, frame: 1000 };
    const changed = { ...skipTo, checksum: skipTo.checksum ^ 1 };
    for (const [bytes, position] of [
      [other, skipTo],
      [stream, longer],
      [stream, changed],
      [stream, { ...whole.positions[0]!, checksum: 7 }],
    ] as const) {
      const scan = scanChunks([bytes], { skipTo: position });
      expect(codeOf(scan)).toBe("HF_FORMAT_FOREIGN");
      expect(scan.events.filter(({ kind }) => kind !== "header")).toEqual([]);
    }
  });

  it("goes forward only, and not before the header is known", () => {
    const scanner = new ExportScanner();
    const [, , second, third] = whole.positions;
    const refused = expect.objectContaining({ code: "HF_INVALID_ARGUMENT" });
    expect(() => scanner.skipTo(second!)).toThrow(refused);
    scanner.feed(stream);
    while (scanner.position?.frame !== third!.frame) scanner.next();
    expect(() => scanner.skipTo(second!)).toThrow(refused);
    scanner.skipTo(third!);
    const event = scanner.next();
    expect(event?.kind === "rows" ? [...event.rows] : event).toEqual(rowsOf([whole.events[4]!]).get("many"));
  });
});

function failureOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}
