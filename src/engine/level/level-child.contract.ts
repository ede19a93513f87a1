/**
 * What tests of the LevelDB engine run in another process:
 * - `level-child write <directory>` writes unsynced batches and names each one that was acknowledged;
 * - `level-child sync <directory>` writes, syncs, writes and syncs again, and says how that and what follows it ends;
 * - `level-child use <directory> <from>` writes batches from number `from`, syncs now and then, makes checkpoints beside the directory, and says
 *   what was acknowledged: `wrote <number>`, `synced <number>`, and `copied <number>`, which is also the copy's name.
 */
import path from "node:path";
import { HoldfastError } from "../../base/index.js";
import { classicLevel } from "../index.js";
import { nodeVfs } from "../../vfs/index.js";
import { batchOf } from "./level-batches.contract.js";

const SYNC_EVERY = 25;
const COPY_EVERY = 50;

const [task = "", directory = "", from = ""] = process.argv.slice(2);
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
} else if (task === "use") {
  const parent = path.dirname(directory);
  await nodeVfs.syncDirectory(parent);
  process.stdout.write("opened\n");
  for (let n = Number(from); ; n++) {
    await write(n);
    process.stdout.write(`wrote ${n}\n`);
    if (n % SYNC_EVERY === 0) {
      await database.sync();
      process.stdout.write(`synced ${n}\n`);
    }
    if (n % COPY_EVERY === 0) {
      await database.checkpoint(path.join(parent, String(n)));
      await nodeVfs.syncDirectory(parent);
      process.stdout.write(`copied ${n}\n`);
    }
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
