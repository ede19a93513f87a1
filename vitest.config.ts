import { execFileSync } from "node:child_process";
import path from "node:path";
import { defineConfig } from "vitest/config";
import type { ViteUserConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Tests that draw at random take their seed from `HOLDFAST_SEED`: the commit's own unless one is given, so that each commit
 * looks elsewhere and a failure repeats on the same commit.
 */
const seed = process.env["HOLDFAST_SEED"] ?? seedOfCommit();
if (process.env["HOLDFAST_SEED"] === undefined) {
  process.env["HOLDFAST_SEED"] = seed;
  console.log(`seed ${seed} (HOLDFAST_SEED=${seed} repeats this run)`);
}

function seedOfCommit(): string {
  try {
    const commit = execFileSync("git", ["rev-parse", "HEAD"], { stdio: ["ignore", "pipe", "ignore"] }).toString();
    return String(Number.parseInt(commit.slice(0, 8), 16));
  } catch {
    return "1";
  }
}

/** Files that take longest, which are begun first, so that no processor waits for one of them at the end. */
const LONGEST = [
  "test/demo.test.ts",
  "test/docs.test.ts",
  "test/damage/level-damage.test.ts",
  "test/damage/damage.test.ts",
  "test/damage/merkle-damage.test.ts",
  "src/cli/demo/node/node.crash.test.ts",
  "src/flatkv/export-scanner.test.ts",
  "src/trie/merkle-store-model.test.ts",
  "src/proof/nomt-crates.test.ts",
  "test/crash/",
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const placeOf = ({ moduleId }: TestSpecification): number => {
      const place = LONGEST.findIndex((file) => path.relative(".", moduleId).startsWith(file));
      return place === -1 ? LONGEST.length : place;
    };
    return (await super.sort(files)).toSorted((a, b) => placeOf(a) - placeOf(b));
  }
}

/** Replaces a package for all that the thread loads afterwards, so it has a thread of its own. */
const ALONE = ["src/vfs/node/node-lock.test.ts"];
const include = ["src/**/*.test.ts", "test/**/*.test.ts", "examples/**/*.test.ts", "scripts/**/*.test.mjs"];
const exclude = ["test/faults/**", "test/mutants/**", "**/node_modules/**"];

const config: ViteUserConfig = defineConfig({
  resolve: {
    // Tests of what users write import the package by name, and get the sources.
    alias: [
      { find: /^holdfast$/, replacement: path.resolve("src/index.ts") },
      { find: /^holdfast\/([a-z]+)$/, replacement: path.resolve("src/$1/index.ts") },
    ],
  },
  test: {
    // A thread runs one file after the other with the modules that it has: to load them anew for each file took a quarter of all the time.
    projects: [
      { extends: true, test: { name: "all", include, exclude: [...exclude, ...ALONE], isolate: false } },
      { extends: true, test: { name: "alone", include: ALONE, exclude, isolate: true } },
    ],
    sequence: { sequencer: LongestFirst },
    setupFiles: ["./test/seed.setup.ts"],
    pool: "threads",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // What a test replaced is there again for the next one, in whatever file.
    restoreMocks: true,
    unstubGlobals: true,
    unstubEnvs: true,
    env: { HOLDFAST_SEED: seed },
    coverage: { provider: "v8", include: ["src/**/*.ts"], exclude: ["src/**/*.test.ts"] },
  },
});

export default config;
