import { build } from "esbuild";
import { WRITER_PROGRAM } from "./writer-process.js";

/**
 * Makes the writer program runnable by plain Node. It imports the package by its name, which inside this repository is the build
 * in `dist`: what is tested is what ships.
 */
export async function setup(): Promise<void> {
  await build({
    entryPoints: ["test/faults/writer-program.ts"],
    outfile: WRITER_PROGRAM,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    external: ["holdfast"],
    // The paths of tsconfig.json lead to the sources.
    tsconfigRaw: {},
    logLevel: "warning",
  });
}
