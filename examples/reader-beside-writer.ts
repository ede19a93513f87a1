/**
 * A reader beside a writer: one process appends, this one follows it. The reader takes no lock and sees what was acknowledged, nothing else.
 *
 *     node examples/reader-beside-writer.ts [directory]
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Log, LogReader } from "holdfast/log";

const RECORDS = 50;

async function write(directory: string): Promise<void> {
  await using log = await Log.open(directory);
  process.send?.("open");
  for (let n = 1; n <= RECORDS; n++) await log.append(new TextEncoder().encode(`record ${n}`));
  // The log stays open until the reader has seen it all.
  await once(process, "disconnect");
}

async function follow(directory: string): Promise<void> {
  const writer = fork(fileURLToPath(import.meta.url), [directory, "write"]);
  // Before the writer has made the log there is nothing to open.
  await once(writer, "message");
  await using reader = await LogReader.open(directory);
  let seen = 0;
  for await (const record of reader.follow({ from: reader.firstLsn })) {
    seen += 1;
    if (record.lsn !== seen) throw new Error(`Expected LSN ${seen}, got ${record.lsn}.`);
    if (seen === RECORDS) break;
  }
  console.log(`Followed process ${writer.pid} to LSN ${seen}.`);
  writer.disconnect();
  await once(writer, "exit");
}

const [directory = "./example-reader", task = "follow"] = process.argv.slice(2);
if (task === "write") await write(directory);
else await follow(directory);
