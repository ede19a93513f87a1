/**
 * Writes the generated sources of `src/hash`. With `--check` it writes nothing and fails where what it would write differs from what is there.
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import asc from "assemblyscript/asc";
import { compressSource } from "./compress.mjs";
import { unrolledSource } from "./unrolled.mjs";

const root = path.resolve(import.meta.dirname, "../..");
const assembly = path.resolve(import.meta.dirname, "../assembly");
const LINE_CHARACTERS = 116;

const outputs = {
  "src/hash/compress.generated.ts": compressSource(),
  "src/hash/kernel/simd-module.generated.ts": moduleSource(await compile()),
};

let stale = 0;
for (const [file, text] of Object.entries(outputs)) {
  const to = path.join(root, file);
  if (!process.argv.includes("--check")) {
    writeFileSync(to, text);
    console.log(`wrote ${file}`);
  } else if (readFileSync(to, "utf8") === text) {
    console.log(`${file} is what its sources give`);
  } else {
    console.log(`${file} is not what its sources give. Run \`npm run build\` in kernel/.`);
    stale++;
  }
}
process.exitCode = stale === 0 ? 0 : 1;

/** @returns {Promise<Uint8Array>} the WebAssembly module */
async function compile() {
  /** @type {Record<string, string>} */
  const sources = { "unrolled.ts": unrolledSource() };
  for (const name of ["layout.ts", "lt-hash.ts"]) sources[name] = readFileSync(path.join(assembly, name), "utf8");
  /** @type {Uint8Array | undefined} */
  let binary;
  let problems = "";
  const options = "--outFile lt-hash.wasm --bindings none --runtime stub --use abort= --enable simd --noAssert -O3";
  const { error } = await asc.main(
    ["lt-hash.ts", ...options.split(" "), "--initialMemory", "1", "--maximumMemory", "1"],
    {
      readFile: (name) => sources[name] ?? null,
      writeFile: (_name, contents) => {
        if (typeof contents !== "string") binary = contents;
      },
      listFiles: () => [],
      stderr: {
        write: (text) => {
          problems += String(text);
        },
      },
    },
  );
  if (error !== null || binary === undefined) throw new Error(`The kernel does not compile.\n${problems}`);
  return binary;
}

/** @param {Uint8Array} binary */
function moduleSource(binary) {
  const text = Buffer.from(binary).toString("base64");
  const lines = text.match(new RegExp(`.{1,${LINE_CHARACTERS}}`, "g")) ?? [];
  return `/** The SIMD kernel of LtHash. Written by \`npm run build\` in \`kernel/\`, from \`kernel/assembly\`. */

/** A WebAssembly module of ${binary.length} bytes, in base64. */
export const SIMD_MODULE: string =
${lines.map((line) => `  "${line}"`).join(" +\n")};
`;
}
