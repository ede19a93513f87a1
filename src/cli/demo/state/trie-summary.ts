/** What the demo prints of its Merkle store. */
import { formatBytes, formatCount, formatPlural } from "../../units.js";
import type { TrieContent } from "./trie-audit.js";

/** What was read of it, and what it proved. */
export function provedText({ keys, pages, proofs }: TrieContent): string {
  const { present, absent, bytes, multiBytes } = proofs;
  return (
    `${formatCount(present + absent)} of ${formatPlural(keys, "key")} (${formatPlural(pages, "page")}): ${present} with their rows, ${absent} absent, each verified against the root with a proof\n` +
    `of ${formatBytes(Math.min(...bytes))} to ${formatBytes(Math.max(...bytes))}, and all of them with one of ${formatBytes(multiBytes)}`
  );
}
