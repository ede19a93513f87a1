/**
 * Writes the golden directories of stores, `test/golden/stores-v1/<store>/`, and `expected.json` beside them. Refuses to write what exists: those files
 * stand for builds of the past. A new version of a store's format gets a directory of its own beside this one.
 *
 *     npx esbuild test/golden/make-stores.ts --bundle --platform=node --format=esm --packages=external --outfile=.tmp/make-stores.mjs
 *     node .tmp/make-stores.mjs test/golden
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { SimVfs } from "../../src/vfs/index.js";
import { type Contents, type GoldenStore, goldenStores } from "./stores.js";

const target = path.join(process.argv[2] ?? "test/golden", "stores-v1");
if (existsSync(target)) {
  console.error(`${target} exists and is what builds of the past wrote; nothing was written.`);
  process.exit(1);
}
const expected: Record<string, Contents> = {};
for (const [index, store] of goldenStores.entries()) {
  const vfs = new SimVfs({ seed: index + 1 });
  await store.make("/golden", vfs);
  await vfs.delay(1);
  const directory = path.join(target, store.name);
  for (const { path: name, contents } of vfs.snapshotTree()) {
    if (contents === undefined || name.endsWith("/lock")) continue;
    const file = path.join(directory, name.slice("/golden/".length));
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, contents);
  }
  expected[store.name] = await lookAtCopy(store, directory);
}
writeFileSync(path.join(target, "expected.json"), `${JSON.stringify(expected, undefined, 1)}\n`);

/** Opening changes files, so it looks at a copy. */
async function lookAtCopy(store: GoldenStore, directory: string): Promise<Contents> {
  const copy = mkdtempSync(path.join(tmpdir(), "holdfast-golden-"));
  try {
    cpSync(directory, copy, { recursive: true });
    return await store.look(copy);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
