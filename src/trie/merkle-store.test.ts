import { describe, expect, it } from "vitest";
import { toHex } from "../base/index.js";
import { memoryEngine } from "../engine/index.js";
import { blake3 } from "../hash/index.js";
import { verifyMultiProof, verifyPathProof, verifyUpdate } from "../proof/index.js";
import { SimVfs } from "../vfs/index.js";
import { MerkleStore, type MerkleStoreOptions } from "./index.js";

const DIRECTORY = "/store";
const key = (name: string): Uint8Array => blake3.hash(new TextEncoder().encode(name));
const value = (text: string): Uint8Array => new TextEncoder().encode(text);

async function opened(vfs: SimVfs, options: MerkleStoreOptions = {}): Promise<MerkleStore> {
  return await MerkleStore.open(DIRECTORY, { vfs, engine: memoryEngine({ vfs }), pages: { capacity: 64 }, ...options });
}

describe("a Merkle store", () => {
  it("commits, proves, and is the same after it was opened again", async () => {
    const vfs = new SimVfs();
    const store = await opened(vfs);
    expect(toHex(store.root)).toBe("00".repeat(32));
    const session = store.begin();
    for (let n = 0; n < 500; n++) session.put(key(`k${n}`), value(`v${n}`));
    expect(await session.get(key("k3"))).toEqual(value("v3"));
    expect(await store.get(key("k3"))).toBeUndefined();
    const { root, sequence } = await session.commit();
    expect(sequence).toBe(1);
    expect(store.root).toEqual(root);
    expect(await store.get(key("k3"))).toEqual(value("v3"));
    const proof = await store.prove(key("k3"));
    expect(verifyPathProof({ root, key: key("k3"), value: value("v3"), proof, hasher: blake3 })).toBe(true);
    await store.close();

    const again = await opened(vfs.kill());
    expect(again.root).toEqual(root);
    expect(await again.get(key("k499"))).toEqual(value("v499"));
    expect(
      verifyPathProof({ root, key: key("x"), value: undefined, proof: await again.prove(key("x")), hasher: blake3 }),
    ).toBe(true);
    const keys = Array.from({ length: 50 }, (_, n) => key(`k${n * 12}`));
    const values = await again.getMany(keys);
    const many = await again.proveMany(keys);
    const claims = keys.map((each, at) => ({ key: each, value: values[at] }));
    expect(verifyMultiProof({ root, proof: many, claims, hasher: blake3 })).toBe(true);
    const next = again.begin();
    await next.get(key("k1"));
    next.delete(key("k2"));
    next.put(key("k700"), new Uint8Array(3000));
    const { witness, root: after } = await next.commit({ witness: true });
    expect(verifyUpdate({ root, proof: witness!.proof!, updates: witness!.writes, hasher: blake3 })).toEqual(after);
    await again.close();
  });
});
