/**
 * Found by flipping bytes of a commit store on LevelDB: with a damaged filter LevelDB answered that a row was not there, while a scan found every row,
 * so that `verify` called the store sound; and a damaged CURRENT was a failure of the file system, so that the database was not made anew.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { classicLevel } from "../index.js";
import { unsnap } from "./snappy.js";
import { damageOfTable } from "./table.js";

const FOOTER_BYTES = 48;

let root: string;
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), "holdfast-table-"));
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

/** Makes a database with one table, and returns the table's path. */
async function makeTable(directory: string, compression: boolean, rows: number): Promise<string> {
  const database = await classicLevel({ compression }).create(directory);
  const batch = database.batch();
  for (let n = 0; n < rows; n++)
    batch.put(Buffer.from(`key ${String(n).padStart(5, "0")}`), Buffer.alloc(100, `${n} `));
  await batch.write({ sync: true });
  await database.close();
  const [table = ""] = readdirSync(directory).filter((name) => name.endsWith(".ldb"));
  return path.join(directory, table);
}

describe("the check of a table", () => {
  for (const compression of [false, true]) {
    it(`finds every flip of a bit in it${compression ? ", compressed" : ""}`, async () => {
      const bytes = readFileSync(await makeTable(path.join(root, `flips-${compression}`), compression, 60));
      expect(damageOfTable(bytes)).toBeUndefined();
      for (let offset = 0; offset < bytes.length; offset++) {
        const flipped = Buffer.from(bytes);
        flipped[offset] = (flipped[offset] ?? 0) ^ (1 << (offset % 8));
        // Between the last place and the magic number there is padding, which says nothing.
        const mayPass = offset >= bytes.length - FOOTER_BYTES && offset < bytes.length - 8;
        if (damageOfTable(flipped) === undefined) expect(mayPass).toBe(true);
      }
    });

    it(`passes one with many blocks${compression ? ", compressed" : ""}, and none that is cut`, async () => {
      const bytes = readFileSync(await makeTable(path.join(root, `blocks-${compression}`), compression, 9000));
      expect(damageOfTable(bytes)).toBeUndefined();
      for (const length of [0, 1, 47, 48, 1000, bytes.length - 1])
        expect(damageOfTable(bytes.subarray(0, length))).toBeDefined();
    });
  }
});

it("a database whose filter is damaged says so when it is checked", async () => {
  const directory = path.join(root, "filter");
  const table = await makeTable(directory, false, 60);
  const sound = readFileSync(table);
  let missed = 0;
  for (let offset = sound.length - FOOTER_BYTES - 300; offset < sound.length - FOOTER_BYTES; offset += 10) {
    const flipped = Buffer.from(sound);
    flipped[offset] = (flipped[offset] ?? 0) ^ 0xff;
    writeFileSync(table, flipped);
    const database = await classicLevel().open(directory);
    const values =
      (await database
        ?.getMany(Array.from({ length: 60 }, (_, n) => Buffer.from(`key ${String(n).padStart(5, "0")}`)))
        .catch(() => [])) ?? [];
    missed += values.filter((value) => value === undefined).length;
    await expect(database?.check?.()).rejects.toMatchObject({ code: "HF_CORRUPTION" });
    await database?.close();
  }
  expect(missed).toBeGreaterThan(0);
});

it("a database whose CURRENT or MANIFEST is damaged is damaged", async () => {
  const directory = path.join(root, "current");
  await makeTable(directory, false, 10);
  for (const name of readdirSync(directory).filter((file) => file === "CURRENT" || file.startsWith("MANIFEST"))) {
    const sound = readFileSync(path.join(directory, name));
    const flipped = Buffer.from(sound);
    flipped[3] = (flipped[3] ?? 0) ^ 4;
    writeFileSync(path.join(directory, name), flipped);
    await expect(classicLevel().open(directory)).rejects.toMatchObject({ code: "HF_CORRUPTION" });
    await expect(classicLevel().copy(directory, path.join(root, "copy"))).rejects.toMatchObject({
      code: "HF_CORRUPTION",
    });
    rmSync(path.join(root, "copy"), { recursive: true, force: true });
    writeFileSync(path.join(directory, name), sound);
  }
  const database = await classicLevel().open(directory);
  await database?.check?.();
  await database?.close();
});

describe("unsnap", () => {
  it("gives literals and copies, also those that reach into themselves", () => {
    const text = (hex: string): string | undefined => {
      const bytes = unsnap(Buffer.from(hex, "hex"));
      return bytes === undefined ? undefined : Buffer.from(bytes).toString();
    };
    // "abcd" and a copy of 8 bytes from 4 back, with each width of offset.
    expect(text("0c0c616263641104")).toBe("abcdabcdabcd");
    expect(text("0c0c616263641e0400")).toBe("abcdabcdabcd");
    expect(text("0c0c616263641f04000000")).toBe("abcdabcdabcd");
    // A literal whose length takes a byte of its own.
    expect(text(`3df03c${"61".repeat(61)}`)).toBe("a".repeat(61));
    expect(text("00")).toBe("");
  });

  it("gives nothing for what is cut, too long, or reaches before its start", () => {
    for (const hex of ["", "ff", "0c0c6162", "0c0c616263641105", "0b0c616263641104", "0d0c616263641104", "ffffffff7f"])
      expect(unsnap(Buffer.from(hex, "hex"))).toBeUndefined();
  });
});
