/** The Merkle store in a directory, as the commands open it: with the engine and the hash function that its books name, and the log in its directory. */
import { ConflictError } from "../../base/index.js";
import { type Engine, classicLevel, memoryEngine } from "../../engine/index.js";
import { type Hasher, blake3, keccak256, sha256 } from "../../hash/index.js";
import { type MerkleInspection, MerkleStore } from "../../trie/index.js";

const HASHERS: readonly Hasher[] = [blake3, sha256, keccak256];

/** Opens it. What a crash left is recovered, as by any opening. */
export async function openMerkle(found: MerkleInspection): Promise<MerkleStore> {
  const { directory, pages } = found;
  if (pages !== undefined && pages.log === undefined && pages.problems.length === 0)
    throw new ConflictError(
      "HF_OPTION_MISMATCH",
      `${directory} has no log of its own: its commits are in a journal of the program that made it, and only that program can open it.`,
      { path: directory },
    );
  const hasher = HASHERS.find(({ name }) => name === found.hasher);
  if (hasher === undefined) throw unknownPart(found, `the hash function ${found.hasher}`);
  return await MerkleStore.open(directory, { createIfMissing: false, engine: engineOf(found), hasher });
}

function engineOf(found: MerkleInspection): Engine {
  if (found.engine === "classic-level") return classicLevel();
  if (found.engine === "memory") return memoryEngine();
  throw unknownPart(found, `the engine ${found.engine}`);
}

function unknownPart({ directory }: MerkleInspection, part: string): ConflictError {
  return new ConflictError(
    "HF_OPTION_MISMATCH",
    `${directory} was made with ${part}, which the command line does not have. Open it from the program that has it.`,
    { path: directory },
  );
}
