/**
 * The commit order of a cycle: the anchor first, then what it makes superfluous goes, then every lane and the chain for itself.
 *
 * Invariants, before and after any crash, for the anchor that can be read then:
 * - nothing that it needs was dropped: each lane that it names, and the chain, starts at or below the index that it names;
 * - what it needs to go on is there: each of them reaches that index, once opening has finished what the crash interrupted;
 * - what was published is there, unless a durable anchor made it superfluous.
 *
 * Crash argument.
 * - Crash before the anchor is durable: the one before it is read, and everything that it needs is there.
 * - Crash after it, before or between the prunes: more is there than needed, or a lane does not reach the anchor yet. Opening does what is left.
 * - Damage to the anchor's newest slot: the older one is read. Nothing was dropped that the older one needs, because prunes go by `fallbackValue`.
 *   Where a lane has to jump, and so must drop what the older one needs, the anchor is written once more, so that both slots hold the newest.
 * - Crash while entries are appended: each lane has a whole part or none of it. None was published.
 */
import { commitTogether } from "./commit-together.js";
import type { Companions } from "./companions.js";
import type { AppendRequest, IndexRange } from "./append-queue.js";
import type { EntryLog } from "./entry-log.js";
import type { LanePlace } from "./place.js";

/** What a cycle does to one lane, or to the chain. */
export interface CyclePart {
  readonly entries: EntryLog;
  /** What the newest anchor needs is from here on. Absent: nothing is to be dropped. */
  readonly need: number | undefined;
  /** What either slot of the anchor needs is from here on: below it may be dropped. */
  readonly olderNeed: number | undefined;
  readonly requests: readonly AppendRequest[];
  /** Hears of what is durable. */
  readonly publish: (range: IndexRange) => void;
  /** Hears of what failed; the others go on. */
  readonly refuse: (error: unknown) => void;
}

/** What a cycle does first. */
export interface CycleAnchor {
  /** Makes the cycle's anchor durable in one slot, and publishes it. Absent where the cycle has none. */
  readonly write?: (() => Promise<void>) | undefined;
  /** Makes the newest anchor durable in both. */
  readonly writeAgain: () => Promise<void>;
}

/**
 * The first half: it is over when the anchor is durable. `parts` is asked for only then, since what may be dropped depends on it, and for the second time
 * where the anchor was written again.
 */
export async function persistAnchor(
  anchor: CycleAnchor,
  parts: () => readonly CyclePart[],
): Promise<readonly CyclePart[]> {
  await anchor.write?.();
  // Crash from here on: the new anchor is read, or, where its slot is damaged, the one before it.
  const planned = parts();
  if (!planned.some(hasToJump)) return planned;
  await anchor.writeAgain();
  // Crash from here on: the new anchor is read, whatever becomes of one slot.
  return parts();
}

/** The second half: prunes, appends and publishes each part, none of which waits for another. Never rejects. */
export function persistParts(parts: readonly CyclePart[]): Promise<void[]> {
  return Promise.all(parts.map((part) => persistPart(part)));
}

/** All calls are made at once, so that nothing comes between them. */
async function persistPart({ entries, olderNeed, requests, publish, refuse }: CyclePart): Promise<void> {
  const acts: Promise<void>[] = [];
  if (olderNeed !== undefined && (olderNeed > entries.firstIndex || entries.hasLeftovers))
    acts.push(entries.startAt(olderNeed));
  for (const request of requests) acts.push(entries.append(request).then(publish));
  for (const outcome of await Promise.allSettled(acts)) {
    if (outcome.status === "rejected") return refuse(outcome.reason);
  }
}

/** Whether a lane does not reach what the newest anchor needs, while the older one needs what has to go. */
function hasToJump({ entries, need, olderNeed }: CyclePart): boolean {
  return need !== undefined && need > entries.nextIndex && (olderNeed === undefined || olderNeed < need);
}

/**
 * A cycle as one atomic batch, on a `SharedLog`: anchor, chain, lanes, and what joins them, become durable together, with one write. The caller then goes on with
 * `persistParts` without requests, which prunes. Rejects, without effect, where any part is refused.
 *
 * Crash argument. The batch is there as a whole or not at all, and in it the anchor with all that it needs. A lane that jumps has its new baseline in the
 * batch, which drops what is before it. Crash before the prunes: opening does them.
 */
export async function persistTogether(
  place: LanePlace,
  anchor: { readonly entries: EntryLog; readonly value: Uint8Array; readonly publish: () => Promise<void> } | undefined,
  parts: readonly CyclePart[],
  companions?: Companions,
): Promise<void> {
  // A lane with nothing to append or to jump over is left out, so that cycles which share no lane share their writes.
  const busy = parts.filter(
    ({ entries, need, requests }) => requests.length > 0 || (need !== undefined && need > entries.nextIndex),
  );
  const ranges = await commitTogether(
    place,
    [
      ...(anchor === undefined ? [] : [{ entries: anchor.entries, requests: [{ values: [anchor.value] }] }]),
      ...busy.map(({ entries, need, requests }) => ({ entries, requests, startAt: need })),
    ],
    companions,
  );
  const published = anchor === undefined ? ranges : ranges.slice(1);
  await anchor?.publish();
  for (const [at, part] of busy.entries()) if (part.requests.length > 0) part.publish(published[at]!);
}
