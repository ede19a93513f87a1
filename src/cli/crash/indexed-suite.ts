/**
 * The suite about indexed logs. Each call is atomic, so after a crash the log is as before the call that was under way, or as after it: the same first
 * index, the same entries, and the next index, also where there are none.
 */
import { SeededRandom, equalBytes } from "../../base/index.js";
import { IndexedLog } from "../../lanes/index.js";
import { type CrashCase, type CrashSuite, crashCase } from "./crash-case.js";
import { effortOf } from "./effort.js";
import { type Durability, type JournalKind, type OpenJournal, ownLog, sharedStream } from "./lane-places.js";
import { pick } from "./log-calls.js";
import { makeParent } from "./parent-directory.js";
import { makePayload } from "./payload-book.js";

/** A log, by the serial numbers of its values. */
interface Model {
  readonly firstIndex: number;
  readonly serials: readonly number[];
}

type IndexedEvent =
  /** One of these is what the log may be from now on, beside what it is. */
  | { readonly kind: "will"; readonly models: readonly Model[] }
  /** It is this. */
  | { readonly kind: "is"; readonly model: Model };

interface Opened {
  readonly open: OpenJournal;
  readonly log: IndexedLog<Uint8Array>;
  readonly firstIndex: number;
  readonly nextIndex: number;
  readonly values: readonly Uint8Array[];
  readonly journalFirst: number;
}

type Call = OwnCall | { readonly call: "reopen" };

/** A call of the log itself. */
type OwnCall =
  | { readonly call: "append"; readonly count: number }
  /** Several calls at once, each an entry. */
  | { readonly call: "together"; readonly count: number }
  | { readonly call: "truncate-before"; readonly share: number }
  | { readonly call: "truncate-after"; readonly share: number }
  | { readonly call: "truncate-all" }
  | { readonly call: "jump"; readonly by: number };

const codec = { encode: (bytes: Uint8Array) => bytes, decode: (bytes: Uint8Array) => bytes };
const FIRST_INDEX = 5;
/** Serials from here on are written after a recovery, and follow from the index. */
const LATER = 1_000_000;
const SIZES = [40, 0, 700, 5, 300];

/** The value with this serial number, which stands in front of it. */
function valueOf(serial: number): Uint8Array {
  const value = new Uint8Array(4 + SIZES[serial % SIZES.length]!);
  value.set(makePayload(serial, value.length - 4, "random"), 4);
  new DataView(value.buffer).setUint32(0, serial, true);
  return value;
}

function serialsOf({ values }: Opened): number[] {
  return values.map((value) => new DataView(value.buffer, value.byteOffset).getUint32(0, true));
}

async function openOn(kind: JournalKind, vfs: Parameters<JournalKind["open"]>[0]): Promise<Opened> {
  const open = await kind.open(vfs);
  const log = await IndexedLog.open(open.journal, { codec, firstIndex: FIRST_INDEX });
  const { firstIndex, nextIndex } = log;
  return { open, log, firstIndex, nextIndex, values: await log.readAll(), journalFirst: open.journal.firstLsn };
}

function refuse(opened: Opened, { firstIndex, serials }: Model): string | undefined {
  if (opened.firstIndex !== firstIndex) return `it starts at ${opened.firstIndex}, not ${firstIndex}`;
  if (opened.nextIndex !== firstIndex + serials.length)
    return `its next index is ${opened.nextIndex}, not ${firstIndex + serials.length}`;
  if (opened.values.length !== serials.length) return `it reads as ${opened.values.length} entries`;
  const wrong = serials.findIndex((serial, at) => !equalBytes(opened.values[at]!, valueOf(serial)));
  return wrong < 0 ? undefined : `entry ${firstIndex + wrong} is not the one that was written`;
}

/** What it may be, folded from the events. */
function allowedBy(events: readonly IndexedEvent[]): readonly Model[] {
  let allowed: readonly Model[] = [{ firstIndex: FIRST_INDEX, serials: [] }];
  for (const event of events) {
    if (event.kind === "is") allowed = [event.model];
    else allowed = [...allowed, ...event.models];
  }
  return allowed;
}

async function makeCall(
  { log }: Opened,
  call: OwnCall,
  model: Model,
  nextSerial: () => number,
  note: (event: IndexedEvent) => void,
): Promise<Model> {
  const { firstIndex, serials } = model;
  const nextIndex = firstIndex + serials.length;
  const perform = async (after: Model, act: () => Promise<unknown>, between: readonly Model[] = []): Promise<Model> => {
    note({ kind: "will", models: [...between, after] });
    await act();
    note({ kind: "is", model: after });
    return after;
  };
  if (call.call === "jump") {
    const index = nextIndex + call.by;
    return await perform({ firstIndex: index, serials: [] }, () => log.startAt(index));
  }
  if (call.call === "truncate-all")
    return await perform({ firstIndex: nextIndex, serials: [] }, () => log.truncateAll());
  if (call.call === "truncate-before") {
    const at = Math.floor(serials.length * call.share);
    if (at >= serials.length) return model;
    const after = { firstIndex: firstIndex + at, serials: serials.slice(at) };
    return await perform(after, () => log.truncateBefore(firstIndex + at));
  }
  if (call.call === "truncate-after") {
    const count = Math.floor(serials.length * call.share);
    const after = { firstIndex, serials: serials.slice(0, count) };
    return await perform(after, () => log.truncateAfter(firstIndex + count - 1));
  }
  const added = Array.from({ length: call.count }, nextSerial);
  const after = { firstIndex, serials: [...serials, ...added] };
  if (call.call === "append") return await perform(after, () => log.appendAll(added.map(valueOf), nextIndex));
  const between = added.map((_, at) => ({ firstIndex, serials: [...serials, ...added.slice(0, at)] }));
  return await perform(after, () => Promise.all(added.map((serial) => log.append(valueOf(serial)))), between);
}

function randomCall(random: SeededRandom): Call {
  const what = random.below(12);
  if (what < 4) return { call: "append", count: 1 + random.below(3) };
  if (what < 5) return { call: "together", count: 2 + random.below(3) };
  if (what < 7) return { call: "truncate-before", share: pick(random, [0.3, 0.5, 0.99]) };
  if (what < 8) return { call: "truncate-after", share: pick(random, [0, 0.5, 0.8]) };
  if (what < 10) return { call: "truncate-all" };
  return what < 11 ? { call: "jump", by: random.below(4) } : { call: "reopen" };
}

function indexedCase(title: string, seed: number, kind: JournalKind, calls: readonly Call[], at: number): CrashCase {
  const { followUps, ...limits } = effortOf(title.split("/")[0]!, at);
  return crashCase<Opened, IndexedEvent>(title, {
    name: title,
    seed,
    steps: calls.length,
    disk: { stale: at % 2 === 0, garbage: at % 3 === 0 ? "written" : "sector" },
    ...limits,
    async workload({ vfs, note, steps }) {
      await makeParent(vfs);
      let serial = 0;
      let opened = await openOn(kind, vfs);
      let model: Model = { firstIndex: FIRST_INDEX, serials: [] };
      for (const call of calls.slice(0, steps)) {
        if (call.call !== "reopen") model = await makeCall(opened, call, model, () => serial++, note);
        else {
          await opened.log.close();
          await opened.open.close();
          opened = await openOn(kind, vfs);
        }
      }
      await opened.log.close();
      await opened.open.close();
    },
    async recover({ vfs, note }) {
      const opened = await openOn(kind, vfs);
      note({ kind: "is", model: { firstIndex: opened.firstIndex, serials: serialsOf(opened) } });
      return opened;
    },
    check(opened, events) {
      const own = events.findLastIndex(({ kind }) => kind === "is");
      const allowed = allowedBy(events.slice(0, own));
      const reasons = allowed.map((model) => refuse(opened, model));
      if (reasons.every((reason) => reason !== undefined)) throw new Error(reasons.join(", or: "));
      // A baseline, or none: nothing that was dropped is kept.
      if (opened.open.journal.lastLsn - opened.journalFirst + 1 > opened.values.length + 1)
        throw new Error("what was dropped is still in the journal");
    },
    describe: ({ firstIndex, nextIndex }) => `${firstIndex} to ${nextIndex}`,
    async close({ log, open }) {
      await log.close();
      await open.close();
    },
    ...(followUps === undefined
      ? {}
      : {
          idempotent: true as const,
          async resume(opened: Opened, { note }: { note(event: IndexedEvent): void }) {
            let model: Model = { firstIndex: opened.firstIndex, serials: serialsOf(opened) };
            let serial = LATER + opened.nextIndex;
            const next = (): number => serial++;
            model = await makeCall(opened, { call: "append", count: 2 }, model, next, note);
            model = await makeCall(opened, { call: "truncate-all" }, model, next, note);
            await makeCall(opened, { call: "append", count: 1 }, model, next, note);
          },
        }),
  });
}

/** The suite on one kind of journal; every fourth one acknowledges early. */
function suiteOn(
  name: string,
  summary: string,
  weight: number,
  kindWith: (durability: Durability) => JournalKind,
): CrashSuite {
  return {
    name,
    summary,
    weight,
    makeCase(index, seed) {
      const random = new SeededRandom(seed).fork(`${name} ${index}`);
      const kind = kindWith(index % 4 === 3 ? "os" : "sync");
      const calls = Array.from({ length: 3 + random.below(6) }, () => randomCall(random));
      const title = `${name}/${index}: ${kind.name}: ${calls.map(({ call }) => call).join(", ")}`;
      return indexedCase(title, seed, kind, calls, index);
    },
  };
}

/** See the head of this file. */
export const indexedSuites: readonly CrashSuite[] = [
  suiteOn("lanes-entries", "entries with indexes in a log: appended, dropped at either end, jumped over", 2, ownLog),
  suiteOn("lanes-entries-shared", "the same in a stream of a shared log", 1, sharedStream),
];
