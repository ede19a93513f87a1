/** What the tests of `NodeVfs` run in another process: `vfs-child <lock|write|writeNow|delay> <path or milliseconds>`. */
import { HoldfastError } from "../../base/index.js";
import { nodeVfs } from "./index.js";

const [task = "", argument = ""] = process.argv.slice(2);

async function run(): Promise<string> {
  if (task === "lock") {
    await nodeVfs.lock(argument);
    // Held until the parent goes away or kills this process.
    process.stdin.resume();
    return "locked";
  }
  const file = await nodeVfs.open(argument, { access: "read-write", create: "exclusive" });
  const bytes = new Uint8Array(10_000);
  if (task === "write") await file.write(bytes, 0);
  else file.writeNow(bytes, 0);
  return "written";
}

if (task === "delay" || task === "background-delay") {
  console.log("waiting");
  await nodeVfs.delay(Number(argument), undefined, task === "background-delay");
  console.log("waited");
} else {
  const line = await run().catch((error: unknown) => {
    if (!(error instanceof HoldfastError)) throw error;
    const { errno, asked, written, pid } = error.details;
    return [error.code, errno, asked, written, pid].filter((value) => value !== undefined).join(" ");
  });
  console.log(line);
}
