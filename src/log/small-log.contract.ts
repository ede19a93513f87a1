/** What the log's tests share: logs with tiny blocks and segments on a simulated disk, where every size is reached within a few records. */
import { expect } from "vitest";
import { type HoldfastError, equalBytes } from "../base/index.js";
import { type SimVfs, type Vfs } from "../vfs/index.js";
import { Log } from "./log.js";
import type { LogOptions } from "./options.js";
import type { ReadOptions } from "./reader.js";
import type { LogRecord } from "./record-batch.js";

/** Where the tests' logs are. */
export const DIRECTORY = "/log";

/** With `torn: "align"` a small record takes one block, and a segment holds its header and three groups. */
export const SMALL: { readonly blockBytes: 512; readonly segmentBytes: 2048 } = { blockBytes: 512, segmentBytes: 2048 };

/** A text as a payload. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A payload as a text. */
export function textOf(payload: Uint8Array): string {
  return new TextDecoder().decode(payload);
}

/** The path of a segment. */
export function segmentPath(number: number): string {
  return `${DIRECTORY}/${String(number).padStart(16, "0")}.seg`;
}

/** Opens the tests' log with small segments. */
export async function openSmall(vfs: Vfs, options: LogOptions = {}): Promise<Log> {
  return await Log.open(DIRECTORY, { ...SMALL, vfs, ...options });
}

/** Appends `record 1` to `record <count>`, one group each; the numbers go on from the log's last LSN. */
export async function appendCount(log: Log, count: number): Promise<void> {
  for (let index = 0; index < count; index++) await log.append(bytesOf(`record ${log.lastLsn + 1}`));
}

/** The texts that {@link appendCount} gives the records from `first` to `last`. */
export function recordTexts(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, index) => `record ${first + index}`);
}

interface Readable {
  read(options?: ReadOptions): AsyncIterable<LogRecord>;
}

/** All records of a range. */
export async function readAll(log: Readable, options?: ReadOptions): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const { lsn, type, payload } of log.read(options)) records.push({ lsn, type, payload: payload.slice() });
  return records;
}

/** The payloads of a range as texts. */
export async function readTexts(log: Readable, options?: ReadOptions): Promise<string[]> {
  return (await readAll(log, options)).map(({ payload }) => textOf(payload));
}

/** Makes a log of `count` one-group records, closes it, and returns its disk. */
export async function closedLog(vfs: SimVfs, count: number, options: LogOptions = {}): Promise<SimVfs> {
  const log = await openSmall(vfs, options);
  await appendCount(log, count);
  await log.close();
  return vfs;
}

/** Changes bytes of a file behind the log's back, durably. `change` gets the whole file. */
export async function editFile(vfs: Vfs, path: string, change: (contents: Uint8Array) => void): Promise<void> {
  const file = await vfs.open(path, { access: "read-write" });
  try {
    const contents = new Uint8Array(await file.size());
    await file.read(contents, 0);
    change(contents);
    await file.write(contents, 0);
    await file.syncData();
  } finally {
    await file.close();
  }
}

/** Flips the bits of one byte. */
export async function flipByte(vfs: Vfs, path: string, offset: number): Promise<void> {
  await editFile(vfs, path, (contents) => {
    contents[offset] = contents[offset]! ^ 0xff;
  });
}

/** Writes a whole file, durably, replacing what is there. */
export async function putFile(vfs: Vfs, path: string, contents: Uint8Array): Promise<void> {
  const file = await vfs.open(path, { access: "read-write", create: "if-missing" });
  await file.truncate(0);
  await file.write(contents, 0);
  await file.syncData();
  await file.close();
  await vfs.syncDirectory(vfs.parent(path));
}

/** The contents of a file as the machine sees it. */
export function contentsOf(vfs: SimVfs, path: string): Uint8Array {
  const entry = vfs.snapshotTree().find((found) => found.path === path);
  if (entry?.contents === undefined) throw new Error(`no file ${path}`);
  return entry.contents;
}

/** Names and contents of everything on the machine, for "nothing was changed". The lock file is left out: it may be made by looking. */
export function treeOf(vfs: SimVfs): Map<string, Uint8Array | undefined> {
  const entries = vfs.snapshotTree().filter(({ path }) => !path.endsWith("/lock"));
  return new Map(entries.map(({ path, contents }) => [path, contents]));
}

/** Expects two trees to be the same, byte for byte. */
export function expectSameTree(
  found: Map<string, Uint8Array | undefined>,
  expected: Map<string, Uint8Array | undefined>,
): void {
  expect([...found.keys()]).toEqual([...expected.keys()]);
  for (const [path, contents] of expected) {
    const other = found.get(path);
    expect(
      contents === undefined ? other === undefined : other !== undefined && equalBytes(contents, other),
      path,
    ).toBe(true);
  }
}

/** The error that a promise rejects with, or a function throws; fails where there is none. */
export async function errorOf(act: Promise<unknown> | (() => unknown)): Promise<HoldfastError> {
  try {
    await (typeof act === "function" ? act() : act);
  } catch (error) {
    return error as HoldfastError;
  }
  throw new Error("expected an error, and there was none");
}
