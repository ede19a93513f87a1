/** The suite about anchors: whoever was told of a value, or was shown one, must find it or a newer one. */
import { Anchor, type AnchorMode, type AnchorOptions } from "../../anchor/index.js";
import { SeededRandom, equalBytes } from "../../base/index.js";
import type { SimVfs } from "../../vfs/index.js";
import { type CrashSuite, crashCase } from "./crash-case.js";
import { type Effort, effortOf } from "./effort.js";
import { pick } from "./log-calls.js";
import { makeParent } from "./parent-directory.js";
import { makePayload } from "./payload-book.js";

type AnchorEvent = { readonly kind: "issued" | "acked" | "opened"; readonly n: number };

interface AnchorPlan {
  readonly title: string;
  readonly seed: number;
  readonly mode: AnchorMode;
  readonly slotBytes: number;
  readonly writes: number;
  readonly stale: boolean;
  readonly effort: Effort;
}

interface OpenedAnchor {
  readonly anchor: Anchor;
  readonly n: number;
  readonly sequence: number;
  readonly names: readonly string[];
}

const PATH = "/data/anchor";

/** Value `n`: no mixture of two is one, though all but its first byte is under checksums of its own. */
function valueOf(n: number, slotBytes: number): Uint8Array {
  const value = makePayload(n, Math.min(slotBytes - 100, [900, 900, 10, 400, 0][n % 5] ?? 0) + 1, "sealed");
  value[0] = n;
  return value;
}

function anchorCase(plan: AnchorPlan): ReturnType<typeof crashCase> {
  const { followUps, ...limits } = plan.effort;
  const settings = { mode: plan.mode, slotBytes: plan.slotBytes, olderIsSafe: plan.mode === "alternate" };
  return crashCase<OpenedAnchor, AnchorEvent>(plan.title, {
    name: plan.title,
    seed: plan.seed,
    steps: plan.writes,
    disk: { stale: plan.stale },
    ...limits,
    async workload({ vfs, random, steps, note }) {
      let anchor = await openFirst(vfs, plan, settings);
      for (let n = 1; n <= steps; n++) {
        if (random.chance(0.25)) {
          await anchor.close();
          anchor = await Anchor.open(PATH, { ...settings, vfs });
        }
        note({ kind: "issued", n });
        const writing = anchor.write(valueOf(n, plan.slotBytes));
        // A second write that waits for the first: both must be done in order.
        if (n < steps && random.chance(0.3)) {
          n += 1;
          note({ kind: "issued", n });
          await Promise.all([writing, anchor.write(valueOf(n, plan.slotBytes))]);
        } else await writing;
        note({ kind: "acked", n });
      }
      await anchor.close();
    },
    async recover({ vfs, note }) {
      const anchor = await openFirst(vfs, plan, settings);
      const n = anchor.value[0] ?? -1;
      if (!equalBytes(anchor.value, valueOf(n, plan.slotBytes)))
        throw new Error(`the anchor holds something that is no value: ${anchor.value.length} bytes of ${n}`);
      const names = await vfs.list("/data");
      note({ kind: "opened", n });
      return { anchor, n, sequence: anchor.sequence, names };
    },
    check({ n, names }, events) {
      const before = events.slice(
        0,
        events.findLastIndex(({ kind }) => kind === "opened"),
      );
      const { floor, issued } = boundsOf(before);
      if (n < floor) throw new Error(`the anchor holds value ${n}, though ${floor} was promised`);
      if (n > issued)
        throw new Error(`the anchor holds value ${n}, though nothing above ${issued} was written or is left`);
      if (names.length !== 1) throw new Error(`files were left: ${names.join(", ")}`);
    },
    describe: ({ n }) => String(n),
    close: ({ anchor }) => anchor.close(),
    ...(followUps !== undefined
      ? {
          idempotent: true as const,
          async resume({ anchor, n }: OpenedAnchor, { note }: { note(event: AnchorEvent): void }) {
            note({ kind: "issued", n: n + 100 });
            await anchor.write(valueOf(n + 100, plan.slotBytes));
            note({ kind: "acked", n: n + 100 });
          },
        }
      : {}),
  });
}

/** An anchor's directory is its owner's to make. */
async function openFirst(vfs: SimVfs, plan: AnchorPlan, settings: AnchorOptions): Promise<Anchor> {
  await makeParent(vfs);
  return await Anchor.openOrCreate(PATH, valueOf(0, plan.slotBytes), { ...settings, vfs });
}

/** What every promise adds up to, and what may be there at most. */
function boundsOf(events: readonly AnchorEvent[]): { floor: number; issued: number } {
  let floor = 0;
  let issued = 0;
  for (const { kind, n } of events) {
    if (kind === "issued") issued = n;
    else if (kind === "acked") floor = n;
    else floor = issued = n;
  }
  return { floor, issued };
}

/** See the head of this file. */
export const anchorSuite: CrashSuite = {
  name: "anchor",
  summary: "an anchor that is made, written, closed and opened again, mirrored and alternating",
  weight: 2,
  makeCase(index, seed) {
    const random = new SeededRandom(seed).fork(`anchor ${index}`);
    const mode: AnchorMode = index % 2 === 0 ? "mirror" : "alternate";
    const slotBytes = pick(random, [512, 1024, 2048]);
    const writes = 2 + random.below(4);
    const title = `anchor/${index}: ${mode}, slots of ${slotBytes}, ${writes} writes`;
    return anchorCase({
      title,
      seed,
      mode,
      slotBytes,
      writes,
      stale: random.chance(0.5),
      effort: effortOf("anchor", index >> 1),
    });
  },
};
