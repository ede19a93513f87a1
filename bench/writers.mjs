/** Concurrent writers, each of which waits for its own append before the next. */

/**
 * @typedef {object} WritersRun
 * @property {number} records acknowledged
 * @property {number} elapsedMs from the first append to the last acknowledgement
 */

/**
 * @param {number} count of writers
 * @param {number} durationMs after which each stops
 * @param {(writer: number) => PromiseLike<unknown>} append
 * @returns {Promise<WritersRun>}
 */
export async function runWriters(count, durationMs, append) {
  let records = 0;
  let stopped = false;
  const start = performance.now();
  const write = async (/** @type {number} */ writer) => {
    while (!stopped) {
      await append(writer);
      // A look at the clock costs as much as an append may take, and a timer may not get its turn between inline flushes.
      if ((++records & 31) === 0) stopped = performance.now() - start >= durationMs;
    }
  };
  await Promise.all(Array.from({ length: count }, (_, writer) => write(writer)));
  return { records, elapsedMs: performance.now() - start };
}

/**
 * One writer, each append timed.
 *
 * @param {number} durationMs
 * @param {() => PromiseLike<unknown>} append
 * @returns {Promise<number[]>} nanoseconds of each
 */
export async function timeAppends(durationMs, append) {
  const times = [];
  const start = performance.now();
  while (performance.now() - start < durationMs) {
    const before = process.hrtime.bigint();
    await append();
    times.push(Number(process.hrtime.bigint() - before));
  }
  return times;
}

/**
 * @param {number} count
 * @param {number} bytes
 * @returns {Uint8Array[]} payloads that do not compress
 */
export function makePayloads(count, bytes) {
  let random = 0x2545f491;
  return Array.from({ length: count }, () => {
    const payload = new Uint8Array(bytes);
    for (let i = 0; i < bytes; i++) {
      random ^= random << 13;
      random ^= random >>> 17;
      random ^= random << 5;
      payload[i] = random;
    }
    return payload;
  });
}
