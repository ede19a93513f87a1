/**
 * A process that damages a small store on LevelDB byte by byte, each time on a copy, and says what then becomes of it: LevelDB may end the process.
 * In lines on standard output: `start <number>` before each flip, `end <number> {outcome}` after it.
 */
import { mkdirSync, rmSync, writeFileSync, writeSync } from "node:fs";
import path from "node:path";
import { HoldfastError } from "holdfast";
import { FlatKv } from "holdfast/flatkv";
import { type Answers, DATABASES, readStoreFiles, storeOptions } from "./level-store.contract.js";

/** One byte changed, in one file or in those that share it. */
export interface Flip {
  readonly number: number;
  readonly files: readonly string[];
  readonly offset: number;
  readonly mask: number;
}

export interface FlipTask {
  readonly store: string;
  readonly work: string;
  readonly lanes: number;
  readonly answers: Answers;
  /** Of `committedHash`, hex. */
  readonly checksum: string;
  readonly flips: readonly Flip[];
}

/** What became of a flip. `right` and `wrong` are answers; anything else is the code of an error. */
export interface FlipOutcome {
  /** `as it was`, `rebuilt`, or the code. */
  readonly open: string;
  readonly answers: string;
  /** `sound`, `problems`, `journal` where it is only that, or the code. */
  readonly verify: string;
  /** `none` was made; or what the store answers, and answers when it is opened again. */
  readonly repair: string;
  readonly message: string;
}

/** Of the flips that change nothing, so many have one whose store is opened once more; and of those that only a check of the files finds, one that is repaired. */
const AGAIN = 10;

const task = JSON.parse(process.argv[2] ?? "{}") as FlipTask;
const files = readStoreFiles(task.store);
const options = storeOptions(false);

/** The code of an error of ours; every other error is a bug. */
function codeOf(error: unknown): string {
  if (!(error instanceof HoldfastError)) throw error;
  return error.code;
}

async function outcomeOf<Result>(
  act: () => Promise<Result>,
  tell: (result: Result) => string,
): Promise<[string, string]> {
  try {
    return [tell(await act()), ""];
  } catch (error) {
    return [codeOf(error), String(error)];
  }
}

/** Every key by `get`, every row by `iterate`, and the hashes. */
async function ask(store: FlatKv): Promise<string> {
  let isWrong = Buffer.from(store.committedHash().checksum()).toString("hex") !== task.checksum;
  let failure = "";
  const failed = (error: unknown): void => {
    failure ||= codeOf(error);
  };
  for (const database of DATABASES) {
    const expected = task.answers[database] ?? {};
    const there = Object.entries(expected).filter(([, value]) => value !== null);
    try {
      const rows: [string, string][] = [];
      for await (const { key, value } of store.iterate({ database }))
        rows.push([Buffer.from(key).toString(), Buffer.from(value).toString()]);
      isWrong ||= JSON.stringify(rows) !== JSON.stringify(there.sort(([a], [b]) => (a < b ? -1 : 1)));
    } catch (error) {
      failed(error);
    }
    for (const [key, value] of Object.entries(expected)) {
      try {
        const got = await store.get(Buffer.from(key), { database });
        isWrong ||= (got === undefined ? null : Buffer.from(got).toString()) !== value;
      } catch (error) {
        failed(error);
      }
    }
  }
  return failure || (isWrong ? "wrong" : "right");
}

async function tryFlip({ number, files: flipped, offset, mask }: Flip, directory: string): Promise<FlipOutcome> {
  rmSync(directory, { recursive: true, force: true });
  for (const [name, bytes] of files) {
    const file = path.join(directory, name);
    mkdirSync(path.dirname(file), { recursive: true });
    const copy = Buffer.from(bytes);
    if (flipped.includes(name)) copy[offset] = (copy[offset] ?? 0) ^ mask;
    writeFileSync(file, copy);
  }
  let store: FlatKv | undefined;
  const [open, message] = await outcomeOf(
    async () => {
      store = await FlatKv.open(directory, options);
      return store;
    },
    ({ recovery }) => (recovery.rebuilt.length > 0 ? "rebuilt" : "as it was"),
  );
  if (store === undefined) return { open, answers: "none", verify: "none", repair: "none", message };
  const opened: FlatKv = store;
  const answers = await ask(opened);
  const [verify, problems] = await outcomeOf(
    () => opened.verify(),
    (report) =>
      report.sound ? "sound" : report.problems.every(({ code }) => code === "journal") ? "journal" : "problems",
  );
  let repair = "none";
  let refusal = "";
  if (verify === "problems" && (answers !== "right" || number % AGAIN === 0)) {
    [repair, refusal] = await outcomeOf(
      () => opened.repair(),
      () => "repaired",
    );
    if (repair === "repaired") repair = await ask(opened);
  }
  await opened.close();
  const isUntouched = open === "as it was" && answers === "right";
  if (repair === "right" || (repair === "none" && (!isUntouched || number % AGAIN === 0) && verify !== "problems")) {
    const again = await FlatKv.open(directory, options);
    const answer = await ask(again);
    const { databases } = await again.verify({ journal: false });
    const isSound = databases.every(({ sound }) => sound);
    if (answer !== "right" || !isSound)
      repair = `${repair}, then ${answer} and ${isSound ? "" : "not "}sound when opened again`;
    await again.close();
  }
  return { open, answers, verify, repair, message: message || problems || refusal };
}

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

const waiting = [...task.flips];
async function lane(number: number): Promise<void> {
  const directory = path.join(task.work, `lane-${number}`);
  for (let flip = waiting.shift(); flip !== undefined; flip = waiting.shift()) {
    say(`start ${flip.number}`);
    const outcome = await tryFlip(flip, directory);
    say(`end ${flip.number} ${JSON.stringify(outcome)}`);
  }
  rmSync(directory, { recursive: true, force: true });
}
await Promise.all(Array.from({ length: task.lanes }, (_, number) => lane(number)));
