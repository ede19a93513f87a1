/** Reading takes bounded memory: who stops at the first record has had little read for him, whatever follows. All that is read on the way is bounded too. */
import { describe, expect, it } from "vitest";
import { EventLog, bytes, defineEvents, event } from "holdfast/events";
import { Log } from "holdfast/log";
import { SharedLog } from "holdfast/streams";
import { SimVfs } from "holdfast/vfs";

const COUNT = 3000;
const PAYLOAD = new Uint8Array(4096).fill(7);
/** As one group: readers take whole ones. */
const BATCH = Array.from({ length: 50 }, () => PAYLOAD);
const OPTIONS = { segmentBytes: 4 << 20 } as const;
/** Of 12 MiB. */
const AHEAD_BYTES_MAX = 3 << 20;
/** What is read for each byte of payload. A stream is read by plans of its entries, and each begins with what the one before had read ahead. */
const READ_SHARE_MAX = 1.5;

/** A file system that counts the bytes that were asked for. */
class CountingVfs extends SimVfs {
  bytesRead = 0;

  override async open(...args: Parameters<SimVfs["open"]>): ReturnType<SimVfs["open"]> {
    const file = await super.open(...args);
    const read = file.read.bind(file);
    file.read = (target, offset) => {
      this.bytesRead += target.length;
      return read(target, offset);
    };
    return file;
  }
}

const events = defineEvents({ noted: event({ id: 1, codec: bytes() }) });

/** What can be read from end to end, and how it is let go of. */
const readers: readonly (readonly [
  string,
  (vfs: CountingVfs) => Promise<{ read(): AsyncIterable<unknown>; close(): Promise<void> }>,
])[] = [
  ["a log", async (vfs) => await logOn(vfs, (log) => log.read())],
  ["a log backwards", async (vfs) => await logOn(vfs, (log) => log.read({ reverse: true }))],
  ["a log by batches", async (vfs) => await logOn(vfs, (log) => log.readBatches())],
  [
    "a stream of a shared log",
    async (vfs) => {
      const shared = await SharedLog.open("/log", { ...OPTIONS, vfs });
      const stream = await shared.stream("notes");
      for (let at = 0; at < COUNT; at += BATCH.length) await stream.appendAll(BATCH);
      return { read: () => stream.read(), close: () => shared.close() };
    },
  ],
  [
    "an event log",
    async (vfs) => {
      const log = await EventLog.open("/log", { events, log: { ...OPTIONS, vfs } });
      const batch = BATCH.map((data) => ({ type: "noted", data }) as const);
      for (let at = 0; at < COUNT; at += BATCH.length) await log.appendAll(batch);
      return { read: () => log.replay(), close: () => log.close() };
    },
  ],
];

async function logOn(
  vfs: CountingVfs,
  read: (log: Log) => AsyncIterable<unknown>,
): Promise<{ read(): AsyncIterable<unknown>; close(): Promise<void> }> {
  const log = await Log.open("/log", { ...OPTIONS, vfs });
  for (let at = 0; at < COUNT; at += BATCH.length) await log.appendAll(BATCH);
  return { read: () => read(log), close: () => log.close() };
}

describe.each(readers)("%s", (_name, open) => {
  it("is read a little at a time", async () => {
    const vfs = new CountingVfs({ seed: 1 });
    const { read, close } = await open(vfs);
    const before = vfs.bytesRead;
    for await (const _ of read()) break;
    expect(vfs.bytesRead - before).toBeGreaterThan(0);
    expect(vfs.bytesRead - before).toBeLessThan(AHEAD_BYTES_MAX);

    const again = vfs.bytesRead;
    let most = 0;
    let items = 0;
    for await (const _ of read()) {
      items += 1;
      most = vfs.bytesRead - again;
    }
    expect(items).toBeGreaterThan(10);
    expect(most).toBeGreaterThan(COUNT * PAYLOAD.length);
    expect(most).toBeLessThan(COUNT * PAYLOAD.length * READ_SHARE_MAX);
    await close();
  });
});
