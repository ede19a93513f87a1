/**
 * What a store may hold after a crash, where its calls take turns and each is durable once it is acknowledged: what some beginning of the calls comes to,
 * and that beginning has in it every call that was acknowledged.
 */

/** What a store holds, as calls change it. */
export interface FoldedState<Op> {
  apply(op: Op): void;
  /** Equal for equal states. */
  readonly text: string;
}

/** See the head of this file. */
export class PrefixModel<Op> {
  readonly #state: FoldedState<Op>;
  #ops: { readonly id: number; readonly op: Op }[] = [];
  #acked = 0;

  /** Nothing was called yet, and the store holds `state`. */
  constructor(state: FoldedState<Op>) {
    this.#state = state;
  }

  /** A call was made. Ids grow. */
  issued(id: number, op: Op): void {
    this.#ops.push({ id, op });
  }

  /** This call, and with it all before, was acknowledged. */
  acked(id: number): void {
    this.#acked = Math.max(this.#acked, id);
  }

  /** A recovery showed this, and no call before it counts any more. Returns why it can't be; `undefined` where it can. */
  opened(view: string): string | undefined {
    const problem = this.refuse(view);
    this.#ops = [];
    return problem;
  }

  /** Why the store can't look like `view`; `undefined` where it can, and then the state is that. */
  refuse(view: string): string | undefined {
    let matched = -1;
    for (let count = 0; count <= this.#ops.length; count++) {
      if (count > 0) this.#state.apply(this.#ops[count - 1]!.op);
      if (this.#state.text !== view) continue;
      matched = count;
      const next = this.#ops[count];
      if (next === undefined || next.id > this.#acked) return undefined;
    }
    return matched === -1
      ? `it holds {${view}}, which no beginning of the calls comes to; all of them come to {${this.#state.text}}`
      : `it is as after ${matched} of ${this.#ops.length} calls, though more was acknowledged`;
  }
}
