/** The versions of the peers, from where they are pinned. */
import fs from "node:fs";
import path from "node:path";

const BENCH = path.resolve(import.meta.dirname, "..");

/**
 * @param {string | undefined} from as in `facts.mjs`: a package of npm, `go:` a module, or `rust:` a crate
 * @returns {string} empty where there is none
 */
export function versionOf(from) {
  if (from === undefined) return "";
  const [kind, name] = from.includes(":") ? /** @type {[string, string]} */ (from.split(":")) : ["npm", from];
  if (kind === "go") return lineOf("peers-go/go.mod", `\\t${escape(name)} v([^ \\n]+)`);
  if (kind === "rust") return lineOf("peers-rust/Cargo.toml", `^${escape(name)} = "=([^"]+)"`);
  for (const folder of [BENCH, path.dirname(BENCH)]) {
    const file = path.join(folder, "node_modules", name, "package.json");
    if (fs.existsSync(file)) return JSON.parse(fs.readFileSync(file, "utf8")).version;
  }
  return "";
}

/**
 * @param {string} file
 * @param {string} pattern
 */
function lineOf(file, pattern) {
  return new RegExp(pattern, "m").exec(fs.readFileSync(path.join(BENCH, file), "utf8"))?.[1] ?? "";
}

/** @param {string} text */
function escape(text) {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
