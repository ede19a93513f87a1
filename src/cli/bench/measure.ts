/** What the quick bench measures of a log. */
import { Log } from "../../log/index.js";

/** Payload of every record. */
export const payloadBytes = 100;

/** Durable appends from concurrent writers. */
export interface AppendResult {
  readonly writers: number;
  readonly appendsPerSecond: number;
  readonly recordsPerGroup: number;
  /** Mean bytes of a group on disk. */
  readonly groupBytes: number;
  /** Median time of one append, as its caller sees it. */
  readonly medianMs: number;
}

/** Each writer appends one record, waits for it to be durable, and goes on, for about `durationMs`. */
export async function measureAppends(
  directory: string,
  writers: number,
  flush: "pool" | "inline",
  durationMs: number,
  signal: AbortSignal,
): Promise<AppendResult> {
  const log = await Log.open(directory, { flush });
  try {
    const payload = new Uint8Array(payloadBytes).fill(0x5a);
    // The code is warm and the first segment made before the clock starts.
    await Promise.all(Array.from({ length: writers * 4 }, () => log.append(payload)));
    const before = log.stats();
    const times: number[] = [];
    const startMs = performance.now();
    let appends = 0;
    const writer = async (): Promise<void> => {
      for (;;) {
        const fromMs = performance.now();
        if (fromMs - startMs >= durationMs) return;
        signal.throwIfAborted();
        await log.append(payload);
        appends++;
        // One in eight is enough for a median and keeps the list short.
        if ((appends & 7) === 0) times.push(performance.now() - fromMs);
      }
    };
    await Promise.all(Array.from({ length: writers }, writer));
    const elapsedMs = performance.now() - startMs;
    const after = log.stats();
    const groups = Math.max(1, after.groups - before.groups);
    times.sort((a, b) => a - b);
    return {
      writers,
      appendsPerSecond: (appends / elapsedMs) * 1000,
      recordsPerGroup: appends / groups,
      groupBytes: (after.writtenBytes - before.writtenBytes) / groups,
      medianMs: times[times.length >> 1] ?? 0,
    };
  } finally {
    await log.close();
  }
}

/** Records and payload bytes a second. */
export interface ThroughputResult {
  readonly recordsPerSecond: number;
  readonly bytesPerSecond: number;
}

/** Batches of 1,000 records into a log with `durability: "os"`, then reads all of them back. */
export async function measureBatches(
  directory: string,
  durationMs: number,
  signal: AbortSignal,
): Promise<{ readonly write: ThroughputResult; readonly replay: ThroughputResult }> {
  const log = await Log.open(directory, { durability: "os" });
  try {
    const batch = Array.from({ length: 1_000 }, () => new Uint8Array(payloadBytes).fill(0x5a));
    const startMs = performance.now();
    // At most some 600 MB, so that a quick disk is not filled for the sake of a quick look.
    const batchesMax = 5_000;
    let batches = 0;
    while (performance.now() - startMs < durationMs && batches < batchesMax) {
      signal.throwIfAborted();
      await log.appendAll(batch);
      batches++;
    }
    const write = throughput(batches * batch.length, performance.now() - startMs);
    await log.sync();
    const replayStartMs = performance.now();
    let records = 0;
    for await (const read of log.readBatches({ signal })) records += read.count;
    return { write, replay: throughput(records, performance.now() - replayStartMs) };
  } finally {
    await log.close();
  }
}

function throughput(records: number, elapsedMs: number): ThroughputResult {
  const recordsPerSecond = (records / elapsedMs) * 1000;
  return { recordsPerSecond, bytesPerSecond: recordsPerSecond * payloadBytes };
}
