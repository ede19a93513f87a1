/** The page of event records beside the code: its tables, and its dumps both ways. */
import { readFile } from "node:fs/promises";
import { crc32c as nativeCrc32c } from "@node-rs/crc32";
import { describe, expect, it } from "vitest";
import { EventLog, type EventDefinitions, type EventType, defineEvents, event, json } from "../../src/events/index.js";
import { CHECKPOINT_ENTRY_BYTES, PART_HEADER_BYTES, encodeCheckpoints, parseHeader } from "../../src/events/format.js";
import { readU32, readU64 } from "../../src/base/index.js";
import { Log, type LogRecord } from "../../src/log/index.js";
import { SimVfs } from "../../src/vfs/index.js";
import { formatHexdump, parseHexdump } from "./hexdump.js";

type Types = { readonly deposited: EventType<{ readonly cents: number }> };
const events: EventDefinitions<Types> = defineEvents({
  deposited: event({
    id: 1,
    version: 2,
    codec: json<{ readonly cents: number }>(),
    upcast: { 1: (old: number) => ({ cents: old }) },
  }),
});
const TYPES = [1, 241, 240, 1];

async function readPage(): Promise<string> {
  return await readFile(new URL("../../docs/formats/events.md", import.meta.url), "utf8");
}

function dumpsOf(page: string): Uint8Array[] {
  return [...page.matchAll(/```hexdump\n([^`]*)```/g)].map(([, dump = ""]) => parseHexdump(dump));
}

async function writeExample(): Promise<LogRecord[]> {
  const vfs = new SimVfs({ seed: 1 });
  const journal = await Log.open("/log", { vfs, blockBytes: 512, segmentBytes: 4096 });
  const log = await EventLog.on<Types, number>(journal, { events });
  await log.append("deposited", { cents: 5 });
  await log.checkpoint({ state: 5 });
  await log.append("deposited", { cents: 5 });
  const records: LogRecord[] = [];
  for await (const record of journal.read()) records.push(record);
  await log.close();
  await journal.close();
  return records;
}

describe("the page of event records", () => {
  it("dumps what the code writes", async () => {
    const records = await writeExample();
    expect(records.map(({ type }) => type)).toEqual(TYPES);
    const dumps = dumpsOf(await readPage());
    expect(dumps.map(formatHexdump)).toEqual(records.map(({ payload }) => formatHexdump(payload)));
  });

  it("dumps what this build reads, whatever it writes", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const journal = await Log.open("/log", { vfs, blockBytes: 512, segmentBytes: 4096 });
    for (const [index, dump] of dumpsOf(await readPage()).entries()) await journal.append(dump, TYPES[index] ?? 0);
    const log = await EventLog.on<Types, number>(journal, { events });
    expect(log.checkpoints).toEqual([{ lsn: 3, through: 1, snapshotBytes: 1 }]);
    const sum = await log.hydrate({ initial: 0, apply: (state, { data }) => state + data.cents });
    expect(sum).toEqual({ state: 10, lsn: 4, checkpointLsn: 3, events: 1, rejected: [] });
    await journal.close();
  });

  it("has the offsets of the code", async () => {
    const page = await readPage();
    const rows = [...page.matchAll(/^\| (\d+) \| (\d+) \| (\w+) \|/gm)].map(([, offset, bytes, field]) => ({
      offset: Number(offset),
      bytes: Number(bytes),
      field: field ?? "",
    }));
    const values: Record<string, number> = {
      lsn: 9,
      through: 5,
      firstPartLsn: 6,
      snapshotBytes: 1,
      partCount: 2,
      version: 7,
      snapshotCrc: nativeCrc32c(Uint8Array.of(0x35)),
    };
    const body = encodeCheckpoints([values as never]);
    let end = 0;
    for (const { offset, bytes, field } of rows.slice(0, -1)) {
      expect(offset).toBe(end);
      expect(bytes === 8 ? readU64(body, offset) : readU32(body, offset), field).toBe(values[field]);
      end = offset + bytes;
    }
    expect(end).toBe(CHECKPOINT_ENTRY_BYTES);
    expect(rows.at(-1)).toEqual({ offset: 0, bytes: PART_HEADER_BYTES, field: "index" });
    const [, , checkpoint] = dumpsOf(page);
    const header = parseHeader(checkpoint!);
    if (header.kind !== "header") throw new Error("the dump has no header");
    expect(readU32(checkpoint!, header.bodyStart + 36)).toBe(values["snapshotCrc"]);
  });
});
