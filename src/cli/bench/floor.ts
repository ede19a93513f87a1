/** The floor: how fast this disk takes durable writes of a given size, from a loop that does nothing else. */
import { type Vfs, nodeVfs } from "../../vfs/index.js";

/** What was measured. */
export interface Floor {
  readonly writeBytes: number;
  readonly writesPerSecond: number;
  /** Median time of one write. */
  readonly medianMs: number;
}

const fileBytes = 16 * 1024 * 1024;

/** Writes `writeBytes` at a time with `O_DSYNC` into a preallocated, already written file, for about `durationMs`. */
export async function measureFloor(
  directory: string,
  writeBytes: number,
  durationMs: number,
  signal: AbortSignal,
  vfs: Vfs = nodeVfs,
): Promise<Floor> {
  const file = await vfs.open(vfs.join(directory, `floor-${writeBytes}`), {
    access: "read-write",
    create: "if-missing",
    durableWrites: true,
  });
  try {
    await file.preallocate(Math.max(fileBytes, writeBytes), signal);
    const bytes = new Uint8Array(writeBytes).fill(0xa5);
    const times: number[] = [];
    const startMs = performance.now();
    let lastMs = startMs;
    for (let offset = 0; lastMs - startMs < durationMs; offset += writeBytes) {
      if (offset + writeBytes > fileBytes) offset = 0;
      file.writeNow(bytes, offset);
      const nowMs = performance.now();
      times.push(nowMs - lastMs);
      lastMs = nowMs;
      if (times.length % 64 === 0) {
        // Lets Ctrl-C through.
        await new Promise(setImmediate);
        signal.throwIfAborted();
        lastMs = performance.now();
      }
    }
    times.sort((a, b) => a - b);
    const sumMs = times.reduce((sum, ms) => sum + ms, 0);
    return { writeBytes, writesPerSecond: (times.length / sumMs) * 1000, medianMs: times[times.length >> 1] ?? 0 };
  } finally {
    await file.close();
  }
}
