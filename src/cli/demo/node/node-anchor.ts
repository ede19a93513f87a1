/** The node's anchor as bytes. Its lanes are sorted by airport. */
import { type Codec, FormatError, readU64, writeU64 } from "../../../base/index.js";
import type { NodeAnchor } from "../../node/stores.js";
import { airportAt, writeAirport } from "../flight.js";

// round u64 | first round u64 | then for each lane: number u64 | airport char[4]
const headerBytes = 16;
const laneBytes = 12;

/** See the head of this file. */
export const anchorCodec: Codec<NodeAnchor> = {
  encode({ round, firstRound, firstBlocks }) {
    const bytes = new Uint8Array(headerBytes + firstBlocks.length * laneBytes);
    writeU64(bytes, 0, round);
    writeU64(bytes, 8, firstRound);
    for (const [index, [airport, number]] of firstBlocks.entries()) {
      const at = headerBytes + index * laneBytes;
      writeU64(bytes, at, number);
      writeAirport(bytes, at + 8, airport);
    }
    return bytes;
  },
  decode(bytes) {
    if (bytes.length < headerBytes || (bytes.length - headerBytes) % laneBytes !== 0)
      throw new FormatError("HF_FORMAT_UNKNOWN", `The node's anchor has ${bytes.length} bytes that are none.`);
    const firstBlocks: [string, number][] = [];
    for (let at = headerBytes; at < bytes.length; at += laneBytes)
      firstBlocks.push([airportAt(bytes, at + 8), readU64(bytes, at)]);
    return { round: readU64(bytes, 0), firstRound: readU64(bytes, 8), firstBlocks };
  },
};
