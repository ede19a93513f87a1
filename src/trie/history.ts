/** Which commits can be undone, and where in the journal what was there before them is. */
import { CorruptionError, FormatError } from "../base/index.js";
import type { Journal, LogRecord } from "../log/index.js";
import { type CommitHeader, RECORD_COMMIT, parseCommit } from "./record-format.js";

/** A commit that can be undone. */
export interface UndoableCommit {
  readonly sequence: number;
  /** LSN of its COMMIT record; PRIOR records follow. */
  readonly lsn: number;
}

/**
 * The newest undoable commits. Each commit is noted in order: an ordinary one comes on top, one that undid others takes these away, and one that can't be
 * undone forgets all that were before it.
 */
export class History {
  readonly #commitsMax: number;
  #commits: UndoableCommit[] = [];

  /** Remembers up to `commitsMax` commits. */
  constructor(commitsMax: number) {
    this.#commitsMax = commitsMax;
  }

  /** Oldest first. */
  get commits(): readonly UndoableCommit[] {
    return this.#commits;
  }

  note({ sequence, undoable, undone }: CommitHeader, lsn: number): void {
    if (undone > 0) this.#commits.splice(Math.max(0, this.#commits.length - undone));
    else if (!undoable) this.#commits = [];
    else {
      this.#commits.push({ sequence, lsn });
      if (this.#commits.length > this.#commitsMax) this.#commits.shift();
    }
  }

  /** The journal is needed from this LSN on; `undefined` where nothing of it is. */
  retainFrom(): number | undefined {
    return this.#commits[0]?.lsn;
  }
}

/** The header of a commit. `path` names the journal. */
export function headerOf(path: string, { lsn, payload }: LogRecord): CommitHeader {
  const header = parseCommit(payload);
  if (header === "newer")
    throw new FormatError("HF_FORMAT_NEWER", `${path} has a commit at LSN ${lsn} that a newer build wrote. Use that.`, {
      path,
      lsn,
    });
  if (header === undefined)
    throw new CorruptionError({ path, lsn, expected: "the header of a commit", found: "other bytes" });
  return header;
}

/** Reads which commits the journal still knows how to undo. */
export async function readHistory(path: string, journal: Journal, commitsMax: number): Promise<History> {
  const history = new History(commitsMax);
  if (commitsMax === 0 || journal.lastLsn < journal.firstLsn) return history;
  for await (const record of journal.read({ from: journal.firstLsn }))
    if (record.type === RECORD_COMMIT) history.note(headerOf(path, record), record.lsn);
  return history;
}
