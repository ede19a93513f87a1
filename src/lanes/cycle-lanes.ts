/**
 * The lanes that a cycle of a pipeline has to do with: which they are, opening them, and what each is to get and may drop, by the anchors that count.
 */
import { ConflictError, CorruptionError } from "../base/index.js";
import type { AppendRequest } from "./append-queue.js";
import type { EncodedBatch } from "./encoded-batch.js";
import { isRefusal } from "./entry-errors.js";
import type { EntryLog } from "./entry-log.js";
import type { LaneFailure } from "./lane-error.js";
import type { LaneSet } from "./lane-set.js";
import type { Persisted } from "./persist-batch.js";
import type { CyclePart } from "./persist.js";
import { type Needs, needsOf } from "./pipeline-needs.js";
import type { PipelineParts } from "./pipeline-parts.js";
import type { Telling } from "./telling.js";

/** A lane that a cycle has to do with. */
export interface CycleLane<K> {
  readonly key: K;
  readonly name: string;
  /** In the order of the batch; none where only the anchor speaks of the lane. */
  readonly requests: AppendRequest[];
}

/** One that is open. */
export interface OpenCycleLane<K> extends CycleLane<K> {
  readonly entries: EntryLog;
}

/** Who hears of a cycle. */
export interface Hearers<K, A> {
  readonly failures: LaneFailure<K>[];
  readonly telling: Telling<Persisted<K, A>>;
}

/** See the head of this file. */
export class CycleLanes<K, T, C, A> {
  readonly #parts: PipelineParts<K, T, C, A>;
  readonly #lanes: LaneSet<K, T>;

  constructor(parts: PipelineParts<K, T, C, A>) {
    this.#parts = parts;
    this.#lanes = parts.lanes;
  }

  /** The lanes of a batch, and those that its anchor speaks of. */
  of({ lanes, anchor }: EncodedBatch<K, A>): CycleLane<K>[] {
    const found = new Map<string, CycleLane<K>>();
    for (const { key, request } of lanes) {
      const name = this.#lanes.nameOf(key);
      const known = found.get(name);
      if (known === undefined) found.set(name, { key, name, requests: [request] });
      else known.requests.push(request);
    }
    for (const [name, { key, first }] of anchor?.needs.lanes ?? []) {
      // One that was never used, and is needed from its start on, need not be made.
      const isIdle = first <= this.#firstIndex && !this.#lanes.isKnown(name);
      if (!found.has(name) && !isIdle) found.set(name, { key, name, requests: [] });
    }
    return [...found.values()];
  }

  /** Whether an anchor that counts, or `needs`, would have a lane with this name, when new, jump. */
  isSpokenOf(name: string, needs: Needs<K> | undefined): boolean {
    return [needs, this.newestNeeds()].some((one) => (one?.lanes.get(name)?.first ?? 0) > this.#firstIndex);
  }

  /** Opens lanes, but for those that fail. `needs` is what the cycle's anchor will need. */
  async open(
    lanes: readonly CycleLane<K>[],
    needs: Needs<K> | undefined,
    { failures }: Hearers<K, A>,
  ): Promise<OpenCycleLane<K>[]> {
    const newest = this.newestNeeds();
    const opened = await Promise.all(
      lanes.map(async (lane) => {
        const { key, name, requests } = lane;
        try {
          const entries = await this.#lanes.entriesOf(key);
          const need = newest.lanes.get(name)?.first;
          if (need !== undefined && entries.firstIndex > need) throw entries.fail(lost(entries, need));
          return [{ ...lane, entries }];
        } catch (error) {
          // An anchor may not speak of what can't be: a name that is none.
          if (isRefusal(error) && needs?.lanes.has(name) === true) throw error;
          // A lane in quarantine is no failure of every cycle that it is spoken of in.
          if (requests.length > 0) failures.push({ key, lane: this.#lanes.label(key), error });
          return [];
        }
      }),
    );
    return opened.flat();
  }

  plan(
    newest: Needs<K>,
    lanes: readonly OpenCycleLane<K>[],
    chain: readonly AppendRequest[],
    hearers: Hearers<K, A>,
  ): CyclePart[] {
    const older = needsOf(this.#parts.options, this.#parts.anchor.fallbackValue);
    return [
      {
        entries: this.#parts.chain,
        need: newest.chain,
        olderNeed: older.chain,
        requests: chain,
        publish: (range) => tellRange(hearers.telling, { kind: "chain", ...range }),
        refuse: (error) => void hearers.failures.push({ key: undefined, lane: "the chain", error }),
      },
      ...lanes.map((lane) => this.part(lane, newest, older, hearers)),
    ];
  }

  part(
    { key, name, entries, requests }: OpenCycleLane<K>,
    newest: Needs<K>,
    older: Needs<K>,
    { failures, telling }: Hearers<K, A>,
  ): CyclePart {
    return {
      entries,
      need: newest.lanes.get(name)?.first,
      olderNeed: older.lanes.get(name)?.first,
      requests,
      publish: (range) => tellRange(telling, { kind: "lane", key, ...range }),
      refuse: (error) => void failures.push({ key, lane: entries.name, error }),
    };
  }

  /** An anchor only ever gives up more. */
  checkNeeds(needs: Needs<K>): void {
    const now = this.newestNeeds();
    const { chain } = this.#parts;
    if (needs.chain !== undefined) refuseEarlier("the chain", needs.chain, Math.max(now.chain ?? 0, chain.firstIndex));
    for (const [name, { key, first }] of needs.lanes) {
      // Of one in quarantine it is not known, and of one still to come it is what the options say.
      const kept = this.#lanes.get(key)?.firstIndex ?? (this.#lanes.isKnown(name) ? 0 : this.#firstIndex);
      refuseEarlier(this.#lanes.label(key), first, Math.max(now.lanes.get(name)?.first ?? 0, kept));
    }
  }

  newestNeeds(): Needs<K> {
    return needsOf(this.#parts.options, this.#parts.anchor.value);
  }

  /** Where a new lane starts. */
  get #firstIndex(): number {
    return this.#parts.options.lanes.firstIndex ?? 0;
  }
}

/** Nothing is told of what was there already. */
function tellRange<K, A>(telling: Telling<Persisted<K, A>>, range: Exclude<Persisted<K, A>, { kind: "anchor" }>): void {
  if (range.nextIndex > range.firstIndex) telling.tell(range);
}

function refuseEarlier(lane: string, need: number, allowed: number): void {
  if (need >= allowed) return;
  throw new ConflictError(
    "HF_CUT",
    `The anchor needs ${lane} from ${need} on, of which nothing is kept below ${allowed}. An anchor may only give up more than the one before.`,
    { lane, need, firstIndex: allowed },
  );
}

/** The error for a lane that does not reach back to where the anchor needs it. */
export function lost(entries: EntryLog, need: number): CorruptionError {
  return new CorruptionError({
    path: entries.name,
    expected: `entry ${need}, from which on the anchor needs it`,
    found: `${entries.firstIndex} as the first`,
  });
}
