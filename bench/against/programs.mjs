/** The peers written in Go and Rust: built from what their lock files name, and asked in processes of their own, which print JSON. */
import { spawn } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import { Skip, lastLine, run } from "../../compat/tools.mjs";

const BENCH = path.resolve(import.meta.dirname, "..");
const ANSWER_MS_MAX = 300_000;

/** @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();

/** Ends whatever runs, for the end by a signal. */
export function killAll() {
  for (const child of running) child.kill("SIGKILL");
}

/**
 * @param {string} folder where the program goes
 * @returns {string} its path
 * @throws {Skip} where it can't be built here
 */
export function buildGo(folder) {
  const cwd = path.join(BENCH, "peers-go");
  // The machine's own Go or none: another one would be downloaded.
  const env = { GOTOOLCHAIN: "local", GOFLAGS: "-mod=readonly" };
  const program = path.join(folder, "peers-go");
  for (const args of [
    ["mod", "download"],
    ["build", "-o", program, "."],
  ]) {
    const { status, stderr } = run("go", args, { cwd, env });
    if (status !== 0) throw new Skip(`go ${args[0]} fails: ${lastLine(stderr)}`);
  }
  return program;
}

/**
 * @returns {string} the path of the program
 * @throws {Skip} where it can't be built here
 */
export function buildRust() {
  const cwd = path.join(BENCH, "peers-rust");
  const { status, stdout, stderr } = run(
    "cargo",
    ["build", "--release", "--locked", "--message-format=json-render-diagnostics"],
    { cwd },
  );
  if (status !== 0) throw new Skip(`cargo build fails: ${lastLine(stderr)}`);
  for (const line of stdout.split("\n")) {
    if (!line.startsWith("{")) continue;
    const { executable } = JSON.parse(line);
    if (typeof executable === "string") return executable;
  }
  throw new Skip("cargo names no executable");
}

/** A process that answers each line of its input with a line of JSON; one that it prints by itself comes first. */
export class Conversation {
  #child;
  #lines;
  #said = "";
  #ended = false;

  /**
   * @param {string} command
   * @param {readonly string[]} args
   */
  constructor(command, args) {
    this.#child = spawn(command, [...args], { stdio: ["pipe", "pipe", "pipe"] });
    running.add(this.#child);
    this.#child.once("close", () => {
      this.#ended = true;
      running.delete(this.#child);
    });
    this.#child.once("error", (error) => (this.#said += error.message));
    this.#child.stderr.setEncoding("utf8").on("data", (text) => (this.#said = (this.#said + text).slice(-4000)));
    // Input of a process that has ended goes nowhere; its missing answer is what counts.
    this.#child.stdin.on("error", () => {});
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  get pid() {
    return this.#child.pid ?? 0;
  }

  /** @returns {Promise<any>} what it prints next */
  async answer() {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), ANSWER_MS_MAX);
    const { value, done } = await this.#lines.next();
    clearTimeout(timer);
    if (done === true) {
      if (!this.#ended) await new Promise((resolve) => this.#child.once("close", resolve));
      const how = this.#child.signalCode ?? `code ${this.#child.exitCode}`;
      throw new Error(lastLine(this.#said) || `it ended with ${how} and said nothing`);
    }
    return JSON.parse(value);
  }

  /**
   * @param {string} line
   * @returns {Promise<any>}
   */
  ask(line) {
    this.#child.stdin.write(`${line}\n`);
    return this.answer();
  }

  /** Has it close what it opened, and waits for its end. */
  async close() {
    this.#child.stdin.end("close\n");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), ANSWER_MS_MAX);
    if (!this.#ended) await new Promise((resolve) => this.#child.once("close", resolve));
    clearTimeout(timer);
  }
}

/**
 * The one answer of a program that does one thing.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @returns {Promise<any>}
 */
export async function answerOf(program, args) {
  const conversation = new Conversation(program, args);
  const answer = await conversation.answer();
  await conversation.close();
  return answer;
}
