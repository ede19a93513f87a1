/** Tries of NOMT: its roots and proofs against ours, and our proofs against its verifier. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Skip, lastLine, output, run } from "../tools.mjs";
import { makeProofs } from "./proofs.mjs";

/** What `vectors` ends with where the store can't run. */
const NO_IO_URING = 3;

/** @param {import("../tools.mjs").Context} context */
export async function check({ root, folder, seed, passed }) {
  const program = build(path.join(root, "compat", "nomt"));

  const proofs = path.join(folder, "proofs.json");
  writeFileSync(proofs, JSON.stringify(await makeProofs(seed, folder)));
  passed(`the crates take our proofs: ${lastLine(output(program, ["verify", proofs]))}`);

  const again = path.join(folder, "again.json");
  const made = run(program, ["vectors", again]);
  if (made.status === NO_IO_URING) throw new Skip(lastLine(made.stderr));
  assert.equal(made.status, 0, made.stderr);
  const committed = path.join(root, "test", "fixtures", "nomt", "crates.json");
  assert.ok(readFileSync(again).equals(readFileSync(committed)), `the crates don't make what is in ${committed}`);
  passed("the crates make the committed tries, roots and proofs");

  const other = path.join(folder, "other.json");
  output(program, ["vectors", other, String(seed)]);
  const vitest = path.join(root, "node_modules", "vitest", "vitest.mjs");
  output(process.execPath, [vitest, "run", "src/proof/nomt-crates.test.ts", "src/trie/nomt-crates.test.ts"], {
    cwd: root,
    env: { HOLDFAST_NOMT_CRATES: other },
  });
  passed(`tries that the crates made from seed ${seed} have the roots and proofs that ours have`);
}

/** Builds the program from what its lock file names, and gives its path. @param {string} folder */
function build(folder) {
  const fetched = run("cargo", ["fetch", "--locked"], { cwd: folder });
  assert.ok(!/--locked|checksum for/.test(fetched.stderr), fetched.stderr);
  if (fetched.status !== 0) throw new Skip(`its crates can't be had: ${lastLine(fetched.stderr)}`);
  const built = run("cargo", ["build", "--locked", "--offline", "--message-format=json"], { cwd: folder });
  const lacking = /linker `\w+` not found|requires rustc .*/.exec(built.stderr + built.stdout);
  if (lacking !== null) throw new Skip(lacking[0]);
  assert.equal(built.status, 0, built.stderr);
  for (const line of built.stdout.split("\n")) {
    if (!line.startsWith("{")) continue;
    const { executable } = JSON.parse(line);
    if (typeof executable === "string") return executable;
  }
  throw new Error("cargo names no executable");
}
