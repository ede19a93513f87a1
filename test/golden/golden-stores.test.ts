/** Stores as builds of the past wrote them: they open, hold what they held, and go on. */
import { readFileSync, readdirSync } from "node:fs";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { Contents } from "./golden-store.js";
import { goldenStores } from "./stores.js";

const golden = path.join(import.meta.dirname, "stores-v1");
const expected = JSON.parse(readFileSync(path.join(golden, "expected.json"), "utf8")) as Record<string, Contents>;

describe("golden stores", () => {
  it("are there for each kind", () => {
    const directories = readdirSync(golden).filter((name) => name !== "expected.json");
    expect(directories.toSorted()).toEqual(goldenStores.map(({ name }) => name).toSorted());
  });

  it.each(goldenStores)("$name: holds what it held, is written on, and holds it still", async (store) => {
    const place = await mkdtemp(path.join(tmpdir(), "holdfast-golden-"));
    try {
      const copy = path.join(place, store.name);
      await cp(path.join(golden, store.name), copy, { recursive: true });
      const before = expected[store.name]!;
      expect(await store.look(copy)).toEqual(before);
      if (store.writeOn === undefined) return;
      await store.writeOn(copy);
      const after = await store.look(copy);
      expect(Object.keys(after)).toEqual(Object.keys(before));
      let longer = 0;
      for (const [name, entries] of Object.entries(before)) {
        expect(after[name]?.slice(0, entries.length), name).toEqual(entries);
        longer += after[name]!.length - entries.length;
      }
      expect(longer).toBeGreaterThan(0);
    } finally {
      await rm(place, { recursive: true, force: true });
    }
  });
});
