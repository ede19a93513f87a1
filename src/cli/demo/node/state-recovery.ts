/** Brings the state to where the chain is. */
import { DemoMismatchError } from "../mismatch.js";
import { flightChangeSets } from "../state/flight-changes.js";
import { prepareVersion } from "../state/next-version.js";
import type { Certificate } from "./certificate.js";
import type { NodeSettings } from "./node-settings.js";
import type { NodeStores } from "./node-stores.js";
import { readRound } from "./stored-round.js";

/** How many rounds had to be applied again to each store of the state. */
export interface StateCaughtUp {
  readonly flatkv: number;
  readonly trie: number;
}

/** The version of the state after so many rounds: the first is that before any round. */
export function versionAfter(rounds: number): number {
  return rounds + 1;
}

/**
 * Commits the first version where there is none, and the newest round where a crash took its commit, to each of the stores by itself. A store that is
 * further behind than a crash leaves it, or ahead of the chain, is a {@link DemoMismatchError}.
 */
export async function recoverState(
  { flatkv, trie, pipeline }: Pick<NodeStores, "flatkv" | "trie" | "pipeline">,
  newest: Certificate | undefined,
  { genesis }: Pick<NodeSettings, "genesis">,
): Promise<StateCaughtUp> {
  const rounds = pipeline.chain.nextIndex;
  const version = versionAfter(rounds);
  for (const [name, found] of [
    ["state", flatkv.version],
    ["Merkle store", trie.sequence],
  ] as const)
    if (found > version || found < version - 1)
      throw new DemoMismatchError(`The ${name} is at version ${found}, and the chain has ${rounds} rounds.`);
  const { lacking, commit } = await prepareVersion({ flatkv, trie }, version, async (rows) => {
    if (rounds === 0) return await genesis();
    if (newest === undefined)
      throw new DemoMismatchError(`The chain has ${rounds} rounds, and does not hold the newest.`);
    return await flightChangeSets((await readRound(pipeline, newest)).lanes, rows);
  });
  await commit();
  return rounds === 0 ? { flatkv: 0, trie: 0 } : { flatkv: Number(lacking.flatkv), trie: Number(lacking.trie) };
}
