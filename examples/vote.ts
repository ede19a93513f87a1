/**
 * A vote in a consensus protocol: a node must never vote for two candidates in one term, whatever crashes in between. The vote is an
 * anchor's value, and it is durable before anybody hears of it.
 *
 *     node examples/vote.ts [file]
 */
import { Anchor } from "holdfast/anchor";

/** Tells an anchor of votes from other anchors. */
const KIND = 0x564f_5445;

interface Vote {
  readonly term: number;
  readonly candidate: string;
}

class Voter {
  readonly #anchor: Anchor;

  private constructor(anchor: Anchor) {
    this.#anchor = anchor;
  }

  static async open(path: string): Promise<Voter> {
    // Mirrored, by default: a damaged copy of the last vote costs nothing, and an older vote is never taken for the last.
    return new Voter(await Anchor.openOrCreate(path, encode({ term: 0, candidate: "" }), { kind: KIND, lock: true }));
  }

  get last(): Vote {
    return JSON.parse(new TextDecoder().decode(this.#anchor.value)) as Vote;
  }

  /** True: the vote was given, durably, now or before. Calls must not overlap. */
  async vote(term: number, candidate: string): Promise<boolean> {
    const { last } = this;
    if (term < last.term) return false;
    if (term === last.term) return candidate === last.candidate;
    await this.#anchor.write(encode({ term, candidate }));
    return true;
  }

  async close(): Promise<void> {
    await this.#anchor.close();
  }
}

function encode(vote: Vote): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(vote));
}

const path = process.argv[2] ?? "./example-vote";
const voter = await Voter.open(path);
const term = voter.last.term + 1;
console.log(`term ${term}: ann ${await voter.vote(term, "ann")}, bob ${await voter.vote(term, "bob")}`);
await voter.close();

const again = await Voter.open(path);
const forBob = await again.vote(term, "bob");
console.log(`opened again, term ${term}: ann ${await again.vote(term, "ann")}, bob ${forBob}`);
if (forBob || again.last.candidate !== "ann") throw new Error("Voted twice.");
await again.close();
