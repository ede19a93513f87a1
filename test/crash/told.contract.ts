/** The power is cut at the very moment at which a pipeline tells of something, and nothing is left that was not synced; or a slot of its anchor is lost too. */
import { loseNewestSlot } from "../../src/cli/crash/anchor-slots.js";
import { type Persisted } from "../../src/lanes/index.js";
import {
  type Anchor,
  DIRECTORY,
  type OpenPipeline,
  type PipelineOpener,
  SLOT_BYTES,
  certificates,
  lane,
  pipelineKinds,
} from "../../src/lanes/pipeline.contract.js";
import { type DiskSnapshot, SimDisk, SimVfs, keepNothing } from "../../src/vfs/index.js";

interface Telling {
  readonly persisted: Persisted<string, Anchor>;
  readonly snapshot: DiskSnapshot;
}

/** Anchors that advance and jump, lanes and a chain, some of them at once. */
async function run({ pipeline, close }: OpenPipeline): Promise<void> {
  await pipeline.persist({ lanes: [lane("ann", 0, 2), lane("bob", 0, 0)] });
  await Promise.all([
    pipeline.persist({
      anchor: { round: 1, chain: 0, lanes: { ann: 1 } },
      chain: { firstIndex: 0, values: certificates(0, 1) },
      lanes: [lane("ann", 3, 3)],
    }),
    pipeline.persist({
      anchor: { round: 2, chain: 1, lanes: { ann: 2 } },
      lanes: [lane("bob", 1, 2), lane("ann", 4, 4)],
    }),
  ]);
  await pipeline.persist({
    anchor: { round: 3, chain: 9, entry: true, lanes: { ann: 20, bob: 1 } },
    lanes: [lane("ann", 20, 21), lane("bob", 3, 3)],
  });
  await close();
}

/** Whether a pipeline, recovered, has what was told of. */
function has({ pipeline }: OpenPipeline, persisted: Persisted<string, Anchor>): boolean {
  if (persisted.kind === "anchor") return (pipeline.anchor?.round ?? 0) >= persisted.anchor.round;
  if (persisted.kind === "chain") return pipeline.chain.nextIndex >= persisted.nextIndex;
  return (pipeline.lanes.get(persisted.key)?.nextIndex ?? 0) >= persisted.nextIndex;
}

/** Whether one that lost the newest slot of its anchor as well finds all that the anchor before needs. */
async function servesOlderAnchor(open: PipelineOpener, vfs: SimVfs): Promise<boolean> {
  await loseNewestSlot(vfs, `${DIRECTORY}/anchor`, SLOT_BYTES);
  const recovered = await open(vfs);
  const isSound = recovered.pipeline.failures.length === 0;
  await recovered.close();
  return isSound;
}

/** Runs a pipeline of each kind. Resolves to how many states were looked at; rejects with the first that is wrong. */
export async function cutAtEachTelling(): Promise<number> {
  let looked = 0;
  for (const [kind, open] of pipelineKinds) {
    const vfs = new SimVfs({ seed: 1 });
    const tellings: Telling[] = [];
    const onPersisted = (persisted: Persisted<string, Anchor>): void =>
      void tellings.push({ persisted, snapshot: vfs.disk.snapshot() });
    await run(await open(vfs, { onPersisted }));
    for (const { persisted, snapshot } of tellings) {
      const afterCut = (): SimVfs => {
        const disk = SimDisk.afterPowerCut(snapshot.powerCut(), keepNothing, { seed: 1 });
        return new SimVfs({ disk });
      };
      const recovered = await open(afterCut());
      if (!has(recovered, persisted))
        throw new Error(`${kind}: told of ${JSON.stringify(persisted)}, which a power cut took back`);
      await recovered.close();
      if (!(await servesOlderAnchor(open, afterCut())))
        throw new Error(`${kind}: the older anchor misses something, after ${JSON.stringify(persisted)}`);
      looked += 2;
    }
  }
  return looked;
}
