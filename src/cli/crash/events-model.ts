/**
 * What an event log may hold after a crash, folded from what was asked of it and promised by it.
 *
 * Events are known by LSN and serial. A legal log has every acknowledged event that was not pruned, ends at the end of a whole batch, has no event
 * that was not issued there, keeps the checkpoints that it must, and hydrates to the fold of every event from the very first to its last.
 */

/** The state that the workloads keep: order matters to it. */
export interface Fold {
  readonly count: number;
  readonly hash: number;
  readonly padding?: string;
}

/** `before`, and then the events with these serials. */
export function foldOf(serials: readonly number[], before: Fold = { count: 0, hash: 7 }): Fold {
  let { count, hash } = before;
  for (const serial of serials) {
    count += 1;
    hash = (Math.imul(hash, 31) + serial) >>> 0;
  }
  return { count, hash };
}

/** One thing that was asked of an event log, promised by it, or shown by it. */
export type EventsEvent =
  /** Events that are all there or none, from `lsn` on. With `joins`, they are one batch with those issued before. */
  | { readonly kind: "issued"; readonly lsn: number; readonly serials: readonly number[]; readonly joins?: boolean }
  /** Everything up to here was acknowledged. */
  | { readonly kind: "acked"; readonly lsn: number }
  | { readonly kind: "checkpointed"; readonly lsn: number; readonly through: number; readonly state: boolean }
  /** The other event log was asked for its `count`-th event, or made it durable. */
  | { readonly kind: "next"; readonly count: number; readonly acked: boolean }
  /** A recovery finished and showed exactly this. */
  | {
      readonly kind: "opened";
      readonly lastLsn: number;
      readonly checkpoints: readonly SeenCheckpoint[];
      readonly nextCount: number;
    };

/** A checkpoint as a program sees it. */
export interface SeenCheckpoint {
  readonly lsn: number;
  readonly through: number;
  /** It has a snapshot. */
  readonly state: boolean;
}

/** What a recovered event log shows. */
export interface EventsView {
  readonly firstLsn: number;
  readonly lastLsn: number;
  readonly left: readonly (readonly [lsn: number, serial: number])[];
  /** The newest first. */
  readonly checkpoints: readonly SeenCheckpoint[];
  /** `undefined` where no state could be rebuilt. */
  readonly hydrated: HydratedFold | undefined;
  /** The same where the newest snapshot is not believed. */
  readonly doubtful: HydratedFold | undefined;
  /** Events of the other event log, where there is one. */
  readonly nextCount: number | undefined;
}

/** What hydration gave. */
export interface HydratedFold {
  readonly state: Fold;
  readonly lsn: number;
  /** Snapshots that were passed over. */
  readonly rejected: number;
}

/** See the head of this file. */
export class EventsModel {
  readonly #checkpointsMax: number;
  /** Serials by LSN; records of checkpoints have none. */
  #serials = new Map<number, number>();
  /** LSNs in the middle of a batch of events, where no log may end. */
  #inside = new Set<number>();
  #acked = 0;
  #next = { issued: 0, acked: 0 };
  /** The oldest first. */
  #checkpoints: SeenCheckpoint[] = [];

  constructor(seen: readonly EventsEvent[], checkpointsMax: number) {
    this.#checkpointsMax = checkpointsMax;
    for (const one of seen) this.#apply(one);
  }

  /** Why an event log can't be like this; `undefined` when it can. */
  refuse(view: EventsView): string | undefined {
    const { firstLsn, lastLsn, left, checkpoints } = view;
    if (lastLsn < this.#acked) return `it ends at LSN ${lastLsn}, though ${this.#acked} was promised`;
    if (this.#inside.has(lastLsn)) return `it ends at LSN ${lastLsn}, in the middle of a batch`;
    const expected = [...this.#serials].filter(([lsn]) => lsn >= firstLsn && lsn <= lastLsn);
    if (JSON.stringify(left) !== JSON.stringify(expected)) {
      return `it holds the events ${JSON.stringify(left)}, and ${JSON.stringify(expected)} were issued`;
    }
    return this.#refuseCheckpoints(firstLsn, lastLsn, checkpoints) ?? this.#refuseState(view) ?? this.#refuseNext(view);
  }

  #refuseNext({ nextCount }: EventsView): string | undefined {
    const { issued, acked } = this.#next;
    if (nextCount === undefined || (nextCount >= acked && nextCount <= issued)) return undefined;
    return `the other event log has ${nextCount} events, of ${issued} that were issued and ${acked} that were promised`;
  }

  #refuseCheckpoints(firstLsn: number, lastLsn: number, found: EventsView["checkpoints"]): string | undefined {
    for (const { lsn, through } of found) {
      if (lsn > lastLsn || through >= lsn)
        return `the checkpoint at LSN ${lsn} covers ${through}, in a log that ends at ${lastLsn}`;
      if (through + 1 < firstLsn)
        return `the log starts at LSN ${firstLsn}, and its checkpoint at ${lsn} needs ${through + 1}`;
    }
    for (const [index, { lsn, through, state }] of this.#checkpoints.toReversed().entries()) {
      if (index >= this.#checkpointsMax) break;
      const same = found.find((other) => other.lsn === lsn);
      // One that was on its way when the power went may have pushed the oldest out.
      if (
        same === undefined &&
        index === this.#checkpointsMax - 1 &&
        found[0] !== undefined &&
        found[0].lsn > this.#newest
      )
        continue;
      if (same?.through !== through || same.state !== state) return `the checkpoint at LSN ${lsn} is not there`;
    }
    const full = found.length >= this.#checkpointsMax;
    if (!full && firstLsn > 1) return `it was pruned to LSN ${firstLsn}, with ${found.length} checkpoints`;
    return undefined;
  }

  /** The newest checkpoint that was promised. */
  get #newest(): number {
    return this.#checkpoints.at(-1)?.lsn ?? 0;
  }

  #refuseState({ firstLsn, lastLsn, hydrated, doubtful, checkpoints }: EventsView): string | undefined {
    // Once a checkpoint had a state, there is always one to start from.
    const hadState = [...checkpoints, ...this.#checkpoints].some(({ state }) => state);
    if (hydrated === undefined) return firstLsn === 1 || hadState ? "no state could be rebuilt" : undefined;
    if (hydrated.rejected > 0) return `${hydrated.rejected} snapshots could not be used`;
    const snapshots = checkpoints.filter(({ state }) => state).length;
    // Without the newest snapshot: from the one before it, or from the beginning.
    const canDoWithout = firstLsn === 1 || snapshots > 1;
    if (doubtful === undefined) {
      if (canDoWithout) return "the snapshot before a damaged one was not used";
    } else if (doubtful.rejected !== Math.min(1, snapshots)) return "a damaged snapshot was not named";
    return this.#refuseFold(hydrated, lastLsn) ?? (doubtful && this.#refuseFold(doubtful, lastLsn));
  }

  #refuseFold({ state, lsn }: HydratedFold, lastLsn: number): string | undefined {
    if (lsn !== lastLsn) return `the state is that at LSN ${lsn}, and the log ends at ${lastLsn}`;
    const { count, hash } = foldOf([...this.#serials].filter(([at]) => at <= lastLsn).map(([, serial]) => serial));
    if (state.count === count && state.hash === hash) return undefined;
    return `the state is that of ${state.count} events, and ${count} were issued up to LSN ${lastLsn}, or others`;
  }

  #apply(one: EventsEvent): void {
    switch (one.kind) {
      case "issued":
        for (const [index, serial] of one.serials.entries()) {
          const lsn = one.lsn + index;
          this.#serials.set(lsn, serial);
          if (index > 0 || one.joins === true) this.#inside.add(lsn - 1);
        }
        return;
      case "acked":
        this.#acked = Math.max(this.#acked, one.lsn);
        return;
      case "checkpointed":
        this.#acked = Math.max(this.#acked, one.lsn);
        this.#checkpoints.push({ lsn: one.lsn, through: one.through, state: one.state });
        return;
      case "next":
        this.#next = { issued: one.count, acked: one.acked ? one.count : this.#next.acked };
        return;
      case "opened":
        this.#next = { issued: one.nextCount, acked: one.nextCount };
        // What is not there now does not come back.
        for (const lsn of this.#serials.keys()) if (lsn > one.lastLsn) this.#serials.delete(lsn);
        for (const lsn of this.#inside) if (lsn >= one.lastLsn) this.#inside.delete(lsn);
        // One that was on its way may have got there, and what it pushed out is gone.
        this.#checkpoints = one.checkpoints.toReversed();
        this.#acked = one.lastLsn;
    }
  }
}
