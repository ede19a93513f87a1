/** The batches that a child process writes: ten rows with the same number in each, so that half a batch can be told. */

/** How many rows a batch has. */
export const BATCH_ROWS = 10;

/** The rows of batch `n`. */
export function batchOf(n: number): [key: Uint8Array, value: Uint8Array][] {
  return Array.from({ length: BATCH_ROWS }, (_, at) => {
    const key = new Uint8Array(8);
    new DataView(key.buffer).setUint32(0, n);
    key[7] = at;
    const value = new Uint8Array(200).fill(n);
    return [key, value];
  });
}

/** The number of the batch that a row is of. */
export function batchNumberOf(key: Uint8Array): number {
  return new DataView(key.buffer, key.byteOffset).getUint32(0);
}
