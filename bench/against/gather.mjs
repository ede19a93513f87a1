/** Group commit for peers that take many records in one call and gather none themselves. */

/**
 * Gives an append whose records wait while the last call is on its way, and then go all together.
 *
 * @param {(records: Uint8Array[]) => Promise<void>} appendAll durable when it resolves
 * @returns {(record: Uint8Array) => Promise<void>}
 */
export function gather(appendAll) {
  /** @type {{ record: Uint8Array, resolve: () => void, reject: (reason: unknown) => void }[]} */
  let waiting = [];
  let busy = false;
  const pump = async () => {
    busy = true;
    // Callers of the same turn of the event loop get into the first call.
    await Promise.resolve();
    while (waiting.length > 0) {
      const taken = waiting;
      waiting = [];
      try {
        await appendAll(taken.map(({ record }) => record));
        for (const { resolve } of taken) resolve();
      } catch (error) {
        for (const { reject } of taken) reject(error);
      }
      // Those who were told come again before the next call begins.
      await new Promise((resolve) => setImmediate(resolve));
    }
    busy = false;
  };
  return (record) =>
    new Promise((resolve, reject) => {
      waiting.push({ record, resolve, reject });
      if (!busy) void pump();
    });
}
