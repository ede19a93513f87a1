/** The frame of an exploration of a store: calls in a row, recovery by opening, and an oracle that knows the events before that. */
import type { ExploreCrashesOptions, RecoverContext } from "../../testing/index.js";
import type { SimVfs } from "../../vfs/index.js";
import type { Effort } from "./effort.js";
import { makeParent } from "./parent-directory.js";

/** What every case about a store is made of. */
export interface StoreCase<Call> {
  readonly title: string;
  readonly seed: number;
  readonly calls: readonly Call[];
  readonly disk?: ExploreCrashesOptions<unknown, unknown>["disk"];
  readonly effort: Effort;
}

/** What one kind of store brings along. */
export interface StoreParts<State, Event, Call> {
  /** How many states of one moment are looked at. Default: {@link STORE_LIMITS}. */
  readonly limits?: { readonly capPerPoint: number; readonly samplesPerPoint: number };
  /** Opens a store that is not there yet, for calls. */
  open(vfs: SimVfs, note: (event: Event) => void): Promise<{ make(call: Call): Promise<void>; close(): Promise<void> }>;
  /** Opens what a crash left, reads it, and notes `opened`. */
  recover(context: RecoverContext<Event>): Promise<State>;
  /** Why the state is none that the events before its opening allow. */
  refuse(state: State, before: readonly Event[]): string | undefined;
  /** Goes on with a recovered store: as many commits as each count says. */
  goOn(state: State, context: RecoverContext<Event>, counts: readonly number[]): Promise<void>;
}

/**
 * A commit takes several sectors, and most subsets of what was written come to the same: without the commit. So telling states and samples
 * soon take over.
 */
export const STORE_LIMITS = { capPerPoint: 64, samplesPerPoint: 32 } as const;

/** The exploration of a case. */
export function storeExploration<
  State extends { readonly open: { close(): Promise<void> }; readonly view: string },
  Event extends { readonly kind: string },
  Call,
>(plan: StoreCase<Call>, parts: StoreParts<State, Event, Call>): ExploreCrashesOptions<State, Event> {
  const { followUps, ...limits } = plan.effort;
  const check = (state: State, events: readonly Event[]): void => {
    const own = events.findLastIndex(({ kind }) => kind === "opened");
    const problem = parts.refuse(state, events.slice(0, own));
    if (problem !== undefined) throw new Error(`the recovered store: ${problem}`);
  };
  return {
    name: plan.title,
    seed: plan.seed,
    steps: plan.calls.length,
    ...limits,
    ...(parts.limits ?? STORE_LIMITS),
    ...(plan.disk === undefined ? {} : { disk: plan.disk }),
    async workload({ vfs, note, steps }) {
      await makeParent(vfs);
      const caller = await parts.open(vfs, note);
      for (const call of steps === 0 ? plan.calls : plan.calls.slice(0, steps)) await caller.make(call);
      await caller.close();
    },
    async recover(context) {
      await makeParent(context.vfs);
      return await parts.recover(context);
    },
    check,
    describe: ({ view }) => view,
    ...(followUps === undefined
      ? {}
      : {
          idempotent: true as const,
          close: ({ open }: State) => open.close(),
          resume: (state: State, context: RecoverContext<Event>) => parts.goOn(state, context, followUps),
          checkResumed: check,
        }),
  };
}
