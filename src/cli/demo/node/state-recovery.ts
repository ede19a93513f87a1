/** Brings the state to where the chain is. */
import { DemoMismatchError } from "../mismatch.js";
import { flightChangeSets } from "../state/flight-changes.js";
import type { Certificate } from "./certificate.js";
import type { NodeSettings } from "./node-settings.js";
import type { NodeStores } from "./node-stores.js";
import { readRound } from "./stored-round.js";

/** The version of the state after so many rounds: the first is that before any round. */
export function versionAfter(rounds: number): number {
  return rounds + 1;
}

/**
 * Commits the first version where there is none, and the newest round where a crash took its commit. Returns how many rounds had to be applied again. A
 * state that is further behind than a crash leaves it, or ahead of the chain, is a {@link DemoMismatchError}.
 */
export async function recoverState(
  { flatkv, pipeline }: Pick<NodeStores, "flatkv" | "pipeline">,
  newest: Certificate | undefined,
  { genesis }: Pick<NodeSettings, "genesis">,
): Promise<number> {
  const rounds = pipeline.chain.nextIndex;
  if (flatkv.version === 0 && rounds === 0) {
    await flatkv.applyChangeSets(await genesis());
    await flatkv.commit();
  }
  const behind = versionAfter(rounds) - flatkv.version;
  if (behind === 0) return 0;
  if (behind !== 1 || newest === undefined)
    throw new DemoMismatchError(`The state is at version ${flatkv.version}, and the chain has ${rounds} rounds.`);
  const { lanes } = await readRound(pipeline, newest);
  await flatkv.applyChangeSets(await flightChangeSets(lanes, flatkv));
  await flatkv.commit();
  return 1;
}
