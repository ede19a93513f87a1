import { mkdtemp, readFile, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { classicLevel } from "../index.js";
import type { ManifestTables } from "./manifest.js";
import { readManifest } from "./manifest.js";

/** A MANIFEST that LevelDB made, with the tables that it then had. */
let manifest: Uint8Array;
let tables: Record<number, number>;
let root: string;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "holdfast-manifest-"));
  const directory = path.join(root, "database");
  const database = await classicLevel({ writeBufferBytes: 65_536 }).create(directory);
  for (let n = 0; n < 30; n++) {
    const batch = database.batch();
    // Long keys make long edits: the MANIFEST goes over the end of its first block.
    for (let at = 0; at < 10; at++) {
      const key = new Uint8Array(900).fill((n * 37 + at * 11) & 255);
      key[899] = n;
      batch.put(key, new Uint8Array(1000).fill(at));
    }
    await batch.write({ sync: true });
  }
  await database.close();
  const current = (await readFile(path.join(directory, "CURRENT"), "utf8")).trim();
  manifest = new Uint8Array(await readFile(path.join(directory, current)));
  tables = {};
  for (const name of await readdir(directory))
    if (name.endsWith(".ldb")) tables[Number.parseInt(name, 10)] = (await stat(path.join(directory, name))).size;
});

afterAll(() => rm(root, { recursive: true, force: true }));

const live = (found: ManifestTables | undefined): Record<number, number> => Object.fromEntries(found?.tables ?? []);

describe("a MANIFEST", () => {
  it("names the tables that are there, with their sizes", () => {
    expect(manifest.length).toBeGreaterThan(32_768);
    const found = live(readManifest(manifest));
    expect(Object.keys(found).length).toBeGreaterThan(1);
    // Closing may have ended a compaction, whose tables are there and named by nobody.
    expect(tables).toMatchObject(found);
    expect(readManifest(manifest)?.end).toBe(manifest.length);
  });

  it("that is cut counts up to its last whole edit, and reads the same when cut there", () => {
    let ends = 0;
    let last = 0;
    for (let length = 0; length < manifest.length; length += 97) {
      const found = readManifest(manifest.subarray(0, length));
      if (found === undefined) {
        expect(last).toBe(0);
        continue;
      }
      expect(found.end).toBeLessThanOrEqual(length);
      expect(found.end).toBeGreaterThanOrEqual(last);
      if (found.end > last) ends++;
      last = found.end;
      expect(live(readManifest(manifest.subarray(0, found.end)))).toEqual(live(found));
    }
    expect(ends).toBeGreaterThan(10);
  });

  it("with a wrong byte is none, or ends before it; noise raises nothing", () => {
    const sound = live(readManifest(manifest));
    const flip = fc.record({ at: fc.nat(manifest.length - 1), by: fc.integer({ min: 1, max: 255 }) });
    const isRight = ({ at, by }: { at: number; by: number }): boolean => {
      const damaged = manifest.slice();
      damaged[at]! ^= by;
      const found = readManifest(damaged);
      // A byte between the last edit of a block and the block's end means nothing.
      return found === undefined || found.end <= at || JSON.stringify(live(found)) === JSON.stringify(sound);
    };
    expect(() => fc.assert(fc.property(flip, isRight))).not.toThrow();
    const noise = fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => readManifest(bytes) === undefined);
    expect(() => fc.assert(noise)).not.toThrow();
  });
});
