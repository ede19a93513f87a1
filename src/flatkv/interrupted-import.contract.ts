/** Imports that end in the middle of the stream, at one place after the other, and are begun again. */
import type { Engine } from "../engine/index.js";
import type { LtHash } from "../hash/index.js";
import { FlatKv } from "./flat-kv.js";
import { IMPORT_KEY, decodeProgress, encodeProgress } from "./import-progress.js";
import { importFlatKv } from "./import.js";
import { options } from "./small-store.contract.js";
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

/** An export in pieces, and the hash of what was exported. */
async function makePieces(
  vfs: SimVfs,
  { rows, valueBytes, pieceBytes }: Omit<InterruptedImports, "noteEveryBytes">,
): Promise<{ readonly pieces: readonly Uint8Array[]; readonly hash: LtHash }> {
  const store = await FlatKv.open("/store", options(vfs, { log: { segmentBytes: 1 << 22 } }));
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
  return { pieces, hash };
}

/** An import whose source fails behind these pieces. */
async function interruptImport(
  vfs: SimVfs,
  directory: string,
  pieces: readonly Uint8Array[],
  noteEveryBytes: number,
): Promise<void> {
  const stop = new Error("interrupted");
  const broken = function* (): Generator<Uint8Array> {
    yield* pieces;
    throw stop;
  };
  await importFlatKv(directory, broken(), { ...options(vfs), noteEveryBytes }).catch((error: unknown) => {
    if (error !== stop) throw error;
  });
}

/** An import into `/copy` that ends shortly before the end of the stream. Resolves to the pieces of the whole stream. */
export async function interruptOneImport(
  vfs: SimVfs,
  { noteEveryBytes, ...how }: Omit<InterruptedImports, "pieceBytes">,
): Promise<readonly Uint8Array[]> {
  const { pieces } = await makePieces(vfs, { ...how, pieceBytes: 1000 });
  await interruptImport(vfs, "/copy", pieces.slice(0, -1), noteEveryBytes);
  return pieces;
}

/** Makes the note that an interrupted import left in a database one of rows with another hash. */
export async function spoilNote(engine: Engine, directory: string): Promise<void> {
  const database = await engine.open(directory);
  const note = await database?.get(IMPORT_KEY);
  const progress = note === undefined ? undefined : decodeProgress(note);
  if (database === undefined || progress === undefined) throw new Error(`there is no note in ${directory}`);
  progress.hash.add(Uint8Array.of(1), Uint8Array.of(1));
  const batch = database.batch();
  batch.put(IMPORT_KEY, encodeProgress(progress));
  await batch.write({ sync: true });
  await database.close();
}

/** Throws where the import that is begun again comes to something else than what was exported. Resolves to how many were interrupted. */
export async function interruptImports(vfs: SimVfs, { noteEveryBytes, ...how }: InterruptedImports): Promise<number> {
  const { pieces, hash } = await makePieces(vfs, how);
  for (let count = 1; count < pieces.length; count++) {
    const directory = `/copy-${count}`;
    await interruptImport(vfs, directory, pieces.slice(0, count), noteEveryBytes);
    await importFlatKv(directory, pieces, { ...options(vfs), noteEveryBytes });
    const copy = await FlatKv.open(directory, options(vfs));
    const report = await copy.verify();
    if (!copy.committedHash().equals(hash) || report.problems.length > 0)
      throw new Error(`the import that ended after ${count} of ${pieces.length} pieces went on to another store`);
    await copy.close();
  }
  return pieces.length - 1;
}
