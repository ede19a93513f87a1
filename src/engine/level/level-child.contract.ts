/**
 * What tests of the LevelDB engine run in another process: `level-child write <directory>` writes unsynced batches and names each one that
 * was acknowledged; `level-child sync <directory>` writes, syncs, writes and syncs again, and says how that and what follows it ends.
 */
import { HoldfastError } from "../../base/index.js";
import { classicLevel } from "../index.js";
import { batchOf } from "./level-batches.contract.js";

const [task = "", directory = ""] = process.argv.slice(2);
const engine = classicLevel({ writeBufferBytes: 65_536 });
const database = (await engine.open(directory)) ?? (await engine.create(directory));

async function write(n: number): Promise<void> {
  const batch = database.batch();
  for (const [key, value] of batchOf(n)) batch.put(key, value);
  await batch.write();
}

async function outcome(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
    return "done";
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return error.code;
  }
}

if (task === "write") {
  for (let n = 1; ; n++) {
    await write(n);
    process.stdout.write(`${n}\n`);
  }
} else {
  await write(1);
  await database.sync();
  await write(2);
  const outcomes = [
    await outcome(() => database.sync()),
    await outcome(() => write(3)),
    await outcome(() => database.get(new Uint8Array(1))),
    await outcome(() => database.close()),
  ];
  console.log(outcomes.join(" "));
}
