import { expect, test } from "vitest";
import { memoryEngine } from "../engine/index.js";
import { Log } from "../log/index.js";
import { SimVfs } from "../vfs/index.js";
import { FlatKv } from "./index.js";

const key = Uint8Array.of(1);

test("a journal of another store is refused, and one that something else wrote to at the next opening", async () => {
  const vfs = new SimVfs({ seed: 1 });
  const journal = await Log.open("/log", { vfs });
  const open = (path: string): Promise<FlatKv> =>
    FlatKv.open(path, { vfs, journal, engine: memoryEngine({ vfs }), databases: ["main"] });
  const store = await open("/store");
  await store.applyChangeSets([{ database: "main", changes: [{ key, value: key }] }]);
  await store.commit();
  await expect(open("/other")).rejects.toMatchObject({ code: "HF_EXISTS" });
  const lsn = await journal.append(key);
  await store.close();
  await expect(open("/store")).rejects.toMatchObject({ code: "HF_CORRUPTION", details: { lsn } });
  await journal.truncateAfter(lsn - 1);
  const again = await open("/store");
  expect(await again.get(key, { database: "main" })).toEqual(key);
  await again.close();
  await journal.close();
});
