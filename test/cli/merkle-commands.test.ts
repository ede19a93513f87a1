/** inspect and verify of Merkle stores: what they print, what they leave, and how they end. */
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toHex } from "../../src/base/index.js";
import { memoryEngine } from "../../src/engine/index.js";
import { sha256 } from "../../src/hash/index.js";
import { Log } from "../../src/log/index.js";
import { MerkleStore, type MerkleStoreOptions } from "../../src/trie/index.js";
import { capture } from "./captured-terminal.js";

const options: MerkleStoreOptions = { engine: memoryEngine(), hasher: sha256, pages: { capacity: 64 } };
const key = (n: number): Uint8Array => sha256.hash(Uint8Array.of(n));
let root: string;
let directory: string;
let hash: string;

async function commit(store: MerkleStore, count: number): Promise<void> {
  const session = store.begin();
  for (let n = 0; n < count; n++) session.put(key(n), Uint8Array.of(n));
  await session.commit();
}

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "holdfast-cli-test-"));
  directory = path.join(root, "accounts");
  const store = await MerkleStore.open(directory, options);
  await commit(store, 3);
  await commit(store, 30);
  hash = toHex(store.root);
  await store.close();
});

afterEach(() => rm(root, { recursive: true, force: true }));

async function contents(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const name of (await readdir(directory, { recursive: true })).toSorted())
    files.set(name, await readFile(path.join(directory, name), "hex").catch(() => "directory"));
  return files;
}

describe("inspect of a Merkle store", () => {
  it("prints one JSON document, and changes nothing", async () => {
    const before = await contents();
    const { exitCode, err, json } = await capture(["inspect", directory, "--json"]);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    expect(json()).toMatchObject({ kind: "merkle", directory, engine: "memory", hasher: "sha256", foreign: [] });
    expect(json()).toMatchObject({ pages: { capacity: 64, table: "table-0000000000000001", problems: [] } });
    expect(await contents()).toEqual(before);
  });

  it("tells of a checkpoint and its root, once there is one", async () => {
    const store = await MerkleStore.open(directory, options);
    await store.checkpoint();
    await store.close();
    const { out } = await capture(["inspect", directory]);
    expect(out).toContain("Merkle store of sha256");
    expect(out).toContain("commit 2");
    expect(out).toContain(hash);
  });

  it("names what is not the store's, and a log that can't be read", async () => {
    const [segment = ""] = (await readdir(path.join(directory, "pages", "log"))).filter((name) =>
      name.endsWith(".seg"),
    );
    await rm(path.join(directory, "pages", "log", segment));
    const { exitCode, out } = await capture(["inspect", directory]);
    expect(exitCode).toBe(1);
    expect(out).toContain("can't be read");
  });
});

describe("verify of a Merkle store", () => {
  it("checks values and pages up to the root", async () => {
    const { exitCode, out } = await capture(["verify", directory]);
    expect(exitCode).toBe(0);
    expect(out).toContain("sound");
    expect(out).toContain("30 keys");
    expect(out).toContain(hash);
    const { json } = await capture(["verify", directory, "--json"]);
    expect(json()).toMatchObject({ kind: "merkle", sound: true, sequence: 2, root: hash, keys: 30, problems: [] });
  });

  it("lists a value that is another, and exits with 1", async () => {
    const engine = memoryEngine();
    const database = (await engine.open(path.join(directory, "values")))!;
    const batch = database.batch();
    const row = Uint8Array.of(1, ...key(7));
    const stored = (await database.get(row))!.slice();
    stored[stored.length - 1]! ^= 1;
    batch.put(row, stored);
    await batch.write({ sync: true });
    await database.close();
    const store = await MerkleStore.open(directory, options);
    await store.checkpoint();
    await store.close();
    const { exitCode, json } = await capture(["verify", directory, "--json"]);
    expect(exitCode).toBe(1);
    expect(json()).toMatchObject({ sound: false, problemCount: 1, problems: [{ kind: "value" }] });
  });

  it("refuses a store whose commits are in a journal elsewhere", async () => {
    const journal = await Log.open(path.join(root, "journal"));
    const other = path.join(root, "other");
    const store = await MerkleStore.open(other, { ...options, journal });
    await commit(store, 2);
    await store.close();
    await journal.close();
    const { exitCode, err } = await capture(["verify", other]);
    expect(exitCode).not.toBe(0);
    expect(err).toContain("no log of its own");
  });
});
