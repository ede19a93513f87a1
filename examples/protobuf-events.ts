/**
 * Events in Protocol Buffers, by `protobufjs`, and a schema that grows: a field that is added later is simply absent from what older programs
 * wrote, so no version is raised and nothing is brought up.
 *
 *     node examples/protobuf-events.ts [directory]
 */
import { fileURLToPath } from "node:url";
import { type Codec, EventLog, defineEvents, event, protobuf } from "holdfast/events";
import type { LogOptions } from "holdfast/log";
import protobufjs from "protobufjs";

/** The schema as the first release of this program had it, and as it is now. */
const FIRST = `
  syntax = "proto3";
  message Header { uint32 number = 1; bytes hash = 2; }
`;
const NOW = `
  syntax = "proto3";
  message Header { uint32 number = 1; bytes hash = 2; repeated string peers = 3; }
`;

interface Header {
  readonly number: number;
  readonly hash: Uint8Array;
  readonly peers: readonly string[];
}

/** A message of a schema that is read at run time. With generated classes, `protobuf(Header)` alone is the codec. */
function header(schema: string): Codec<Header> {
  const type = protobufjs.parse(schema).root.lookupType("Header");
  return protobuf<Header>({
    encode(value) {
      // The library encodes what it is given; only this says that something is missing or of another type.
      const problem = type.verify(value);
      if (problem !== null) throw new TypeError(`Header: ${problem}`);
      return type.encode(value);
    },
    decode: (bytes) => type.toObject(type.decode(bytes), { defaults: true, arrays: true }) as Header,
  });
}

type HeaderLog = EventLog<{ readonly header: ReturnType<typeof event<Header>> }>;

async function open(directory: string, schema: string, log?: LogOptions): Promise<HeaderLog> {
  const events = defineEvents({ header: event({ id: 1, codec: header(schema) }) });
  return await EventLog.open(directory, { events, ...(log === undefined ? {} : { log }) });
}

/** Writes a header with the first schema and one with the schema of now, and reads both with that of now. */
export async function syncHeaders(directory: string, log?: LogOptions): Promise<Header[]> {
  const first = await open(directory, FIRST, log);
  await first.append("header", { number: 1, hash: Uint8Array.of(0xaa), peers: [] });
  await first.close();

  await using now = await open(directory, NOW, log);
  await now.append("header", { number: 2, hash: Uint8Array.of(0xbb), peers: ["ann", "bob"] });
  const headers: Header[] = [];
  for await (const { data } of now.replay()) headers.push(data);
  return headers;
}

async function main(directory: string): Promise<void> {
  for (const { number, peers } of await syncHeaders(directory))
    console.log(`header ${number}, from ${peers.length === 0 ? "peers unknown" : peers.join(" and ")}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv[2] ?? "./example-headers");
