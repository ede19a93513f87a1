/** Logs on a disk whose operations fail: what must hold at once, after opening again, and after a power cut. */
import { Anchor, type AnchorMode } from "holdfast/anchor";
import { type Log, type LogOptions } from "holdfast/log";
import type { ExploreFaultsOptions } from "holdfast/testing";
import { type LogCall, append, makeCalls } from "../../src/cli/crash/log-calls.js";
import { type RecoveredLog, logExploration } from "../../src/cli/crash/log-case.js";
import type { LogEvent } from "../../src/cli/crash/log-events.js";
import { PayloadBook } from "../../src/cli/crash/payload-book.js";
import { failureOf } from "./failure-of.contract.js";

/** Every way in which a log writes, in a few calls. */
const CALLS: readonly LogCall[] = [
  { call: "append", bytes: 100 },
  { call: "together", sizes: [300, [20, 30], 0] },
  { call: "batch", sizes: [10, 900] },
  { call: "truncate-before", keep: 2 },
  { call: "append", bytes: 1000 },
  { call: "truncate-after", drop: 1 },
  { call: "enqueue", sizes: [5, 6] },
  { call: "reopen" },
  { call: "append", bytes: 40 },
];

/** The fault exploration of a log with these options. */
export function logFaults(
  name: string,
  options: Omit<LogOptions, "vfs">,
  seed: number,
): ExploreFaultsOptions<RecoveredLog, LogEvent> {
  const book = new PayloadBook();
  const plan = {
    title: name,
    seed,
    options,
    calls: CALLS,
    effort: { depth: 1, kill: true, nestedShare: 0, nestedCap: 1 },
  };
  const { recover, check, tornMax: _tornMax } = logExploration(plan, book);
  return {
    name,
    seed,
    recover,
    check,
    async workload({ vfs, note }) {
      book.clear();
      await vfs.makeDirectory("/data");
      await vfs.syncDirectory("/");
      const context = { vfs, options: { ...options, vfs }, book, note };
      await makeCalls(context, CALLS, (log) => probe(log, () => append(context, log, [new Uint8Array(3)], "append")));
    },
  };
}

/** After a failure: either the log goes on as if nothing were, or it takes nothing more at all. And it lets itself be closed. */
async function probe(log: Log, appendOne: () => Promise<void>): Promise<void> {
  const first = await failureOf(appendOne());
  if (first !== undefined) {
    const later = [await failureOf(log.append(new Uint8Array(1))), await failureOf(log.sync())];
    for (const failure of later) {
      if (failure === undefined) throw new Error("a log that had failed took a record");
      if (failure.code !== first.code)
        throw new Error(`a failed log rejected with ${first.code}, then with ${failure.code}`);
    }
  }
  await failureOf(log.close());
}

type AnchorEvent = { readonly kind: "issued" | "acked" | "opened"; readonly n: number };

/** The fault exploration of an anchor. */
export function anchorFaults(mode: AnchorMode, seed: number): ExploreFaultsOptions<number, AnchorEvent> {
  const options = { mode, slotBytes: 1024, olderIsSafe: true };
  return {
    name: `anchor, ${mode}`,
    seed,
    async workload({ vfs, note }) {
      const anchor = await Anchor.openOrCreate("/anchor", new Uint8Array(900), { ...options, vfs });
      try {
        for (let n = 1; n <= 4; n++) {
          note({ kind: "issued", n });
          await anchor.write(new Uint8Array(900).fill(n));
          note({ kind: "acked", n });
        }
      } catch (error) {
        const again = await failureOf(anchor.write(new Uint8Array(1)));
        if (again?.code !== "HF_POISONED")
          throw new Error(`an anchor that had failed answered ${again?.code ?? "as if nothing were"}`);
        throw error;
      } finally {
        await failureOf(anchor.close());
      }
    },
    async recover({ vfs, note }) {
      const anchor = await Anchor.openOrCreate("/anchor", new Uint8Array(900), { ...options, vfs });
      const n = anchor.value[0] ?? -1;
      if (!anchor.value.every((byte) => byte === n)) throw new Error("the value is a mixture");
      await anchor.close();
      note({ kind: "opened", n });
      return n;
    },
    check(n, events) {
      let floor = 0;
      let issued = 0;
      for (const event of events.slice(
        0,
        events.findLastIndex(({ kind }) => kind === "opened"),
      )) {
        if (event.kind !== "acked") issued = event.n;
        if (event.kind !== "issued") floor = event.n;
      }
      if (n < floor || n > issued) throw new Error(`the anchor holds ${n}; it must be ${floor} to ${issued}`);
    },
  };
}
