import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, it } from "vitest";
import { toHex } from "../base/index.js";
import { memoryEngine } from "../engine/index.js";
import { blake3, keccak256, sha256 } from "../hash/index.js";
import { Log } from "../log/index.js";
import { verifyMultiProof, verifyPathProof, verifyUpdate } from "../proof/index.js";
import { hex } from "../proof/naive-trie.contract.js";
import { accountPath, nomtVectors } from "../proof/nomt-vectors.contract.js";
import { FaultPlan, SimVfs } from "../vfs/index.js";
import { flipped, scattered } from "./keys.contract.js";
import { MerkleStore, type MerkleStoreOptions } from "./index.js";
import { DIRECTORY, type Model, changed, expectHolds, expectSound, openSmall } from "./small-merkle-store.contract.js";

const key = (name: string): Uint8Array => blake3.hash(new TextEncoder().encode(name));
const value = (text: string): Uint8Array => new TextEncoder().encode(text);
const ZEROS = "00".repeat(32);

async function put(store: MerkleStore, ...rows: (readonly [string, Uint8Array | undefined])[]): Promise<string> {
  const session = store.begin();
  for (const [name, bytes] of rows) {
    if (bytes === undefined) session.delete(key(name));
    else session.put(key(name), bytes);
  }
  return toHex((await session.commit()).root);
}

describe("a Merkle store", () => {
  it("commits, proves, and is the same after it was opened again", async () => {
    const vfs = new SimVfs();
    const store = await openSmall(vfs);
    expect(toHex(store.root)).toBe(ZEROS);
    expect(store.recovery).toEqual({ sequence: 0, redone: 0, created: true });
    const session = store.begin();
    for (let n = 0; n < 500; n++) session.put(key(`k${n}`), value(`v${n}`));
    expect(session.size).toBe(500);
    expect(await session.get(key("k3"))).toEqual(value("v3"));
    expect(await store.get(key("k3"))).toBeUndefined();
    const { root, sequence } = await session.commit();
    expect(sequence).toBe(1);
    expect(store.root).toEqual(root);
    expect(await store.get(key("k3"))).toEqual(value("v3"));
    const proof = await store.prove(key("k3"));
    expect(verifyPathProof({ root, key: key("k3"), value: value("v3"), proof, hasher: blake3 })).toBe(true);

    const again = await openSmall(vfs.kill());
    expect(again.recovery).toEqual({ sequence: 1, redone: 1, created: false });
    expect(again.root).toEqual(root);
    expect(await again.get(key("k499"))).toEqual(value("v499"));
    const absent = await again.prove(key("x"));
    expect(verifyPathProof({ root, key: key("x"), value: undefined, proof: absent, hasher: blake3 })).toBe(true);
    await again.close();
  });

  it("has the roots that nomt publishes, up and down, whatever is opened again in between", async () => {
    const { published } = nomtVectors;
    const balance = Uint8Array.of(0xe8, 0x03, 0, 0, 0, 0, 0, 0);
    let vfs = new SimVfs();
    let store = await openSmall(vfs);
    const hundred = async (from: number, bytes: Uint8Array | undefined): Promise<string> => {
      const session = store.begin();
      for (let n = from; n < from + 100; n++) {
        if (bytes === undefined) session.delete(hex(accountPath(n)));
        else session.put(hex(accountPath(n)), bytes);
      }
      return toHex((await session.commit()).root);
    };
    for (let count = 100; count <= 1000; count += 100)
      expect(await hundred(count - 100, balance)).toBe(published.roots[count]);
    await store.close();
    vfs = vfs.powerCut();
    store = await openSmall(vfs);
    for (let count = 900; count >= 0; count -= 100)
      expect(await hundred(count, undefined)).toBe(published.roots[count]);
    expect(await store.verify()).toMatchObject({ sound: true, keys: 0, pages: 0 });
    await store.close();
  });

  it.each([sha256, keccak256])("computes nodes and value hashes with $name where it was made so", async (hasher) => {
    const vfs = new SimVfs();
    const vectors = nomtVectors.hashers[hasher.name];
    const store = await openSmall(vfs, { hasher });
    const session = store.begin();
    session.put(new Uint8Array(32), Uint8Array.of(1, 2, 3));
    session.put(new Uint8Array(32).fill(1), Uint8Array.of(1, 2, 3));
    expect(toHex((await session.commit()).root)).toBe(vectors.twoKeysRoot);
    await store.close();
    const again = await openSmall(vfs, { hasher });
    expect(again.hasher.name).toBe(hasher.name);
    await again.close();
    await expect(openSmall(vfs)).rejects.toMatchObject({ code: "HF_OPTION_MISMATCH" });
  });

  it("proves many keys at once, and what a commit read and changed", async () => {
    const store = await openSmall(new SimVfs());
    await put(store, ...Array.from({ length: 200 }, (_, n) => [`k${n}`, value(`v${n}`)] as const));
    const keys = Array.from({ length: 40 }, (_, n) => key(`k${n * 9}`));
    const values = await store.getMany(keys);
    const claims = keys.map((each, at) => ({ key: each, value: values[at] }));
    const proof = await store.proveMany(keys);
    expect(verifyMultiProof({ root: store.root, proof, claims, hasher: blake3 })).toBe(true);

    const session = store.begin();
    await session.get(key("k1"));
    await session.get(key("nobody"));
    session.delete(key("k2"));
    session.put(key("k300"), new Uint8Array(3000));
    session.put(key("k4"), value("other"));
    const { witness, root } = await session.commit({ witness: true });
    const { before, reads, writes } = witness!;
    expect(reads).toEqual([
      { key: key("k1"), valueHash: blake3.hash(value("v1")) },
      { key: key("nobody"), value: undefined },
    ]);
    const trust = { root: before, proof: witness!.proof!, hasher: blake3 };
    expect(verifyMultiProof({ ...trust, claims: reads })).toBe(true);
    expect(verifyUpdate({ ...trust, updates: writes })).toEqual(root);
    expect(writes).toHaveLength(3);
    expect(await store.begin().commit({ witness: true })).toMatchObject({ sequence: 3, witness: { proof: undefined } });
    await store.close();
  });

  it("keeps values of any length, and nothing of a large one that went", async () => {
    const vfs = new SimVfs();
    const store = await openSmall(vfs);
    const large = new Uint8Array(512 * 1024).fill(9);
    let model: Model = new Map();
    const commit = async (...rows: (readonly [string, Uint8Array | undefined])[]): Promise<void> => {
      await put(store, ...rows);
      model = changed(
        model,
        rows.map(([name, bytes]) => [key(name), bytes]),
      );
      await expectSound(store, model);
    };
    await commit(
      ["empty", new Uint8Array(0)],
      ["edge", new Uint8Array(1024)],
      ["beyond", new Uint8Array(1025)],
      ["large", large],
    );
    await commit(["large", value("small now")], ["empty", large]);
    await commit(["beyond", undefined], ["empty", new Uint8Array(0)]);
    await store.close();
    const again = await openSmall(vfs.powerCut());
    await expectSound(again, model);
    expect(await again.get(key("large"))).toEqual(value("small now"));
    await again.close();
  });

  it("takes two keys that differ in their last bit, and parts them again", async () => {
    const vfs = new SimVfs();
    const store = await openSmall(vfs);
    const one = scattered(7);
    const other = flipped(one, 255);
    const session = store.begin();
    session.put(one, value("one"));
    session.put(other, value("other"));
    await session.commit();
    const model = changed(new Map(), [
      [one, value("one")],
      [other, value("other")],
    ]);
    await expectSound(store, model);
    await store.close();
    const again = await openSmall(vfs);
    await expectHolds(again, model, [one, other, flipped(one, 254), flipped(one, 0)]);
    const next = again.begin();
    next.delete(one);
    await next.commit();
    await expectSound(again, changed(model, [[one, undefined]]));
    expect(again.stats().pages.pages).toBe(0);
    await again.close();
  });

  it("fills and empties", async () => {
    const store = await openSmall(new SimVfs());
    const names = Array.from({ length: 4096 }, (_, n) => `key ${n}`);
    await put(store, ...names.map((name) => [name, new Uint8Array(400)] as const));
    expect(await store.verify()).toMatchObject({ sound: true, keys: 4096 });
    expect(store.stats().pages.pages).toBe((await store.verify()).pages);
    expect(await put(store, ...names.map((name) => [name, undefined] as const))).toBe(ZEROS);
    expect(await store.verify()).toMatchObject({ sound: true, keys: 0, pages: 0 });
    await store.close();
  });

  it("shows readers the committed state only, while a commit is on its way and while pages and values are read cold", async () => {
    const vfs = new SimVfs();
    const store = await openSmall(vfs, {
      pages: { capacity: 16, cache: { bytes: 0, pinnedDepth: 0 }, checkpoint: "every-commit" },
    });
    const names = Array.from({ length: 100 }, (_, n) => `k${n}`);
    const old = await put(store, ...names.map((name) => [name, value("old")] as const));
    const session = store.begin();
    for (const name of names) session.put(key(name), value("new"));
    let committed = false;
    const committing = session.commit().then(() => (committed = true));
    let seen = 0;
    while (!committed) {
      const wasOld = toHex(store.root) === old;
      const proof = await store.prove(key("k5"));
      const root = toHex(store.root);
      const bytes = await store.get(key("k5"));
      if (!wasOld) expect(bytes).toEqual(value("new"));
      if (toHex(store.root) === old) expect(bytes).toEqual(value("old"));
      const claim = { key: key("k5"), proof, hasher: blake3 };
      // The proof is of the root that was there when it was asked for, or of the next one.
      const isOld = verifyPathProof({ ...claim, root: hex(old), value: value("old") });
      expect(isOld || verifyPathProof({ ...claim, root: hex(root), value: value("new") })).toBe(true);
      seen++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await committing;
    expect(seen).toBeGreaterThan(1);
    await store.close();
  });

  it("tells of openings and commits", async () => {
    const messages: unknown[] = [];
    const listen = (message: unknown): void => void messages.push(message);
    subscribe("holdfast:trie:open", listen);
    subscribe("holdfast:trie:commit", listen);
    const store = await openSmall(new SimVfs());
    await put(store, ["a", value("1")], ["b", value("2")]);
    await store.close();
    unsubscribe("holdfast:trie:open", listen);
    unsubscribe("holdfast:trie:commit", listen);
    expect(messages).toMatchObject([
      { directory: DIRECTORY, recovery: { created: true } },
      { directory: DIRECTORY, sequence: 1, keys: 2, undone: 0 },
    ]);
  });
});

describe("sessions", () => {
  it("are refused once another commit was made, their reads too", async () => {
    const store = await openSmall(new SimVfs());
    await put(store, ["a", value("1")]);
    const [first, second] = [store.begin(), store.begin()];
    first.put(key("a"), value("2"));
    second.put(key("a"), value("3"));
    const both = await Promise.allSettled([first.commit(), second.commit()]);
    expect(both[0]).toMatchObject({ status: "fulfilled" });
    expect(both[1]).toMatchObject({ status: "rejected", reason: { code: "HF_STALE_SESSION" } });
    await expect(second.get(key("b"))).rejects.toMatchObject({ code: "HF_STALE_SESSION" });
    expect(() => second.put(key("b"), value(""))).toThrow(expect.objectContaining({ code: "HF_STALE_SESSION" }));
    second.discard();
    await expect(second.commit()).rejects.toMatchObject({ code: "HF_CLOSED" });
    expect(await store.get(key("a"))).toEqual(value("2"));
    await store.close();
  });

  it("can't be used while they are committed, nor afterwards", async () => {
    const store = await openSmall(new SimVfs());
    const session = store.begin();
    session.put(key("a"), value("1"));
    const committing = session.commit();
    expect(() => session.put(key("a"), value("2"))).toThrow(expect.objectContaining({ code: "HF_BUSY" }));
    session.discard();
    await committing;
    await expect(session.commit()).rejects.toMatchObject({ code: "HF_CLOSED" });
    await expect(session.get(key("a"))).rejects.toMatchObject({ code: "HF_CLOSED" });
    await store.close();
  });

  it("copy what they are given", async () => {
    const store = await openSmall(new SimVfs());
    const session = store.begin();
    const [name, bytes] = [key("a"), value("1")];
    session.put(name, bytes);
    name.fill(0);
    bytes.fill(0);
    await session.commit();
    expect(await store.get(key("a"))).toEqual(value("1"));
    await store.close();
  });

  it("may change nothing, and are a commit all the same", async () => {
    const vfs = new SimVfs();
    const store = await openSmall(vfs);
    const root = await put(store, ["a", value("1")]);
    expect(await put(store)).toBe(root);
    expect(await put(store, ["b", undefined])).toBe(root);
    expect(store.sequence).toBe(3);
    await store.close();
    const again = await openSmall(vfs.kill());
    expect(again.sequence).toBe(3);
    await again.close();
  });

  it("go on where the journal can't take a commit as one batch", async () => {
    const vfs = new SimVfs();
    const store = await openSmall(vfs, { log: { segmentBytes: 64 * 1024 } });
    const root = await put(store, ["a", value("1")]);
    const session = store.begin();
    for (let n = 0; n < 100; n++) session.put(key(`k${n}`), new Uint8Array(1000));
    await expect(session.commit()).rejects.toMatchObject({ code: "HF_BATCH_TOO_LARGE" });
    expect(toHex(store.root)).toBe(root);
    expect(() => session.put(key("k"), new Uint8Array(1 << 20))).toThrow(
      expect.objectContaining({ code: "HF_VALUE_TOO_LARGE" }),
    );
    for (let n = 10; n < 100; n++) session.delete(key(`k${n}`));
    await session.commit();
    expect(await store.verify()).toMatchObject({ sound: true, keys: 11 });
    await store.close();
  });
});

describe("rollback", () => {
  const rollback = { commits: 10 };

  it("goes back to what nomt has there: nothing", async () => {
    const { key: name, value: bytes, root } = nomtVectors.published.oneKey;
    const store = await openSmall(new SimVfs(), { rollback });
    const session = store.begin();
    session.put(hex(name), hex(bytes));
    expect(toHex((await session.commit()).root)).toBe(root);
    expect(await store.rollback(1)).toEqual({ root: new Uint8Array(32), sequence: 2 });
    expect(store.stats().undoableCommits).toBe(0);
    await store.close();
  });

  it("undoes commits all at once, one by one, and several at a time, with the same roots, also after opening again", async () => {
    const states: Model[] = [new Map()];
    const history: (readonly [string, Uint8Array | undefined])[][] = Array.from({ length: 8 }, (_, n) => [
      [`k${n}`, value(`v${n}`)],
      [`k${n >> 1}`, n % 3 === 0 ? undefined : new Uint8Array(n * 700)],
      ["always", value(String(n))],
    ]);
    for (const rows of history)
      states.push(
        changed(
          states.at(-1)!,
          rows.map(([name, bytes]) => [key(name), bytes]),
        ),
      );
    for (const steps of [[8], [1, 1, 1, 1, 1, 1, 1, 1], [2, 2, 2, 2], [3, 5]]) {
      let vfs = new SimVfs();
      let store = await openSmall(vfs, { rollback });
      for (const rows of history) await put(store, ...rows);
      let at = history.length;
      for (const step of steps) {
        vfs = vfs.kill();
        store = await openSmall(vfs, { rollback });
        expect(store.stats().undoableCommits).toBe(at);
        await store.rollback(step);
        at -= step;
        await expectSound(store, states[at]!);
      }
      await store.close();
    }
  });

  it("goes on from where it went back to, and undoes no rollback", async () => {
    const vfs = new SimVfs();
    let store = await openSmall(vfs, { rollback });
    for (let n = 0; n < 5; n++) await put(store, ["a", value(String(n))]);
    await store.rollback(3);
    await put(store, ["a", value("again")]);
    await store.close();
    store = await openSmall(vfs, { rollback });
    expect(store.stats().undoableCommits).toBe(3);
    await store.rollback(1);
    expect(await store.get(key("a"))).toEqual(value("1"));
    await store.rollback(1);
    expect(await store.get(key("a"))).toEqual(value("0"));
    await expect(store.rollback(2)).rejects.toMatchObject({ code: "HF_VERSION_OUT_OF_RANGE" });
    await expect(store.rollback(0)).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    expect(store.sequence).toBe(9);
    await store.close();
  });

  it("reaches as far as the option says, and the journal is kept no longer than that", async () => {
    const vfs = new SimVfs();
    const journal = await Log.open("/journal", { vfs, segmentBytes: 64 * 1024 });
    const options: MerkleStoreOptions = { rollback: { commits: 3 }, journal };
    let store = await openSmall(vfs, options);
    const firsts: number[] = [];
    for (let n = 0; n < 12; n++) {
      await put(store, ["a", new Uint8Array(20_000).fill(n)]);
      await store.checkpoint();
      firsts.push(journal.firstLsn);
    }
    expect(firsts.at(-1)).toBeGreaterThan(firsts[4]!);
    expect(journal.lastLsn - firsts.at(-1)!).toBeLessThan(4 * 8);
    await store.close();
    store = await openSmall(vfs, options);
    expect(store.stats().undoableCommits).toBe(3);
    await expect(store.rollback(4)).rejects.toMatchObject({ code: "HF_VERSION_OUT_OF_RANGE" });
    await store.rollback(3);
    expect(await store.get(key("a"))).toEqual(new Uint8Array(20_000).fill(8));
    await store.close();
    store = await openSmall(vfs, { journal });
    await put(store, ["a", value("not to be undone")]);
    await store.close();
    store = await openSmall(vfs, options);
    expect(store.stats().undoableCommits).toBe(0);
    await put(store, ["a", value("x")]);
    expect(store.stats().undoableCommits).toBe(1);
    await store.close();
    await journal.close();
  });
});

describe("opening", () => {
  const options = (vfs: SimVfs): MerkleStoreOptions => ({ vfs, engine: memoryEngine({ vfs }) });

  it("refuses what no store takes", async () => {
    const vfs = new SimVfs();
    const open = (more: object): Promise<MerkleStore> => MerkleStore.open(DIRECTORY, { ...options(vfs), ...more });
    await expect(open({ cache: 1 })).rejects.toMatchObject({ code: "HF_UNKNOWN_OPTION" });
    await expect(open({ pages: { owner: {} } })).rejects.toMatchObject({ code: "HF_UNKNOWN_OPTION" });
    await expect(open({ rollback: { commits: -1 } })).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    await expect(open({ rollback: { commits: 100_001 } })).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    await expect(open({ createIfMissing: false })).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    await expect(MerkleStore.open("", options(vfs))).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    const journal = await Log.open("/journal", { vfs });
    await expect(open({ journal, log: {} })).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    await journal.close();
    await vfs.makeDirectory("/other");
    await vfs.makeDirectory("/other/things");
    await expect(MerkleStore.open("/other", options(vfs))).rejects.toMatchObject({ code: "HF_FORMAT_UNKNOWN" });
    expect(vfs.openHandles()).toEqual([]);
  });

  it("refuses a second opener, and every call after close", async () => {
    const vfs = new SimVfs();
    const store = await openSmall(vfs);
    const session = store.begin();
    await expect(openSmall(vfs.otherProcess())).rejects.toMatchObject({ code: "HF_LOCKED" });
    await store.close();
    await store.close();
    expect(() => store.begin()).toThrow(expect.objectContaining({ code: "HF_CLOSED" }));
    for (const call of [
      store.get(key("a")),
      store.getMany([]),
      store.prove(key("a")),
      store.rollback(1),
      store.verify(),
      session.get(key("a")),
      session.commit(),
    ])
      await expect(call).rejects.toMatchObject({ code: "HF_CLOSED" });
  });

  it("refuses keys and values that are none", async () => {
    const store = await openSmall(new SimVfs());
    const session = store.begin();
    const bad = expect.objectContaining({ code: "HF_INVALID_ARGUMENT" });
    expect(() => session.put(new Uint8Array(31), value(""))).toThrow(bad);
    expect(() => session.put(key("a"), "text" as never)).toThrow(bad);
    expect(() => session.delete("text" as never)).toThrow(bad);
    await expect(session.get(new Uint8Array(0))).rejects.toEqual(bad);
    await expect(store.get(new Uint8Array(33))).rejects.toEqual(bad);
    await expect(store.getMany([new Uint8Array(33)])).rejects.toEqual(bad);
    await expect(store.proveMany([])).rejects.toEqual(bad);
    await expect(session.commit({ witnes: true } as never)).rejects.toMatchObject({ code: "HF_UNKNOWN_OPTION" });
    expect(await store.getMany([])).toEqual([]);
    await store.close();
  });

  it("takes values of another store, older values, and newer ones for what they are", async () => {
    const vfs = new SimVfs();
    const engine = memoryEngine({ vfs });
    const store = await openSmall(vfs);
    await put(store, ["a", value("1")]);
    await store.close();
    await engine.copy(`${DIRECTORY}/values`, "/older");
    const again = await openSmall(vfs);
    await put(again, ["a", value("2")]);
    await again.close();
    await engine.copy(`${DIRECTORY}/values`, "/newest");
    const other = await MerkleStore.open("/other", options(vfs));
    await other.close();

    const exchange = async (from: string): Promise<void> => {
      await engine.remove(`${DIRECTORY}/values`);
      await engine.copy(from, `${DIRECTORY}/values`);
    };
    await exchange("/older");
    await expect(openSmall(vfs)).rejects.toMatchObject({ code: "HF_CORRUPTION" });
    await exchange("/other/values");
    await expect(openSmall(vfs)).rejects.toMatchObject({ code: "HF_FORMAT_FOREIGN" });
    await engine.remove(`${DIRECTORY}/values`);
    await expect(openSmall(vfs)).rejects.toMatchObject({ code: "HF_CORRUPTION" });
    await engine.copy("/newest", `${DIRECTORY}/values`);
    const whole = await openSmall(vfs);
    expect(await whole.get(key("a"))).toEqual(value("2"));
    await whole.close();
    expect(vfs.openHandles()).toEqual([]);
  });

  it("takes a store that lost its anchor for no new one", async () => {
    for (const close of [true, false]) {
      let vfs = new SimVfs();
      const store = await openSmall(vfs);
      await put(store, ["a", value("1")]);
      if (close) await store.close();
      vfs = vfs.powerCut();
      const anchor = await vfs.open(`${DIRECTORY}/anchor`, { access: "read" });
      const bytes = new Uint8Array(await anchor.size());
      await anchor.read(bytes, 0);
      await anchor.close();
      await vfs.remove(`${DIRECTORY}/anchor`);
      await expect(openSmall(vfs)).rejects.toMatchObject({ code: "HF_CORRUPTION" });
      const restored = await vfs.open(`${DIRECTORY}/anchor`, { access: "read-write", create: "exclusive" });
      await restored.write(bytes, 0);
      await restored.close();
      const again = await openSmall(vfs);
      expect(await again.get(key("a"))).toEqual(value("1"));
      await again.close();
    }
  });
});

describe("damage", () => {
  /** A closed store of 300 keys, and one row of it changed behind its back. */
  async function damaged(change: (row: Uint8Array) => Uint8Array | undefined, name: string): Promise<SimVfs> {
    const vfs = new SimVfs();
    const store = await openSmall(vfs);
    await put(store, ...Array.from({ length: 300 }, (_, n) => [`k${n}`, value(`v${n}`)] as const));
    await store.close();
    const database = (await memoryEngine({ vfs }).open(`${DIRECTORY}/values`))!;
    const rowKey = Uint8Array.of(1, ...key(name));
    const batch = database.batch();
    const row = change((await database.get(rowKey))!);
    if (row === undefined) batch.delete(rowKey);
    else batch.put(rowKey, row);
    await batch.write({ sync: true });
    await database.close();
    return vfs;
  }

  it("of a value is an error for who reads it, and in the report", async () => {
    const vfs = await damaged((row) => row.with(34, 7), "k7");
    const store = await openSmall(vfs);
    await expect(store.get(key("k7"))).rejects.toMatchObject({ code: "HF_CORRUPTION" });
    await expect(store.getMany([key("k1"), key("k7")])).rejects.toMatchObject({ code: "HF_CORRUPTION" });
    expect(await store.get(key("k8"))).toEqual(value("v8"));
    expect(await store.verify()).toMatchObject({ sound: false, problemCount: 1, problems: [{ kind: "value" }] });
    await store.close();
  });

  it("of a value's hash, and a row that is gone, are errors for who proves or changes what is beside it, and nothing is changed", async () => {
    for (const change of [(row: Uint8Array): Uint8Array => row.with(5, row[5]! ^ 1), () => undefined]) {
      const vfs = await damaged(change, "k7");
      const store = await openSmall(vfs);
      const { root } = store;
      await expect(store.prove(key("k7"))).rejects.toMatchObject({ code: "HF_CORRUPTION" });
      const session = store.begin();
      session.put(key("k7"), value("new"));
      await expect(session.commit()).rejects.toMatchObject({ code: "HF_CORRUPTION" });
      expect(store.root).toEqual(root);
      expect(store.failure).toBeUndefined();
      const report = await store.verify();
      expect(report.sound).toBe(false);
      expect(report.problems.map(({ kind }) => kind)).toContain("leaves");
      expect(await store.verify({ problemsMax: 0 })).toMatchObject({ problems: [], sound: false });
      await store.close();
    }
  });

  it("that takes a row away, or puts an older one in its place, is not taken for what is there", async () => {
    const stale = Uint8Array.of(0, ...blake3.hash(value("older")), ...value("older"));
    for (const isLost of [true, false]) {
      const store = await openSmall(await damaged(() => (isLost ? undefined : stale), "k7"));
      if (isLost) await expect(store.get(key("k7"))).rejects.toMatchObject({ code: "HF_CORRUPTION" });
      else {
        // The hash in its row is right. It is only told apart once the leaves around it are known, and these do not fit.
        expect(await store.get(key("k7"))).toEqual(value("older"));
        await expect(store.prove(key("k7"))).rejects.toMatchObject({ code: "HF_CORRUPTION" });
      }
      expect(await store.get(key("k8"))).toEqual(value("v8"));
      expect(await store.get(key("absent"))).toBeUndefined();
      await store.close();
    }
  });

  it("that adds a row is in the report", async () => {
    const vfs = await damaged((row) => row, "k7");
    const database = (await memoryEngine({ vfs }).open(`${DIRECTORY}/values`))!;
    const batch = database.batch();
    batch.put(Uint8Array.of(2, ...key("k7")), value("nobody's"));
    await batch.write({ sync: true });
    await database.close();
    const store = await openSmall(vfs);
    expect(await store.verify()).toMatchObject({ sound: false, problems: [{ kind: "row" }] });
    await store.close();
  });
});

describe("a failed write", () => {
  it.each([
    ["of the journal", "/pages/log/"],
    ["of the engine", "/values/"],
  ])("%s ends the store, and opening finds one state or the next", async (_, path) => {
    const vfs = new SimVfs();
    const store = await openSmall(vfs);
    await put(store, ["a", value("1")]);
    const session = store.begin();
    session.put(key("a"), value("2"));
    session.put(key("b"), value("2"));
    vfs.faults = new FaultPlan([{ operation: "write", path, errno: "EIO" }]);
    await expect(session.commit()).rejects.toMatchObject({ code: "HF_POISONED" });
    expect(store.failure).toMatchObject({ code: "HF_POISONED" });
    await expect(store.get(key("a"))).rejects.toMatchObject({ code: "HF_POISONED" });
    await expect(store.prove(key("a"))).rejects.toMatchObject({ code: "HF_POISONED" });
    expect(() => store.begin()).toThrow(expect.objectContaining({ code: "HF_POISONED" }));
    await store.close();
    const again = await openSmall(vfs.powerCut());
    const { sequence } = again;
    expect(await again.get(key("a"))).toEqual(value(String(sequence)));
    expect(await again.get(key("b"))).toEqual(sequence === 1 ? undefined : value("2"));
    expect(await again.verify()).toMatchObject({ sound: true });
    await again.close();
  });
});
