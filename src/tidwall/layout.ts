/** Which files of a directory are the log, decided as the library decides when it opens one. Pure. */
import { CorruptionError, FormatError, LimitError } from "../base/index.js";
import { type NamedSegment, parseSegmentName } from "./format.js";

/** A segment file. */
export interface TidwallSegment {
  readonly path: string;
  /** Index of its first entry. */
  readonly firstIndex: number;
  /** Size in bytes. */
  readonly bytes: number;
}

/** What a listing means. */
export interface TidwallLayout {
  /** The names of the segments, by index. */
  readonly segments: readonly { readonly name: string; readonly firstIndex: number }[];
  /** The truncation that was begun and not finished; the library finishes it when it opens the directory, and the segments are those after that. */
  readonly unfinished: "front" | "back" | undefined;
  /** Segments that the unfinished truncation removes. */
  readonly dropped: readonly string[];
  /** Names that are no part of the log. */
  readonly ignored: readonly string[];
}

/**
 * Decides by the names of the files in `directory`. As the library does it: the last `.START` replaces everything before it, the first `.END`
 * everything after it and the segment with its own index; both at once is damage.
 */
export function decideLayout(
  directory: string,
  names: readonly string[],
  pathOf: (name: string) => string,
): TidwallLayout {
  const ignored: string[] = [];
  let segments: NamedSegment[] = [];
  for (const name of [...names].sort()) {
    const segment = parseSegmentName(name);
    if (segment === undefined) ignored.push(name);
    else segments.push(segment);
  }
  const listed = segments;
  if (listed.length === 0) {
    throw new FormatError(
      "HF_FORMAT_UNKNOWN",
      `${directory} has no file that is named as tidwall/wal names its segments: 20 digits. Pass the directory that the Go program opened.`,
      { path: directory },
    );
  }
  const start = listed.findLastIndex(({ kind }) => kind === "start");
  const end = listed.findIndex(({ kind }) => kind === "end");
  if (start !== -1 && end !== -1) {
    throw new CorruptionError({
      path: pathOf(listed[end]!.name),
      offset: 0,
      expected: "the trace of one unfinished truncation at most",
      found: `this one beside ${listed[start]!.name}`,
      advice:
        "The library refuses such a directory too. Find out which of the two truncations was meant, and remove the other file.",
    });
  }
  if (start !== -1) segments = listed.slice(start);
  if (end !== -1) {
    const replaced = listed[end - 1]?.index === listed[end]!.index;
    segments = [...listed.slice(0, replaced ? end - 1 : end), listed[end]!];
  }
  return {
    segments: segments.map(({ name, index }) => ({ name, firstIndex: safeIndex(pathOf(name), index) })),
    unfinished: start !== -1 ? "front" : end !== -1 ? "back" : undefined,
    dropped: listed.filter((each) => !segments.includes(each)).map(({ name }) => name),
    ignored,
  };
}

function safeIndex(path: string, index: bigint): number {
  if (index <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(index);
  throw new LimitError(
    "HF_VALUE_TOO_LARGE",
    `${path} starts at entry ${index}; indexes are read up to 2^53 - 1. Nothing was changed.`,
    { path, index: String(index) },
  );
}
