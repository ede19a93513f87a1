/** What opening decides about a database, case by case. */
import { describe, expect, test } from "vitest";
import { LtHash } from "../hash/index.js";
import { type DatabaseProbe, type Expectation, decideDatabase } from "./recovery.js";

const storeId = new Uint8Array(16).fill(7);
const expected: Expectation = { storeId, name: "a", timeline: 2, syncedVersion: 10, lastVersion: 14 };

function probe(
  version: number,
  markers: readonly number[],
  more: { timeline?: number; database?: string; storeId?: Uint8Array } = {},
): DatabaseProbe {
  const metadata = { storeId, database: "a", timeline: 2, version, hash: new LtHash(), ...more };
  return { kind: "readable", metadata: { kind: "sound", metadata }, older: undefined, hasRows: true, markers };
}

describe("decideDatabase", () => {
  test.each([
    { what: "everything is there", found: probe(14, [9, 10, 11, 12, 13, 14]), from: 14, claims: [] },
    { what: "the newest commits are lacking", found: probe(12, [11, 12]), from: 12, claims: [] },
    { what: "nothing after the sync survived", found: probe(10, [10]), from: 10, claims: [] },
    {
      what: "a commit is lacking that later ones survived",
      found: probe(14, [11, 13, 14]),
      from: 11,
      claims: [13, 14],
    },
    { what: "the first one after the sync is lacking", found: probe(12, [12]), from: 10, claims: [12] },
    { what: "markers of the slots' earlier use are there", found: probe(11, [3, 4, 11]), from: 11, claims: [] },
  ])("where $what, goes on from the last version without a gap", ({ found, from, claims }) => {
    expect(decideDatabase(found, expected)).toEqual({ kind: "redo", from, claims });
  });

  test.each([
    { reason: "missing", found: { kind: "missing" } as const },
    { reason: "unreadable", found: { kind: "unreadable", cause: "a flipped bit" } as const },
    {
      reason: "empty",
      found: { kind: "readable", metadata: undefined, older: undefined, hasRows: false, markers: [] } as const,
    },
    {
      reason: "metadata-damaged",
      found: {
        kind: "readable",
        metadata: { kind: "damaged", found: "garbage" },
        older: undefined,
        hasRows: true,
        markers: [],
      } as const,
    },
    { reason: "metadata-damaged", found: probe(12, [11, 12, 13]) },
    { reason: "ahead-of-log", found: probe(15, [11, 12, 13, 14, 15]) },
    { reason: "behind-synced", found: probe(9, [9]) },
    { reason: "other-timeline", found: probe(12, [11, 12], { timeline: 3 }) },
  ])("makes one anew that is $reason", ({ reason, found }) => {
    expect(decideDatabase(found, expected)).toMatchObject({ kind: "rebuild", reason });
  });

  test("takes rows without metadata for neither hashed nor none", () => {
    for (const older of [undefined, "version-only", "version-and-hash", "separate-keys"] as const) {
      const found: DatabaseProbe = { kind: "readable", metadata: undefined, older, hasRows: true, markers: [11] };
      expect(decideDatabase(found, expected)).toEqual({ kind: "no-hashes", older });
    }
  });

  test("refuses what belongs elsewhere or to a newer build", () => {
    expect(decideDatabase(probe(12, [], { database: "b" }), expected)).toMatchObject({ kind: "foreign" });
    expect(decideDatabase(probe(12, [], { storeId: new Uint8Array(16) }), expected)).toMatchObject({ kind: "foreign" });
    const newer: DatabaseProbe = {
      kind: "readable",
      metadata: { kind: "newer", format: 2 },
      older: undefined,
      hasRows: true,
      markers: [],
    };
    expect(decideDatabase(newer, expected)).toEqual({ kind: "newer", format: 2 });
  });
});
