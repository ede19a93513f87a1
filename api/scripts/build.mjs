/**
 * Writes `docs/api`: a page for each import path of the package, made from the declarations in `dist`, which have the docstrings. With `--check` it
 * writes nothing and fails where what it would write differs from what is there.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Application } from "typedoc";

const root = path.resolve(import.meta.dirname, "../..");
const target = path.join(root, "docs", "api");
/** @type {{ exports: Record<string, string> }} */
const { exports } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
const parts = Object.keys(exports)
  .filter((subpath) => /^\.\/[a-z]+$/.test(subpath))
  .map((subpath) => subpath.slice(2));

execFileSync(process.execPath, [path.join(root, "scripts", "build.mjs"), "--if-needed"], { stdio: "inherit" });
const pages = await makePages();
if (process.argv.includes("--check")) {
  const stale = [...pages].filter(([name, text]) => readPage(name) !== text).map(([name]) => name);
  const extra = existsSync(target) ? readdirSync(target).filter((name) => !pages.has(name)) : [];
  if (stale.length + extra.length > 0) {
    console.log(
      `docs/api is not what the docstrings give: ${[...stale, ...extra].join(", ")}. Run npm run build --prefix api.`,
    );
    process.exitCode = 1;
  } else console.log(`docs/api is what the docstrings give: ${pages.size} pages`);
} else {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  for (const [name, text] of pages) writeFileSync(path.join(target, name), text);
  console.log(`wrote ${pages.size} pages to docs/api`);
}

/** @param {string} name */
function readPage(name) {
  const file = path.join(target, name);
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

/** @returns {Promise<Map<string, string>>} file names with their texts */
async function makePages() {
  const out = mkdtempSync(path.join(tmpdir(), "holdfast-api-"));
  try {
    /** Options of the plugin, which typedoc's own types do not know. */
    const markdown = {
      hidePageHeader: true,
      hideBreadcrumbs: true,
      useCodeBlocks: true,
      expandParameters: true,
      parametersFormat: "table",
      interfacePropertiesFormat: "table",
      classPropertiesFormat: "table",
      typeAliasPropertiesFormat: "table",
      typeDeclarationFormat: "table",
      propertyMembersFormat: "table",
      tableColumnSettings: { hideModifiers: true, hideSources: true },
    };
    const app = await Application.bootstrapWithPlugins({
      tsconfig: path.join(root, "api", "tsconfig.json"),
      // The root last: what it exports is described by the part that has it, and listed there as such.
      entryPoints: [...parts, ""].map((part) => path.join(root, "dist", part, "index.d.ts")),
      plugin: ["typedoc-plugin-markdown"],
      readme: "none",
      router: "module",
      disableSources: true,
      excludePrivate: true,
      excludeInternal: true,
      excludeExternals: true,
      logLevel: "Error",
      sort: ["kind", "alphabetical"],
      ...markdown,
    });
    const project = await app.convert();
    if (project === undefined) throw new Error("the declarations could not be read");
    await app.outputs.writeOutput({ name: "markdown", path: out }, project);
    const texts = new Map([["README.md", contents()]]);
    for (const part of [...parts, "index"])
      texts.set(pageOf(part), finish(part, readFileSync(path.join(out, `${part}.md`), "utf8")));
    return mended(texts);
  } finally {
    rmSync(out, { recursive: true });
  }
}

/** @param {string} part */
function pageOf(part) {
  return part === "index" ? "holdfast.md" : `${part}.md`;
}

/** @param {string} part */
function importOf(part) {
  return part === "index" ? "holdfast" : `holdfast/${part}`;
}

/**
 * The page's own title, and nothing that its code blocks say already.
 * @param {string} part @param {string} text
 */
function finish(part, text) {
  const finished = text
    .replace(/^# .*$/m, `# \`${importOf(part)}\``)
    .replaceAll(/^#+ (?:Get|Set) Signature\n\n/gm, "")
    .replaceAll(/^#+ Returns\n\n[^\n]+\n\n?(?=#|\*\*\*|$)/gm, "")
    .replaceAll(/^#+ Parameters\n\n\| Parameter \| Type \|\n(?:\|.*\n)+\n?/gm, "")
    .replaceAll(/ {2}\n(?= )| +$/gm, (spaces) => (spaces.endsWith("\n") ? "\n" : ""))
    .replaceAll(/(?<=\| )- (?=\|)/g, "")
    .replaceAll(/^### .*\n\nRe-exports (.*)\n(?:\n\*\*\*\n\n?)?/gm, "- $1\n")
    .replace("## References\n", "## Described elsewhere\n")
    .replaceAll("(index.md", "(holdfast.md")
    .replaceAll(/\n{3,}/g, "\n\n")
    .trimEnd();
  return `<!-- Written by npm run build --prefix api from the docstrings. -->\n\n${finished}\n`;
}

/**
 * Some types are counted twice when their anchors are numbered. A link to a second heading that is not there leads to the first.
 * @param {Map<string, string>} texts
 */
function mended(texts) {
  /** @param {string} page */
  const headings = (page) =>
    [...(texts.get(page) ?? "").matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => heading.toLowerCase());
  const all = new Map([...texts.keys()].map((page) => [page, headings(page)]));
  return new Map(
    [...texts].map(([page, text]) => [
      page,
      text.replaceAll(/\]\(([a-z]+\.md)?#([a-z]+)-1\)/g, (link, to = page, name) =>
        (all.get(to) ?? []).filter((heading) => heading === name).length === 1 ? link.replace("-1)", ")") : link,
      ),
    ]),
  );
}

function contents() {
  const lines = ["", ...parts].map((part) => {
    const name = part === "" ? "index" : part;
    return `- [\`${importOf(name)}\`](${pageOf(name)})`;
  });
  return [
    "# Reference",
    "",
    "Every public name with its types, made from the docstrings. The guides in [docs](../architecture.md) and the [README](../../README.md) say how things work together.",
    "",
    ...lines,
    "",
  ].join("\n");
}
