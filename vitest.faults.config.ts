import { defineConfig } from "vitest/config";
import type { ViteUserConfig } from "vitest/config";
import main from "./vitest.config.js";

/** The tests of `test/faults`: real processes on real file systems, one after the other. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ["test/faults/**/*.test.ts"],
    globalSetup: ["./test/faults/global-setup.ts"],
    env: main.test?.env ?? {},
    pool: "forks",
    fileParallelism: false,
    testTimeout: 900_000,
    hookTimeout: 120_000,
    // A skip is a plain line of its own in the output.
    disableConsoleIntercept: true,
    reporters: ["verbose"],
  },
});

export default config;
