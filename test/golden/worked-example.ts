/**
 * The tiny log that the format pages dump: block size 512, segments of 2,048 bytes, `torn: "align"`; one record, then a batch of two. Everything
 * that would be random is 01 02 03 ….
 */
import { Log } from "../../src/log/index.js";
import { SimVfs } from "../../src/vfs/index.js";

export const DIRECTORY = "/log";

export const EXAMPLE_RECORDS: readonly { readonly type: number; readonly text: string }[] = [
  { type: 1, text: "paid 5" },
  { type: 2, text: "got 7" },
  { type: 0, text: "" },
];

/** A simulated machine without randomness. */
export class PlainVfs extends SimVfs {
  override randomBytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, (_, index) => index + 1);
  }
}

/** Writes the example, closed cleanly. Returns the machine with it. */
export async function writeExample(): Promise<SimVfs> {
  const vfs = new PlainVfs({ seed: 1 });
  const log = await Log.open(DIRECTORY, { vfs, blockBytes: 512, segmentBytes: 2048 });
  const records = EXAMPLE_RECORDS.map(({ type, text }) => ({ type, payload: new TextEncoder().encode(text) }));
  await log.append(records[0]!.payload, records[0]!.type);
  await log.appendAll(records.slice(1));
  // The mark is written when the writer comes to rest.
  await vfs.delay(1);
  await log.close();
  return vfs;
}

/** The contents of one of the example's files. */
export function fileOf(vfs: SimVfs, path: string): Uint8Array {
  const contents = vfs.snapshotTree().find((entry) => entry.path === path)?.contents;
  if (contents === undefined) throw new Error(`the example has no ${path}`);
  return contents;
}
