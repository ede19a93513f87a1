import path from "node:path";
import { build } from "esbuild";
import { FLATKV_PROGRAM } from "./flatkv-process.js";
import { MERKLE_PROGRAM } from "./merkle-process.js";
import { WRITER_PROGRAM } from "./writer-process.js";

const ENTRIES = {
  "holdfast/engine": path.resolve("dist", "engine", "index.js"),
  "holdfast/flatkv": path.resolve("dist", "flatkv", "index.js"),
  "holdfast/hash": path.resolve("dist", "hash", "index.js"),
  "holdfast/proof": path.resolve("dist", "proof", "index.js"),
  "holdfast/trie": path.resolve("dist", "trie", "index.js"),
  holdfast: path.resolve("dist", "index.js"),
};

/**
 * Makes the programs of child processes runnable by plain Node. They import the package by its names, which here are the build in `dist`: what is
 * tested is what ships.
 */
export async function setup(): Promise<void> {
  for (const [program, outfile] of [
    ["writer-program.ts", WRITER_PROGRAM],
    ["flatkv-program.ts", FLATKV_PROGRAM],
    ["merkle-program.ts", MERKLE_PROGRAM],
  ] as const)
    await build({
      entryPoints: [path.join("test", "faults", program)],
      outfile,
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node20",
      // Not bundled: the program loads the files of `dist` as they are.
      alias: ENTRIES,
      external: Object.values(ENTRIES),
      // The paths of tsconfig.json lead to the sources.
      tsconfigRaw: {},
      logLevel: "warning",
    });
}
