/** The journal suite on a log and on a stream of a shared log, on the simulated disk and on the real one. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Log } from "../log/index.js";
import { type JournalSubject, describeJournal } from "../log/journal.contract.js";
import { SimVfs, type Vfs, nodeVfs } from "../vfs/index.js";
import { SharedLog } from "./index.js";

const SMALL = { blockBytes: 512, segmentBytes: 4096 } as const;

async function logSubject(vfs: Vfs, directory: string, cleanup: () => Promise<void>): Promise<JournalSubject> {
  let log = await Log.open(directory, { ...SMALL, vfs });
  return {
    journal: log,
    async reopen() {
      await log.close();
      log = await Log.open(directory, { ...SMALL, vfs });
      return log;
    },
    close: () => log.close(),
    cleanup,
  };
}

/** A stream between two others: one that is never pruned, and one that always is, so that entries are moved and segments given back. */
async function streamSubject(vfs: Vfs, directory: string, cleanup: () => Promise<void>): Promise<JournalSubject> {
  const options = { ...SMALL, vfs, checkpointBytes: 512 };
  let shared = await SharedLog.open(directory, options);
  await (await shared.stream("still")).append(new Uint8Array(20));
  return {
    journal: await shared.stream("mine"),
    async reopen() {
      await shared.close();
      shared = await SharedLog.open(directory, options);
      return await shared.stream("mine");
    },
    close: () => shared.close(),
    cleanup,
    async disturb() {
      const busy = await shared.stream("busy");
      for (let count = 0; count < 4; count++) await busy.append(new Uint8Array(300));
      await busy.truncateBefore(busy.lastLsn);
    },
  };
}

async function temporary(): Promise<{ directory: string; cleanup: () => Promise<void> }> {
  const directory = await mkdtemp(path.join(tmpdir(), "holdfast-journal-"));
  return { directory, cleanup: () => rm(directory, { recursive: true, force: true }) };
}

const nothing = (): Promise<void> => Promise.resolve();
describeJournal("a log", () => logSubject(new SimVfs(), "/log", nothing));
describeJournal("a stream", () => streamSubject(new SimVfs(), "/log", nothing));
describeJournal(
  "a log on this machine's disk",
  async () => {
    const { directory, cleanup } = await temporary();
    return await logSubject(nodeVfs, directory, cleanup);
  },
  { runs: 3 },
);
describeJournal(
  "a stream on this machine's disk",
  async () => {
    const { directory, cleanup } = await temporary();
    return await streamSubject(nodeVfs, directory, cleanup);
  },
  { runs: 3 },
);
