/**
 * Packs the package, bundles `holdfast/proof` out of the tarball for the browser, and verifies proofs with the bundle where there is nothing of
 * Node: in a context that has the language's own objects alone, and may not compile WebAssembly or texts.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { createContext, runInContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = path.resolve(import.meta.dirname, "..");
const folder = mkdtempSync(path.join(tmpdir(), "holdfast-browser-"));
/** What a bundle may be made of: the program, this package, and hash functions in plain JavaScript. */
const ALLOWED = /(^|\/)program\.js$|\/node_modules\/(holdfast\/dist|@noble\/hashes)\//;
/** What a bundle with one hash function may weigh, minified. */
const BYTES_MAX = 40_960;

/** The program that runs in the bundle. `vectors` are those of the tests, as JSON. */
const program = `
import { decodeMultiProof, decodePathProof, encodeMultiProof, encodePathProof, multiProofOf, pathOf, verifyMultiProof, verifyPathProof,
  verifyUpdate } from "holdfast/proof";
import { blake3, keccak256, sha256 } from "holdfast/hash";

const bytes = (hex) => Uint8Array.from({ length: hex.length / 2 }, (_, at) => parseInt(hex.slice(2 * at, 2 * at + 2), 16));
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const value = bytes("e803000000000000");

export function answers(vectors) {
  const { accountPaths, hashers } = JSON.parse(vectors);
  const all = [];
  for (const hasher of [blake3, sha256, keccak256]) {
    const { root: rootHex, proofs } = hashers[hasher.name].tenAccounts;
    const root = bytes(rootHex);
    const made = [];
    for (const id of ["0", "3", "7"]) {
      const { terminal, siblings } = proofs[id];
      const leaf = { kind: "leaf", key: bytes(terminal.leaf.key), valueHash: bytes(terminal.leaf.valueHash) };
      const proof = decodePathProof(encodePathProof({ terminal: leaf, siblings: siblings.map(bytes) }));
      const key = bytes(accountPaths[id]);
      made.push(proof);
      all.push(verifyPathProof({ root, hasher, key, value, proof }) === true);
      all.push(verifyPathProof({ root, hasher, key, value: undefined, proof }) === false);
      all.push(verifyPathProof({ root, hasher, key, value: value.slice(1), proof }) === false);
      all.push(verifyPathProof({ root: key, hasher, key, value, proof }) === false);
    }
    const proof = decodeMultiProof(encodeMultiProof(multiProofOf(made)));
    const claims = ["0", "3", "7"].map((id) => ({ key: bytes(accountPaths[id]), value }));
    all.push(verifyMultiProof({ root, hasher, proof, claims }) === true);
    all.push(verifyMultiProof({ root, hasher, proof, claims: [{ ...claims[0], value: undefined }] }) === false);
    all.push(hex(verifyUpdate({ root, hasher, proof, updates: claims })) === rootHex);
    all.push(hex(verifyUpdate({ root, hasher, proof, updates: [{ ...claims[0], value: undefined }] })) !== rootHex);
    try {
      decodePathProof(bytes("00"));
      all.push(false);
    } catch (error) {
      all.push(error.code === "HF_FORMAT_UNKNOWN");
    }
    all.push(pathOf(root, 0).every((byte) => byte === 0));
  }
  return JSON.stringify(all);
}
`;

try {
  /** @type {{ filename: string }[]} */
  const [tarball] = JSON.parse(
    execFileSync("npm", ["pack", "--json", "--pack-destination", folder], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    }),
  );
  if (tarball === undefined) throw new Error("npm pack made nothing");
  const installed = path.join(folder, "node_modules", "holdfast");
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["-xzf", path.join(folder, tarball.filename), "-C", installed, "--strip-components=1"]);

  writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name: "stranger", private: true, type: "module" }));

  const whole = await bundle(program);
  const vectors = readFileSync(path.join(root, "test", "fixtures", "nomt", "vectors.json"), "utf8");
  const context = createContext(Object.create(null), { codeGeneration: { strings: false, wasm: false } });
  runInContext(whole, context, { filename: "bundle.js" });
  context["vectors"] = vectors;
  /** @type {boolean[]} */
  const answers = JSON.parse(runInContext("bundle.answers(vectors)", context));
  const wrong = answers.flatMap((right, at) => (right ? [] : [at]));
  if (answers.length === 0 || wrong.length > 0)
    throw new Error(`wrong answers of ${answers.length}: ${wrong.join(", ")}`);
  console.log(`run without Node, WebAssembly or eval: ${answers.length} answers, all right`);
  tell("proofs with all three hash functions", whole);

  const small = await bundle(`
import { decodePathProof, verifyPathProof } from "holdfast/proof";
import { blake3 } from "holdfast/hash";
export const verify = (root, key, value, bytes) => verifyPathProof({ root, key, value, proof: decodePathProof(bytes), hasher: blake3 });`);
  const bytes = tell("one key's proof with BLAKE3", small);
  if (bytes > BYTES_MAX) throw new Error(`the small bundle has ${bytes} bytes, more than ${BYTES_MAX}`);
} finally {
  rmSync(folder, { recursive: true });
}

/**
 * The text of a program with what it uses of the package, for the browser.
 * @param {string} contents
 */
async function bundle(contents) {
  const result = await build({
    stdin: { contents, resolveDir: folder, sourcefile: "program.js" },
    bundle: true,
    platform: "browser",
    format: "iife",
    globalName: "bundle",
    target: "es2022",
    minify: true,
    write: false,
    metafile: true,
    outfile: "bundle.js",
    // The package's dependencies are this repository's.
    nodePaths: [path.join(root, "node_modules")],
    logLevel: "warning",
  });
  const inputs = Object.entries(result.metafile.inputs);
  const foreign = inputs.map(([file]) => file).filter((file) => !ALLOWED.test(file));
  const imported = inputs.flatMap(([, { imports }]) => imports.map(({ path: to }) => to));
  const outside = imported.filter((name) => name.startsWith("node:") || builtinModules.includes(name));
  if (foreign.length + outside.length > 0)
    throw new Error(`the bundle leads to ${[...foreign, ...outside].join(", ")}`);
  return result.outputFiles[0]?.text ?? "";
}

/**
 * @param {string} what
 * @param {string} text
 */
function tell(what, text) {
  console.log(`${what}: ${text.length} bytes minified, ${gzipSync(text).length} compressed`);
  return text.length;
}
