/**
 * Writes the golden directories of stores, `test/golden/stores-v<version>/<store>/`, and `expected.json` beside them, in the version that this build has.
 * Leaves alone what exists: those files stand for builds of the past.
 *
 *     npx esbuild test/golden/make-stores.ts --bundle --platform=node --format=esm --packages=external --outfile=.tmp/make-stores.mjs
 *     node .tmp/make-stores.mjs test/golden
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { SimVfs, nodeVfs } from "../../src/vfs/index.js";
import type { Contents, GoldenStore } from "./golden-store.js";
import { goldenStores } from "./stores.js";

const root = process.argv[2] ?? "test/golden";
for (const [index, store] of goldenStores.entries()) {
  const target = path.join(root, `stores-v${store.version ?? 1}`);
  const facts = path.join(target, "expected.json");
  const expected = existsSync(facts) ? (JSON.parse(readFileSync(facts, "utf8")) as Record<string, Contents>) : {};
  const directory = path.join(target, store.name);
  if (existsSync(directory)) {
    console.error(`${directory} exists and is what a build of the past wrote; it is left as it is.`);
    continue;
  }
  await (store.onRealDisk === true ? makeOnDisk(store, directory) : makeSimulated(store, directory, index + 1));
  expected[store.name] = await lookAtCopy(store, directory);
  writeFileSync(facts, `${JSON.stringify(expected, undefined, 1)}\n`);
}

async function makeSimulated(store: GoldenStore, directory: string, seed: number): Promise<void> {
  const vfs = new SimVfs({ seed });
  await store.make("/golden", vfs);
  await vfs.delay(1);
  for (const { path: name, contents } of vfs.snapshotTree()) {
    if (contents === undefined || name.endsWith("/lock")) continue;
    const file = path.join(directory, name.slice("/golden/".length));
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, contents);
  }
}

/** Without locks, and without what LevelDB tells of itself. */
async function makeOnDisk(store: GoldenStore, directory: string): Promise<void> {
  const made = mkdtempSync(path.join(tmpdir(), "holdfast-golden-"));
  try {
    await store.make(path.join(made, store.name), nodeVfs);
    cpSync(path.join(made, store.name), directory, {
      recursive: true,
      filter: (name) => !["lock", "LOCK", "LOG", "LOG.old"].includes(path.basename(name)),
    });
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

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
