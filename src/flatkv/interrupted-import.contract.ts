/** Imports that end in the middle of the stream, at one place after the other, and are begun again. */
import { memoryEngine } from "../engine/index.js";
import { FlatKv } from "./flat-kv.js";
import { importFlatKv } from "./import.js";
import type { SimVfs } from "../vfs/index.js";

/** How the store is filled, and its export interrupted. */
export interface InterruptedImports {
  /** Rows of the first database; the second has one. */
  readonly rows: number;
  readonly valueBytes: number;
  /** The stream is cut at each multiple of this. */
  readonly pieceBytes: number;
  readonly noteEveryBytes: number;
}

/** Throws where the import that is begun again comes to something else than what was exported. Resolves to how many were interrupted. */
export async function interruptImports(
  vfs: SimVfs,
  { rows, valueBytes, pieceBytes, noteEveryBytes }: InterruptedImports,
): Promise<number> {
  const options = { vfs, engine: memoryEngine({ vfs }), databases: ["a", "b"] } as const;
  const store = await FlatKv.open("/store", options);
  const change = (row: number): { key: Uint8Array; value: Uint8Array } => ({
    key: Uint8Array.of(1 + row),
    value: new Uint8Array(valueBytes).fill(1 + row),
  });
  await store.applyChangeSets([
    { database: "a", changes: Array.from({ length: rows }, (_, row) => change(row)) },
    { database: "b", changes: [change(0)] },
  ]);
  await store.commit();
  const hash = store.committedHash();
  const pieces: Uint8Array[] = [];
  for await (const chunk of store.export())
    for (let at = 0; at < chunk.length; at += pieceBytes) pieces.push(chunk.slice(at, at + pieceBytes));
  await store.close();
  for (let count = 1; count < pieces.length; count++) {
    const directory = `/copy-${count}`;
    const stop = new Error("interrupted");
    const broken = function* (): Generator<Uint8Array> {
      yield* pieces.slice(0, count);
      throw stop;
    };
    await importFlatKv(directory, broken(), { ...options, noteEveryBytes }).catch((error: unknown) => {
      if (error !== stop) throw error;
    });
    await importFlatKv(directory, pieces, { ...options, noteEveryBytes });
    const copy = await FlatKv.open(directory, options);
    const report = await copy.verify();
    if (!copy.committedHash().equals(hash) || report.problems.length > 0)
      throw new Error(`the import that ended after ${count} of ${pieces.length} pieces went on to another store`);
    await copy.close();
  }
  return pieces.length - 1;
}
