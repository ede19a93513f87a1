/**
 * Times the functions on the log's hot path alone: checksums by size, encoding and indexing records, sealing and verifying groups.
 * Reaches into the built package; what it calls is not public.
 */
import { bench, do_not_optimize, group, run } from "mitata";
import { crc32c } from "../dist/checksum/index.js";
import {
  FORMAT_VERSION,
  GROUP_HEADER_BYTES,
  encodeRecord,
  groupBodySound,
  groupBytes,
  indexRecords,
  parseGroupHeader,
  recordBytes,
  sealGroup,
} from "../dist/log/format.js";
import { makePayloads } from "./writers.mjs";

const BLOCK_BYTES = 4096;
const PAYLOAD_BYTES = 100;
const SEED = 0x1234;
const FORMAT = { version: FORMAT_VERSION, seed: SEED };

group("crc32c", () => {
  for (const bytes of [16, 64, 128, 200, 256, 1024, 4096, 65_536, 1_048_576]) {
    const [input] = makePayloads(1, bytes);
    if (input !== undefined) bench(`${bytes} B`, () => do_not_optimize(crc32c(input, SEED)));
  }
});

for (const count of [1, 64, 1024]) {
  const payloads = makePayloads(count, PAYLOAD_BYTES);
  const bodyBytes = count * recordBytes(PAYLOAD_BYTES);
  const bytes = new Uint8Array(groupBytes(bodyBytes, "align", BLOCK_BYTES));
  const starts = new Uint32Array(count);
  const encode = () => {
    let at = GROUP_HEADER_BYTES;
    for (const payload of payloads) at = encodeRecord(bytes, at, 0, payload);
    return at;
  };
  const seal = () => sealGroup(bytes, bodyBytes, FORMAT, { firstLsn: 1, count, floor: 0, epoch: 1, chain: 0 });
  encode();
  seal();
  const header = parseGroupHeader(bytes, 0, FORMAT);
  if (header === undefined || !groupBodySound(bytes, GROUP_HEADER_BYTES, header, SEED))
    throw new Error("The sealed group does not parse.");
  group(`a group of ${count} × ${PAYLOAD_BYTES} B`, () => {
    bench("encode the records", () => do_not_optimize(encode()));
    bench("seal", () => do_not_optimize(seal()));
    bench("parse the header and verify the body", () => {
      const parsed = parseGroupHeader(bytes, 0, FORMAT);
      do_not_optimize(parsed !== undefined && groupBodySound(bytes, GROUP_HEADER_BYTES, parsed, SEED));
    });
    bench("index the records", () =>
      do_not_optimize(indexRecords(bytes, GROUP_HEADER_BYTES, GROUP_HEADER_BYTES + bodyBytes, count, starts)));
  });
}

await run();
