/** The command as a user runs it: a process of its own, from JavaScript files. */
import { spawn } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import path from "node:path";
import { build } from "esbuild";

/** The compiled command. */
export interface CompiledCli {
  readonly main: string;
  run(words: readonly string[], options?: RunOptions): Promise<ProcessResult>;
  remove(): Promise<void>;
}

/** How to run it. */
export interface RunOptions {
  readonly cwd?: string;
  /** Called with all of stdout or stderr so far, each time more arrives; what it returns is sent to the process as a signal. */
  readonly onOutput?: (out: string, err: string) => NodeJS.Signals | undefined;
}

/** What came out of it. */
export interface ProcessResult {
  readonly exitCode: number | null;
  readonly out: string;
  readonly err: string;
}

/** Turns the sources into JavaScript, file by file, in a new directory inside the repository, where packages resolve. */
export async function compileCli(): Promise<CompiledCli> {
  const root = path.resolve(".");
  await mkdir(path.join(root, ".tmp"), { recursive: true });
  const directory = await mkdtemp(path.join(root, ".tmp", "cli-"));
  const sources = (await readdir(path.join(root, "src"), { recursive: true }))
    .filter(
      (name) =>
        name.endsWith(".ts") && !name.endsWith(".d.ts") && !name.endsWith(".test.ts") && !name.endsWith(".contract.ts"),
    )
    .map((name) => path.join(root, "src", name));
  await build({
    entryPoints: sources,
    outdir: path.join(directory, "dist"),
    outbase: path.join(root, "src"),
    format: "esm",
    platform: "node",
    target: "node20",
    logLevel: "warning",
  });
  await copyFile(path.join(root, "package.json"), path.join(directory, "package.json"));
  const main = path.join(directory, "dist", "cli", "main.js");
  return {
    main,
    run: (words, options) => runProcess(main, words, options),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

function runProcess(
  main: string,
  words: readonly string[],
  { cwd, onOutput }: RunOptions = {},
): Promise<ProcessResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...words], {
      stdio: ["ignore", "pipe", "pipe"],
      ...(cwd === undefined ? {} : { cwd }),
    });
    const text = { out: "", err: "" };
    const listen = (name: "out" | "err", stream: NodeJS.ReadableStream): void => {
      stream.setEncoding("utf8");
      stream.on("data", (more: string) => {
        text[name] += more;
        const signal = onOutput?.(text.out, text.err);
        if (signal !== undefined) child.kill(signal);
      });
    };
    listen("out", child.stdout);
    listen("err", child.stderr);
    child.on("error", reject);
    child.on("close", (exitCode) => {
      resolve({ exitCode, ...text });
    });
  });
}
