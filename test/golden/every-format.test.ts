/** Each format that is documented has files of each of its versions, which tests of this folder read. */
import { readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

/** The golden files that hold each page's format. */
const GOLDEN: Readonly<Record<string, readonly string[]>> = {
  anchor: [
    "stores-v1/anchors/mirror",
    "stores-v1/anchors/alternate",
    "stores-v2/anchors/mirror",
    "stores-v2/anchors/alternate",
  ],
  "double-write": [
    "stores-v1/double-write-buffer/images",
    "v1/double-write-torn-tail/double-write",
    "stores-v2/double-write-buffer/images",
    "v2/double-write-torn-tail/double-write",
  ],
  events: ["stores-v1/event-log/0000000000000002.seg"],
  flatkv: [
    "stores-v1/flatkv-memory/anchor",
    "stores-v1/flatkv-memory/log/0000000000000001.seg",
    "stores-v1/flatkv-level/db-0000000000000001/CURRENT",
    // The memory engine's own file.
    "stores-v1/flatkv-memory/db-0000000000000001/rows",
  ],
  "flatkv-export": ["stores-v1/export/state.hfx"],
  lanes: [
    "stores-v1/lanes/registry/0000000000000001.seg",
    "stores-v1/pipeline/anchor",
    "stores-v1/pipeline-shared/anchor",
  ],
  "log-state": ["v1/align-clean/anchor", "v1/double-write-clean/anchor", "v1/trust-clean/anchor"],
  mark: ["v1/align-clean/mark"],
  pages: ["stores-v1/pages/anchor", "stores-v1/pages/table-0000000000000001"],
  proof: ["stores-v1/proofs/present", "stores-v1/proofs/absent", "stores-v1/proofs/both"],
  segment: ["v1/align-pruned/0000000000000003.seg", "v2/align-pruned/0000000000000003.seg"],
  streams: ["stores-v1/shared-log/streams-checkpoint", "stores-v1/shared-log/0000000000000017.seg"],
  trie: ["stores-v1/merkle/anchor", "stores-v1/merkle/values/rows"],
};

describe("golden files", () => {
  it("are there for every page of formats", () => {
    const pages = readdirSync(path.join(import.meta.dirname, "../../docs/formats"))
      .filter((name) => name !== "README.md")
      .map((name) => name.replace(".md", ""));
    expect(pages.toSorted()).toEqual(Object.keys(GOLDEN).toSorted());
  });

  it.each(Object.entries(GOLDEN))("of %s are in the directories that the tests open", (_page, files) => {
    const there = new Set(readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" }));
    expect(files.filter((file) => !there.has(file))).toEqual([]);
  });
});
