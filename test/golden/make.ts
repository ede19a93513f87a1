/**
 * Writes the golden directories of the current format version: `test/golden/v<version>/<torn>-<case>/`, each with the files of a tiny log, and
 * `expected.json` beside them. Refuses to write a version that exists: those files stand for builds of the past.
 *
 *     npx esbuild test/golden/make.ts --bundle --platform=node --format=esm --packages=external --outfile=.tmp/make-golden.mjs
 *     node .tmp/make-golden.mjs test/golden
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { FORMAT_VERSION, type TornMode } from "../../src/log/format.js";
import { Log } from "../../src/log/index.js";
import { SimVfs } from "../../src/vfs/index.js";
import { type ExpectedLog, type ExpectedRecord, expectedRecord } from "./expected-log.js";

const DIRECTORY = "/log";
const OPTIONS = { blockBytes: 512, segmentBytes: 2048 } as const;
const TORN: readonly TornMode[] = ["align", "double-write", "trust"];

type Files = Map<string, Uint8Array>;

interface GoldenCase {
  readonly name: string;
  /** Works on an open log, and returns the files to keep. */
  make(vfs: SimVfs, log: Log): Promise<Files>;
  /** What the records must be, of those that were appended. */
  readonly first: number;
  readonly last: number;
  readonly clean: boolean;
  readonly cutsTail: boolean;
}

const CASES: readonly GoldenCase[] = [
  {
    name: "clean",
    first: 1,
    last: 4,
    clean: true,
    cutsTail: false,
    async make(vfs, log) {
      await append(log, 4);
      return await closed(vfs, log);
    },
  },
  {
    name: "torn-tail",
    first: 1,
    last: 1,
    clean: false,
    cutsTail: true,
    async make(vfs, log) {
      await append(log, 1);
      await vfs.delay(1);
      const before = filesOf(vfs);
      const end = before.get("0000000000000001.seg")!;
      await log.append(payloadOf(2, 900));
      const after = filesOf(vfs);
      // The power failed while the second record was written: one half of its blocks is there, the other is as it was.
      const torn = after.get("0000000000000001.seg")!.slice();
      const from = changedFrom(end, torn) + 400;
      torn.set(end.subarray(from), from);
      torn.fill(0, Math.max(from, end.length));
      const doubleWrite = after.get("double-write");
      return new Map([
        ...before,
        ["0000000000000001.seg", torn],
        ...(doubleWrite === undefined ? [] : ([["double-write", doubleWrite]] as const)),
      ]);
    },
  },
  {
    name: "pruned",
    first: 5,
    last: 7,
    clean: true,
    cutsTail: false,
    async make(vfs, log) {
      await append(log, 7);
      await log.truncateBefore(5);
      return await closed(vfs, log);
    },
  },
  {
    name: "cut",
    first: 1,
    last: 2,
    clean: true,
    cutsTail: false,
    async make(vfs, log) {
      await append(log, 1);
      await log.appendAll([2, 3].map((lsn) => ({ payload: payloadOf(lsn), type: lsn })));
      await log.truncateAfter(2);
      return await closed(vfs, log);
    },
  },
];

/** Four hundred bytes and a bit, so that three records fill a segment in every mode. */
function payloadOf(lsn: number, length = 440 + lsn): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (lsn * 31 + index) % 251);
}

async function append(log: Log, last: number): Promise<void> {
  while (log.lastLsn < last) await log.append(payloadOf(log.lastLsn + 1), log.lastLsn + 1);
}

async function closed(vfs: SimVfs, log: Log): Promise<Files> {
  await vfs.delay(1);
  await log.close();
  return filesOf(vfs);
}

function filesOf(vfs: SimVfs): Files {
  const files: Files = new Map();
  for (const { path: name, contents } of vfs.snapshotTree()) {
    if (contents !== undefined && !name.endsWith("/lock")) files.set(name.slice(DIRECTORY.length + 1), contents);
  }
  return files;
}

function changedFrom(before: Uint8Array, after: Uint8Array): number {
  const at = after.findIndex((byte, index) => byte !== (before[index] ?? 0));
  if (at < 0) throw new Error("nothing was written");
  return at;
}

const target = path.join(process.argv[2] ?? "test/golden", `v${FORMAT_VERSION}`);
if (existsSync(target)) {
  console.error(
    `${target} exists and is what builds of the past wrote. A changed format needs a new version; nothing was written.`,
  );
  process.exit(1);
}
const logs: ExpectedLog[] = [];
for (const torn of TORN) {
  for (const { name, make, first, last, clean, cutsTail } of CASES) {
    const vfs = new SimVfs({ seed: logs.length + 1 });
    const log = await Log.open(DIRECTORY, { vfs, torn, ...OPTIONS, spareSegmentsMax: 0 });
    const files = await make(vfs, log);
    const records: ExpectedRecord[] = [];
    for (let lsn = first; lsn <= last; lsn++) records.push(expectedRecord(lsn, lsn, payloadOf(lsn)));
    const directory = `${torn}-${name}`;
    mkdirSync(path.join(target, directory), { recursive: true });
    for (const [file, contents] of files) writeFileSync(path.join(target, directory, file), contents);
    logs.push({ directory, torn, ...OPTIONS, firstLsn: first, lastLsn: last, clean, cutsTail, records });
  }
}
writeFileSync(
  path.join(target, "expected.json"),
  `${JSON.stringify({ version: FORMAT_VERSION, logs }, undefined, 1)}\n`,
);
