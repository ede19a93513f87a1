/** The files of a log's directory: their names, and what an unknown name means. Pure but for `LogDirectory.list`. */
import type { Vfs } from "../vfs/index.js";

const SEGMENT_NAME = /^(\d{16})\.seg$/;
const SPARE_NAME = /^spare-(\d{16})$/;

/** What a listing of the directory holds. */
export interface LogListing {
  readonly hasAnchor: boolean;
  readonly hasDoubleWrite: boolean;
  /** Numbers in the names of segment files, ascending. The name is all that was looked at. */
  readonly segments: readonly number[];
  /** Numbers in the names of spare files, ascending. */
  readonly spares: readonly number[];
  /** Names that no log makes. */
  readonly foreign: readonly string[];
}

/** The paths of one log. */
export class LogDirectory {
  readonly vfs: Vfs;
  readonly path: string;
  readonly anchor: string;
  readonly lock: string;
  /** Where the writer tells readers in other processes how far it got. Never needed for recovery. */
  readonly mark: string;
  readonly doubleWrite: string;

  constructor(vfs: Vfs, path: string) {
    this.vfs = vfs;
    this.path = path;
    this.anchor = vfs.join(path, "anchor");
    this.lock = vfs.join(path, "lock");
    this.mark = vfs.join(path, "mark");
    this.doubleWrite = vfs.join(path, "double-write");
  }

  segmentName(number: number): string {
    return `${String(number).padStart(16, "0")}.seg`;
  }

  segment(number: number): string {
    return this.vfs.join(this.path, this.segmentName(number));
  }

  spare(number: number): string {
    return this.vfs.join(this.path, `spare-${String(number).padStart(16, "0")}`);
  }

  /** Where the `index`-th repair keeps what it removed. */
  removed(index: number): string {
    return this.vfs.join(this.path, `removed-${index}`);
  }

  async list(): Promise<LogListing> {
    const segments: number[] = [];
    const spares: number[] = [];
    const foreign: string[] = [];
    let hasAnchor = false;
    let hasDoubleWrite = false;
    for (const name of await this.vfs.list(this.path)) {
      const segment = SEGMENT_NAME.exec(name);
      const spare = SPARE_NAME.exec(name);
      if (segment !== null && Number.isSafeInteger(Number(segment[1]))) segments.push(Number(segment[1]));
      else if (spare !== null && Number.isSafeInteger(Number(spare[1]))) spares.push(Number(spare[1]));
      else if (name === "anchor") hasAnchor = true;
      else if (name === "double-write") hasDoubleWrite = true;
      else if (!isOwnName(name)) foreign.push(name);
    }
    segments.sort((a, b) => a - b);
    spares.sort((a, b) => a - b);
    foreign.sort();
    return { hasAnchor, hasDoubleWrite, segments, spares, foreign };
  }
}

function isOwnName(name: string): boolean {
  return (
    name === "lock" ||
    name === "mark" ||
    name === "double-write.new" ||
    name.startsWith("anchor.") ||
    /^removed-\d+$/.test(name)
  );
}
