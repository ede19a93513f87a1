import path from "node:path";
import { build } from "esbuild";
import { WRITER_PROGRAM } from "./writer-process.js";

const FRONT_DOOR = path.resolve("dist", "index.js");

/**
 * Makes the writer program runnable by plain Node. It imports the package by its name, which here is the build in `dist`: what is
 * tested is what ships.
 */
export async function setup(): Promise<void> {
  await build({
    entryPoints: ["test/faults/writer-program.ts"],
    outfile: WRITER_PROGRAM,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    // Not bundled: the program loads the files of `dist` as they are.
    alias: { holdfast: FRONT_DOOR },
    external: [FRONT_DOOR],
    // The paths of tsconfig.json lead to the sources.
    tsconfigRaw: {},
    logLevel: "warning",
  });
}
