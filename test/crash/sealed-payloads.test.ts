import { describe, expect, it } from "vitest";
import { logExploration } from "../../src/cli/crash/log-case.js";
import { exploreCrashes } from "../../src/testing/index.js";
import { SEALED_CALLS, SEALED_OPTIONS } from "./sealed-payloads.contract.js";

describe("a log whose payloads hold checksums of their own", () => {
  it.each(["align", "double-write", "trust"] as const)(
    "shows no older sector in the place of a lost one (%s)",
    async (torn) => {
      // Found first in a commit store on the memory engine, then here: a batch that was never acknowledged was taken with an older payload in its middle,
      // since the one checksum of a group, a CRC-32C, is the same around any bytes that are followed by their own.
      const report = await exploreCrashes({
        ...logExploration({
          title: `sealed payloads, ${torn}`,
          seed: 1,
          options: { ...SEALED_OPTIONS, torn },
          calls: SEALED_CALLS,
          tornMax: torn === "trust" ? 0 : 1,
          effort: { depth: 1, kill: true, nestedShare: 0, nestedCap: 1 },
        }),
        statesMax: 3000,
      });
      expect(report.distinct).toBeGreaterThan(200);
    },
  );
});
