/** The part of the audit that looks at the lanes: every block by its hash, and the records in those of the kept rounds by their bytes. */
import { equalBytes } from "../../../base/index.js";
import type { Block } from "./block.js";
import type { Certificate } from "./certificate.js";
import { demand, isHash } from "./demand.js";
import type { Expectation } from "./expectation.js";
import type { NodePipeline } from "./node-stores.js";

/** Lanes that are read beside each other: their blocks lie all over the log, and reading them is mostly waiting. */
const lanesAtATime = 6;

/** What was found in the lanes. */
export interface LanesFound {
  /** Blocks that were read. */
  readonly read: number;
  /** The records of those that certificates name, by lane and number. */
  readonly certified: ReadonlyMap<string, ReadonlyMap<number, Uint8Array>>;
}

/** Every lane ends where it should, its blocks are linked, and those that certificates name are there. */
export async function checkLanes(
  { lanes }: NodePipeline,
  certificates: readonly Certificate[],
  { heads }: Expectation,
): Promise<LanesFound> {
  const named = new Map<string, Map<number, Uint8Array>>();
  for (const { blocks } of certificates) {
    for (const { lane, number, hash } of blocks) {
      const numbers = named.get(lane) ?? new Map<number, Uint8Array>();
      named.set(lane, numbers.set(number, hash));
    }
  }
  for (const lane of heads.keys()) demand("lanes", lanes.get(lane) !== undefined, `there is no lane ${lane}`);
  const certified = new Map<string, Map<number, Uint8Array>>();
  let read = 0;
  const checkLane = async (name: string): Promise<void> => {
    const lane = await lanes.lane(name);
    const { next, hash } = heads.get(name) ?? { next: 0, hash: undefined };
    demand("lanes", lane.nextIndex === next, `lane ${name} ends before block ${lane.nextIndex}, not ${next}`);
    const left = named.get(name) ?? new Map<number, Uint8Array>();
    const bodies = new Map<number, Uint8Array>();
    certified.set(name, bodies);
    let before: Block | undefined;
    for await (const { index, value } of lane.read()) {
      checkBlock(value, name, index, before);
      const wanted = left.get(index);
      demand("lanes", wanted === undefined || equalBytes(wanted, value.hash), `block ${index} of ${name} was changed`);
      if (left.delete(index)) bodies.set(index, value.body);
      before = value;
      read += 1;
    }
    demand("lanes", left.size === 0, `${left.size} blocks of ${name} are missing that certificates name`);
    demand(
      "lanes",
      next === 0 || isHash(before?.hash, hash),
      `the newest block of ${name} is not the one that the file gives`,
    );
  };
  const names = lanes.keys().values();
  const reader = async (): Promise<void> => {
    for (const name of names) await checkLane(name);
  };
  await Promise.all(Array.from({ length: lanesAtATime }, reader));
  return { read, certified };
}

/** The records of every kept round, put back into the order of the file, are the bytes of the file. Returns how many there are. */
export function checkRecords(
  certificates: readonly Certificate[],
  certified: LanesFound["certified"],
  expectation: Expectation,
): number {
  let compared = 0;
  for (const { round, firstRecord, records, blocks } of certificates) {
    const bodies = blocks.map(({ lane, number }) => certified.get(lane)?.get(number) ?? new Uint8Array());
    const found = expectation.restore({ firstRecord, records }, bodies);
    demand("lanes", found !== undefined, `round ${round} does not have each of its ${records} records once`);
    const expected = expectation.sourceOf(round);
    demand(
      "lanes",
      found !== undefined && expected !== undefined && equalBytes(found, expected),
      `the records of round ${round} are not those of the file`,
    );
    compared += records;
  }
  return compared;
}

function checkBlock(block: Block, lane: string, index: number, before: Block | undefined): void {
  demand("lanes", block.lane === lane && block.number === index, `lane ${lane} has another block at ${index}`);
  demand(
    "lanes",
    before === undefined || equalBytes(block.previous, before.hash),
    `block ${index} of ${lane} has another before it`,
  );
  demand(
    "lanes",
    before === undefined || block.round > before.round,
    `block ${index} of ${lane} is of an earlier round`,
  );
}
