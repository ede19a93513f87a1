/**
 * Damage anywhere in a small commit store on LevelDB: a flip that changes an answer is told by opening (a database made anew, or an error), by the read
 * itself, or by `verify`; and what can be made anew is right afterwards. `npm test` looks at a sample, `HOLDFAST_EFFORT=full` (as in CI) at
 * some thousands, `HOLDFAST_EFFORT=every` at every byte of one live database.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FlatKv } from "holdfast/flatkv";
import type { Flip, FlipOutcome, FlipTask } from "./level-flips.contract.js";
import { COPIES, LIVE, type Leaving, makeLevelStore, readStoreFiles, storeOptions } from "./level-store.contract.js";

const seed = Number(process.env["HOLDFAST_SEED"] ?? 1);
const effort = process.env["HOLDFAST_EFFORT"];
const isEveryByte = effort === "every";
const isFull = effort === "full" || isEveryByte;
/** Of the files that are gone through byte by byte, so many flips: where they begin comes from the seed. */
const FULL = 2500;
const SAMPLED = { closed: 60, killed: 24 } as const;
/** Of tables that a snapshot shares. */
const SAMPLED_SHARED = 30;
/** Of the store's own log and anchor, which have a sweep of their own. */
const SAMPLED_OTHERS = 5;
/** LevelDB's own reports, which it never reads. */
const REPORT = /\/LOG(\.old)?$/;
const LANES = 4;
const STUCK_MS = 60_000;

let root: string;
let script: string;

beforeAll(async () => {
  // In memory where there is such a place: thousands of stores are opened, and none of them has to outlive a power cut.
  root = mkdtempSync(path.join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "holdfast-flips-"));
  script = path.resolve("node_modules", ".cache", `holdfast-level-flips-${process.pid}.mjs`);
  const source = path.resolve("src");
  await build({
    entryPoints: [path.resolve("test", "damage", "level-flips.contract.ts")],
    outfile: script,
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
    alias: {
      "holdfast/engine": path.join(source, "engine", "index.ts"),
      "holdfast/flatkv": path.join(source, "flatkv", "index.ts"),
      holdfast: path.join(source, "index.ts"),
    },
    logLevel: "silent",
  });
});

afterAll(() => {
  rmSync(script, { force: true });
  rmSync(root, { recursive: true, force: true });
});

/** Runs flips in a process of its own, and in another one where LevelDB ended it. */
async function runFlips(task: Omit<FlipTask, "flips">, flips: readonly Flip[]): Promise<Map<Flip, FlipOutcome>> {
  const outcomes = new Map<Flip, FlipOutcome>();
  let left = flips;
  let lanes = task.lanes;
  while (left.length > 0) {
    // A command line holds so much.
    const part = left.slice(0, lanes === 1 ? 1 : 800);
    const { ended, running, failure } = await runOnce({ ...task, lanes, flips: part });
    for (const flip of part) {
      const outcome = ended.get(flip.number);
      if (outcome !== undefined) outcomes.set(flip, outcome);
    }
    if (failure !== undefined && running.length === 1) {
      const [only] = part.filter(({ number }) => number === running[0]);
      if (only !== undefined)
        outcomes.set(only, { open: failure, answers: "none", verify: "none", repair: "none", message: failure });
    }
    // Of several at once, one did it: each alone then.
    lanes = failure !== undefined && running.length > 1 ? 1 : task.lanes;
    left = left.filter((flip) => !outcomes.has(flip));
  }
  return outcomes;
}

interface Run {
  readonly ended: ReadonlyMap<number, FlipOutcome>;
  readonly running: readonly number[];
  /** How the process was ended, where it did not end by itself. */
  readonly failure: string | undefined;
}

async function runOnce(task: FlipTask): Promise<Run> {
  const child = spawn(process.execPath, [script, JSON.stringify(task)], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Map<number, FlipOutcome>();
  const running = new Set<number>();
  let errors = "";
  let partial = "";
  let stuck = false;
  const end = (): void => {
    stuck = true;
    child.kill("SIGKILL");
  };
  let timer = setTimeout(end, STUCK_MS);
  child.stderr.on("data", (chunk) => (errors += String(chunk)));
  child.stdout.on("data", (chunk) => {
    clearTimeout(timer);
    timer = setTimeout(end, STUCK_MS);
    const lines = (partial + String(chunk)).split("\n");
    partial = lines.pop() ?? "";
    for (const line of lines) {
      const [word, number = "", ...rest] = line.split(" ");
      if (word === "start") running.add(Number(number));
      else {
        running.delete(Number(number));
        ended.set(Number(number), JSON.parse(rest.join(" ")) as FlipOutcome);
      }
    }
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.on("close", (exitCode, exitSignal) => {
      resolve([exitCode, exitSignal]);
    });
  });
  clearTimeout(timer);
  if (code === 0) return { ended, running: [], failure: undefined };
  // An exception is ours; LevelDB ends the process by a signal.
  if (code !== null) throw new Error(`flips ${[...running].join(", ")}: ${errors}`);
  return { ended, running: [...running], failure: stuck ? "stuck" : (signal ?? "gone") };
}

/** A different generator for every store, from one seed. */
function drawing(name: string): (below: number) => number {
  let state = (seed ^ 0x9e37_79b9) >>> 0 || 1;
  for (const char of name) state = Math.imul(state ^ char.charCodeAt(0), 0x0100_0193) >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Every byte of files, or every so many, so that about `count` come out, and more of small files. */
function flipsOf(
  files: readonly { readonly names: readonly string[]; readonly bytes: number }[],
  count: number,
  draw: (below: number) => number,
): Flip[] {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const step = Math.max(1, Math.ceil(total / count));
  return files.flatMap(({ names, bytes }) => {
    const own = Math.min(step, Math.max(1, Math.ceil(bytes / 4)));
    const from = draw(own);
    return Array.from({ length: Math.max(0, Math.ceil((bytes - from) / own)) }, (_, at) => ({
      number: 0,
      files: names,
      offset: from + at * own,
      mask: draw(3) === 0 ? 255 : 1 << draw(8),
    }));
  });
}

/** In a value of the log's second commit, which opening reads and others follow. */
function flipInSecondCommit(files: readonly (readonly [name: string, bytes: Uint8Array])[]): Flip {
  for (const [name, bytes] of files) {
    const offset = name.startsWith("log/") ? Buffer.from(bytes).indexOf("version 2") : -1;
    if (offset >= 0) return { number: 0, files: [name], offset, mask: 1 };
  }
  throw new Error("no commit in the log");
}

/** Why an outcome is not as it must be. */
function refuse(outcome: FlipOutcome, mayBeLost: boolean): string | undefined {
  const { open, answers, verify, repair } = outcome;
  if (open === "stuck") return "it never ended";
  if (open !== "as it was" && open !== "rebuilt") return undefined;
  if (open === "rebuilt" && answers !== "right") return "it was made anew, and answers otherwise";
  if (answers !== "right" && verify === "sound") return "its answers changed, and nothing told";
  if (verify === "problems" && repair !== "right" && repair !== "none" && !(mayBeLost && repair === "HF_CORRUPTION"))
    return "repair did not make it right";
  if (verify === "sound" && repair !== "none") return "it was another when opened again";
  return undefined;
}

async function sweep(
  name: string,
  leaving: Leaving,
  links: boolean,
  choose: (files: ReadonlyMap<string, Uint8Array>, draw: (below: number) => number) => Flip[],
  mayBeLost: boolean,
): Promise<Map<Flip, FlipOutcome>> {
  const folder = mkdtempSync(path.join(root, "store-"));
  const store = path.join(folder, "store");
  const answers = await makeLevelStore(store, leaving, links);
  const flips = choose(readStoreFiles(store), drawing(name)).map((flip, number) => ({ ...flip, number }));
  const sound = path.join(folder, "sound");
  await makeLevelStore(sound, leaving, links);
  const opened = await FlatKv.open(sound, storeOptions(links));
  const checksum = Buffer.from(opened.committedHash().checksum()).toString("hex");
  await opened.close();

  const outcomes = await runFlips({ store, work: folder, lanes: LANES, answers, checksum }, flips);
  const counts = new Map<string, number>();
  const wrong: string[] = [];
  for (const [flip, outcome] of outcomes) {
    const { open, answers: answer, verify, repair } = outcome;
    const what = [open, ...(answer === "none" ? [] : [answer, verify, repair])].join(" / ");
    counts.set(what, (counts.get(what) ?? 0) + 1);
    const reason = refuse(outcome, mayBeLost);
    if (reason !== undefined)
      wrong.push(
        `0x${flip.mask.toString(16)} at byte ${flip.offset} of ${flip.files.join(", ")}: ${reason}: ${JSON.stringify(outcome)}`,
      );
  }
  console.log(`${name}: ${outcomes.size} flips: ${JSON.stringify(Object.fromEntries(counts), undefined, 1)}`);
  expect(outcomes.size).toBe(flips.length);
  expect(wrong).toEqual([]);
  rmSync(folder, { recursive: true, force: true });
  return outcomes;
}

describe("a damaged commit store on LevelDB", () => {
  for (const leaving of ["closed", "killed"] satisfies Leaving[]) {
    it(
      `that was ${leaving} tells every flip in a live database that changes an answer, and is made right again${isEveryByte ? " (every byte of one)" : ""}`,
      { timeout: isEveryByte ? 7_200_000 : 600_000 },
      async () => {
        const outcomes = await sweep(
          `live, ${leaving}`,
          leaving,
          false,
          (files, draw) => {
            // Tables are the same kind of file however the process left them.
            const isEvery = (name: string): boolean =>
              name.startsWith(LIVE[0]) && !REPORT.test(name) && (leaving === "closed" || !name.endsWith(".ldb"));
            const live = [...files]
              .filter(([name]) => LIVE.some((directory) => name.startsWith(directory)))
              .map(([name, { length }]) => ({ names: [name], bytes: length }));
            const [every, others] = [true, false].map((wanted) =>
              live.filter(({ names: [name = ""] }) => isEvery(name) === wanted),
            );
            return [
              ...flipsOf(every ?? [], isEveryByte ? Number.MAX_SAFE_INTEGER : isFull ? FULL : SAMPLED[leaving], draw),
              ...flipsOf(others ?? [], isFull ? 480 : SAMPLED[leaving] / 2, draw),
            ];
          },
          false,
        );
        // The small sample may miss them.
        if (leaving === "killed" && !isFull) return;
        expect([...outcomes.values()].some(({ open }) => open === "rebuilt")).toBe(true);
        expect([...outcomes.values()].some(({ repair }) => repair === "right")).toBe(true);
      },
    );

    it(`that was ${leaving} tells flips in its books, its log and its snapshot`, { timeout: 300_000 }, async () => {
      const outcomes = await sweep(
        `books, log and snapshot, ${leaving}`,
        leaving,
        false,
        (files, draw) => {
          const others = [...files].filter(([name]) => !LIVE.some((directory) => name.startsWith(directory)));
          return [
            flipInSecondCommit(others),
            ...flipsOf(
              others.map(([name, { length }]) => ({ names: [name], bytes: length })),
              isFull ? 150 : SAMPLED_OTHERS,
              draw,
            ),
          ];
        },
        false,
      );
      // A sample may miss every byte that counts; one in the log's second commit is always among them.
      expect([...outcomes.values()].some(({ open }) => open === "HF_CORRUPTION")).toBe(true);
    });
  }

  it("whose snapshot shares the damaged table says so, or makes it right", { timeout: 300_000 }, async () => {
    const outcomes = await sweep(
      "tables shared with the snapshot",
      "closed",
      true,
      (files, draw) => {
        const shared = LIVE.flatMap((live, at) =>
          [...files].flatMap(([name, bytes]) => {
            const other = path.join(COPIES[at] ?? "", path.basename(name));
            const isTable = path.dirname(name) === live && name.endsWith(".ldb");
            const same = files.get(other);
            return isTable && same !== undefined && Buffer.compare(bytes, same) === 0
              ? [{ names: [name, other], bytes: bytes.length }]
              : [];
          }),
        );
        expect(shared.length).toBeGreaterThanOrEqual(2);
        return flipsOf(shared, isFull ? 480 : SAMPLED_SHARED, draw);
      },
      true,
    );
    expect([...outcomes.values()].some(({ repair }) => repair === "HF_CORRUPTION")).toBe(true);
  });
});
