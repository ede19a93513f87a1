/** Stores as builds of the past wrote them: they open, hold what they held, and go on. */
import { readFileSync, readdirSync } from "node:fs";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { Contents } from "./golden-store.js";
import { goldenStores } from "./stores.js";

const golden = import.meta.dirname;
const versions = readdirSync(golden).filter((name) => /^stores-v\d+$/.test(name));
const cases = versions.flatMap((version) =>
  storesIn(version).map((name) => [version, name, goldenStores.find((store) => store.name === name)!] as const),
);

function storesIn(version: string): string[] {
  return readdirSync(path.join(golden, version)).filter((name) => name !== "expected.json");
}

function expectedIn(version: string, name: string): Contents {
  const facts = JSON.parse(readFileSync(path.join(golden, version, "expected.json"), "utf8")) as Record<
    string,
    Contents
  >;
  return facts[name]!;
}

describe("golden stores", () => {
  it("are there for each kind", () => {
    expect(storesIn("stores-v1").toSorted()).toEqual(goldenStores.map(({ name }) => name).toSorted());
    for (const { name, version = 1 } of goldenStores) expect(storesIn(`stores-v${version}`)).toContain(name);
  });

  it.each(cases)("%s/%s: holds what it held, is written on, and holds it still", async (version, name, store) => {
    const place = await mkdtemp(path.join(tmpdir(), "holdfast-golden-"));
    try {
      const copy = path.join(place, name);
      await cp(path.join(golden, version, name), copy, { recursive: true });
      const before = expectedIn(version, name);
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
