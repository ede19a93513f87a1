import { toHex } from "../../src/base/index.js";
import { blake3 } from "../../src/hash/index.js";
import { rootOf } from "../../src/proof/leaf-list.contract.js";
import { MerkleProcess, type MerkleTask } from "./merkle-process.js";
import { UNDOABLE, digestOfRows, merkleChanges, merkleKey } from "./merkle-rows.js";

/** Hashes of values by key. */
type Rows = ReadonlyMap<number, string>;

interface State {
  readonly sequence: number;
  readonly rows: Rows;
  /** The rows before each of the commits that can be undone, oldest first. */
  readonly undo: readonly Rows[];
}

/** What the processes of one store were promised so far, and the check that the next one finds it: the last promise, or a call after it. */
export class MerkleHistory {
  readonly #seed: number;
  readonly #draw: (below: number) => number;
  readonly #directory: string;
  #generation = 0;
  acknowledgements = 0;
  redone = 0;
  rollbacks = 0;
  /** Openings that found the last promise, and those that found more. */
  atPromise = 0;
  beyond = 0;
  /** The last promise, and after it whatever may have become true since. */
  #candidates: State[] = [{ sequence: 0, rows: new Map(), undo: [] }];
  readonly #seen = new Map<MerkleProcess, number>();
  readonly #checked = new Set<MerkleProcess>();

  constructor(directory: string, seed: number, draw: (below: number) => number) {
    this.#directory = directory;
    this.#seed = seed;
    this.#draw = draw;
  }

  /** The next process. Options differ from one to the next. */
  start(afterwards: MerkleTask["afterwards"]): MerkleProcess {
    this.#generation++;
    const draw = this.#draw;
    return new MerkleProcess({
      directory: this.#directory,
      seed: this.#seed,
      generation: this.#generation,
      checkpoint: (["every-commit", { dirtyPagesMax: 8 }, { dirtyPagesMax: 60 }, {}] as const)[draw(4)] ?? {},
      cacheBytes: draw(2) === 0 ? 0 : 1 << 22,
      rollbacksPerMille: 50,
      afterwards,
    });
  }

  /** Takes what a process has said since it was asked last. `counts`: what resolved is a promise, which it is not where the power went meanwhile. */
  take(child: MerkleProcess, counts: boolean): void {
    const { events } = child;
    for (let at = this.#seen.get(child) ?? 0; at < events.length; at++) {
      const event = events[at]!;
      const last = this.#candidates.at(-1)!;
      if (event.kind === "commit") this.#candidates.push(committed(last, this.#seed, event.serial));
      else if (event.kind === "rollback") {
        this.rollbacks++;
        const rows = last.undo.at(-event.commits);
        if (rows === undefined)
          throw new Error(`${event.commits} commits were undone where ${last.undo.length} can be`);
        this.#candidates.push({ sequence: last.sequence + 1, rows, undo: last.undo.slice(0, -event.commits) });
      } else {
        if (event.sequence !== last.sequence)
          throw new Error(`${event.sequence} was told where ${last.sequence} is due`);
        if (!counts) continue;
        this.#candidates = [last];
        this.acknowledgements++;
      }
    }
    this.#seen.set(child, events.length);
  }

  /** Checks, once, what a process found when it opened the store; that is a promise from here on. To be called before what it commits is taken. */
  opened(child: MerkleProcess): void {
    if (this.#checked.has(child)) return;
    this.#checked.add(child);
    const { opened, refused } = child;
    if (opened === undefined)
      throw new Error(`the store did not open: ${JSON.stringify(refused)}, ${child.stderr.slice(0, 2000)}`);
    const found = this.#candidates.find(({ sequence }) => sequence === opened.sequence);
    if (found === undefined) {
      const due = this.#candidates.map(({ sequence }) => sequence).join(", ");
      throw new Error(`the store is at commit ${opened.sequence}, and should be at ${due}`);
    }
    if (opened.problems.length > 0) throw new Error(`at commit ${found.sequence}: ${opened.problems.join("; ")}`);
    if (opened.digest !== digestOfRows(found.rows)) throw new Error(`commit ${found.sequence} has other rows`);
    const root = rootOf(blake3, new Map([...found.rows].map(([key, hash]) => [toHex(merkleKey(key)), hash])));
    if (opened.root !== root) throw new Error(`commit ${found.sequence} has root ${opened.root}, and its rows ${root}`);
    if (found === this.#candidates[0]) this.atPromise++;
    else this.beyond++;
    this.redone += opened.redone;
    this.#candidates = [found];
  }

  tell(what: string): void {
    console.log(
      `${what}: ${this.acknowledgements} acknowledged calls, ${this.rollbacks} rollbacks, ${this.redone} commits redone; ` +
        `${this.atPromise} openings at the promise, ${this.beyond} beyond`,
    );
  }
}

function committed({ sequence, rows, undo }: State, seed: number, serial: number): State {
  const next = new Map(rows);
  for (const { key, value } of merkleChanges(seed, serial)) {
    if (value === undefined) next.delete(key);
    else next.set(key, toHex(blake3.hash(value)));
  }
  return { sequence: sequence + 1, rows: next, undo: [...undo, rows].slice(-UNDOABLE) };
}
