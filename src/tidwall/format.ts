/**
 * The bytes of tidwall/wal: file names, and entries in both formats. Pure.
 *
 * A segment is a run of entries and nothing else: no header, no checksum, no end mark. What the decoders take is exactly what the library
 * writes; it reads more than that (long forms of a length, other JSON), but such bytes can only be damage.
 */
import { equalBytes } from "../base/index.js";

/** How entries stand in the files. */
export type TidwallFormat = "binary" | "json";

/**
 * How the JSON format writes a backspace and a form feed: `\b` and `\f` (`"short"`, by Go 1.22 and later) or `\u0008` and `\u000c` (`"long"`,
 * by Go before that).
 */
export type TidwallEscapes = "short" | "long";

/** Digits in the name of a segment. */
const NAME_DIGITS = 20;
const INDEX_MAX = 2n ** 64n - 1n;

/** The name of the segment whose first entry is `index`. */
export function segmentName(index: number): string {
  return String(index).padStart(NAME_DIGITS, "0");
}

/** What a file's name makes it: a segment, or the new first or last segment of a truncation that was not finished. */
export interface NamedSegment {
  readonly name: string;
  /** Index of its first entry. */
  readonly index: bigint;
  readonly kind: "plain" | "start" | "end";
}

/** Reads a name as the library does; `undefined` for a name that it passes over. */
export function parseSegmentName(name: string): NamedSegment | undefined {
  const match = /^(\d{20})(\.START|\.END)?$/.exec(name);
  if (match === null) return undefined;
  const index = BigInt(match[1]!);
  if (index === 0n || index > INDEX_MAX) return undefined;
  return { name, index, kind: match[2] === ".START" ? "start" : match[2] === ".END" ? "end" : "plain" };
}

/** Bytes of the length in front of a binary entry: 7 bits each, low ones first. */
export function lengthBytes(length: number): number {
  let bytes = 1;
  for (let rest = length; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes += 1;
  return bytes;
}

/** The file ends inside the length. */
export const LENGTH_CUT = -1;
/** No length that the library writes: beyond 2^53, or longer than it need be. */
export const LENGTH_WRONG = -2;

/** The length that stands at `bytes[at]`, or {@link LENGTH_CUT}, or {@link LENGTH_WRONG}. */
export function readLength(bytes: Uint8Array, at: number): number {
  let value = 0;
  let scale = 1;
  for (let position = at; ; position++) {
    if (position >= bytes.length) return LENGTH_CUT;
    const byte = bytes[position]!;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return byte === 0 && position > at ? LENGTH_WRONG : value;
    scale *= 0x80;
    // Seven bytes hold 49 bits, far above any length that a file can have.
    if (position - at >= 6) return LENGTH_WRONG;
  }
}

/** A binary entry. */
export function encodeBinary(data: Uint8Array): Uint8Array {
  const head = lengthBytes(data.length);
  const bytes = new Uint8Array(head + data.length);
  let rest = data.length;
  for (let at = 0; at < head; at++) {
    bytes[at] = (rest & 0x7f) | (at + 1 < head ? 0x80 : 0);
    rest = Math.floor(rest / 0x80);
  }
  bytes.set(data, head);
  return bytes;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const NEWLINE = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACE = 0x7d;
const PLUS = 0x2b;
const DOLLAR = 0x24;

function textOf(data: Uint8Array): string | undefined {
  try {
    return decoder.decode(data);
  } catch {
    return undefined;
  }
}

function jsonHead(index: number): Uint8Array {
  return encoder.encode(`{"index":"${index}","data":"`);
}

/** What the JSON format writes between the quotes of `data`. */
function jsonData(data: Uint8Array, escapes: TidwallEscapes): string {
  const text = textOf(data);
  if (text !== undefined) return `+${escapeText(text, escapes)}`;
  const base64 = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");
  return `$${base64.replaceAll("+", "-").replaceAll("/", "_")}`;
}

/** As Go escapes a text; JavaScript does the same, but for what could end a script in a page. */
function escapeText(text: string, escapes: TidwallEscapes): string {
  const escaped = JSON.stringify(text)
    .slice(1, -1)
    .replaceAll(/[<>&\u2028\u2029]/g, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`);
  if (escapes === "short") return escaped;
  return escaped.replaceAll(/\\./g, (each) => (each === "\\b" ? "\\u0008" : each === "\\f" ? "\\u000c" : each));
}

/** A JSON entry: a line. */
export function encodeJson(index: number, data: Uint8Array, escapes: TidwallEscapes): Uint8Array {
  return encoder.encode(`{"index":"${index}","data":"${jsonData(data, escapes)}"}\n`);
}

/** The index that the start of a JSON line names; `undefined` where it is no such line. */
function jsonLineIndex(bytes: Uint8Array): string | undefined {
  return /^\{"index":"(\d{1,20})","data":"/.exec(Buffer.from(bytes.subarray(0, 64)).toString("latin1"))?.[1];
}

/** The data of the line `bytes`, which has no newline, or what is wrong with it. */
export function decodeJson(bytes: Uint8Array, index: number): Uint8Array | { readonly wrong: string } {
  const head = jsonHead(index);
  if (bytes.length < head.length || !equalBytes(bytes.subarray(0, head.length), head)) {
    const other = jsonLineIndex(bytes);
    return { wrong: other === undefined ? "something else" : `entry ${other}` };
  }
  const end = bytes.length - 2;
  if (end <= head.length || bytes[end] !== QUOTE || bytes[end + 1] !== BRACE)
    return { wrong: "a line that does not end" };
  const raw = bytes.subarray(head.length, end);
  if (raw[0] !== PLUS && raw[0] !== DOLLAR) return { wrong: "data that is neither text nor base64" };
  return (
    (raw[0] === PLUS ? decodeText(raw) : decodeBase64(raw)) ?? {
      wrong: "data in a form that the library does not write",
    }
  );
}

/** The escape of half a surrogate pair, or something that looks like one. */
const SURROGATE_ESCAPE = /\\ud[89a-f]/i;

/** The data of `+` and an escaped text. Written again it must be the same: anything else the library did not write. */
function decodeText(raw: Uint8Array): Uint8Array | undefined {
  const escaped = textOf(raw.subarray(1));
  if (escaped === undefined) return undefined;
  let text: string;
  try {
    text = JSON.parse(`"${escaped}"`) as string;
  } catch {
    return undefined;
  }
  const data = encoder.encode(text);
  // Half a pair is lost in the data, and so would be found out only from there.
  const written = SURROGATE_ESCAPE.test(escaped) ? (textOf(data) ?? "") : text;
  const same = escapeText(written, "short") === escaped || escapeText(written, "long") === escaped;
  return same ? data : undefined;
}

/** The data of `$` and base64; the same holds. */
function decodeBase64(raw: Uint8Array): Uint8Array | undefined {
  const base64 = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString("latin1");
  const data = new Uint8Array(Buffer.from(base64.slice(1), "base64url"));
  return jsonData(data, "short") === base64 ? data : undefined;
}

/** Whether a writer that was stopped in the middle of the line of entry `index` leaves `bytes`: a beginning of it, possibly followed by zeros. */
export function isTornJson(bytes: Uint8Array, index: number): boolean {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  const head = jsonHead(index);
  const shared = Math.min(end, head.length);
  if (!equalBytes(bytes.subarray(0, shared), head.subarray(0, shared))) return false;
  if (end <= head.length) return true;
  const marker = bytes[head.length];
  if (marker !== PLUS && marker !== DOLLAR) return false;
  for (let at = head.length + 1; at < end; at++) {
    const byte = bytes[at]!;
    if (byte < 0x20) return false;
    if (byte === BACKSLASH) at += 1;
    else if (byte === QUOTE) return at + 1 === end || (at + 2 === end && bytes[at + 1] === BRACE);
  }
  return true;
}

/** Where the line that starts at `bytes[at]` ends: the place of its newline, −1 where it has none. */
export function lineEnd(bytes: Uint8Array, at: number): number {
  return bytes.indexOf(NEWLINE, at);
}
