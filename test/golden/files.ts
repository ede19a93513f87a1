/** Golden files that are no store: anchors, a double-write buffer, an export, proofs. */
import { Anchor } from "../../src/anchor/index.js";
import { memoryEngine } from "../../src/engine/index.js";
import { FlatKv, importFlatKv } from "../../src/flatkv/index.js";
import { blake3 } from "../../src/hash/index.js";
import { DoubleWriteBuffer } from "../../src/log/index.js";
import {
  decodeMultiProof,
  decodePathProof,
  encodeMultiProof,
  encodePathProof,
  verifyMultiProof,
  verifyPathProof,
} from "../../src/proof/index.js";
import { SimVfs, type Vfs, nodeVfs } from "../../src/vfs/index.js";
import { type GoldenStore, encode, long } from "./golden-store.js";
import { KEYS, keyOf, openMerkle, setKeys } from "./state-stores.js";

const ANCHORS = { mirror: { mode: "mirror" }, alternate: { mode: "alternate", olderIsSafe: true } } as const;
const anchorNames = Object.keys(ANCHORS) as (keyof typeof ANCHORS)[];
const anchorOptions = (name: keyof typeof ANCHORS) => ({ ...ANCHORS[name], kind: 7, slotBytes: 512 });

/** An anchor of each mode, by itself. */
const anchors: GoldenStore = {
  name: "anchors",
  version: 2,
  async make(directory, vfs) {
    await vfs.makeDirectory(directory);
    for (const mode of anchorNames) {
      const anchor = await Anchor.create(vfs.join(directory, mode), encode("one"), { ...anchorOptions(mode), vfs });
      await anchor.write(encode("one two"));
      await anchor.write(encode("one two three"));
      await anchor.close();
    }
  },
  async look(directory) {
    const contents: Record<string, string[]> = {};
    for (const mode of anchorNames) {
      const anchor = await Anchor.open(nodeVfs.join(directory, mode), anchorOptions(mode));
      contents[mode] = new TextDecoder().decode(anchor.value).split(" ");
      await anchor.close();
    }
    return contents;
  },
  async writeOn(directory) {
    for (const mode of anchorNames) {
      const anchor = await Anchor.open(nodeVfs.join(directory, mode), anchorOptions(mode));
      await anchor.write(Uint8Array.of(...anchor.value, ...encode(" four")));
      await anchor.close();
    }
  },
};

const target = (n: number): Uint8Array => Uint8Array.of(n, 0, 0, 0, 0, 0, 0, 0);

/** A buffer with the images of a batch that was never cleared. */
const doubleWrite: GoldenStore = {
  name: "double-write-buffer",
  version: 2,
  async make(directory, vfs) {
    await vfs.makeDirectory(directory);
    const buffer = await DoubleWriteBuffer.open(vfs, vfs.join(directory, "images"));
    await buffer.protect([{ target: target(1), offset: 0, image: encode(long("before")) }]);
    await buffer.protect([
      { target: target(1), offset: 512, image: encode("one") },
      { target: target(9), offset: 4096, image: encode(long("two")) },
    ]);
    await buffer.close();
  },
  async look(directory) {
    const buffer = await DoubleWriteBuffer.open(nodeVfs, nodeVfs.join(directory, "images"));
    const images = await buffer.recover();
    await buffer.close();
    return {
      images: images.map((each) => `${each.target[0]} at ${each.offset}: ${new TextDecoder().decode(each.image)}`),
    };
  },
  async writeOn(directory) {
    const buffer = await DoubleWriteBuffer.open(nodeVfs, nodeVfs.join(directory, "images"));
    await buffer.protect([...(await buffer.recover()), { target: target(10), offset: 0, image: encode("more") }]);
    await buffer.close();
  },
};

async function* bytesOf(vfs: Vfs, path: string): AsyncGenerator<Uint8Array> {
  yield await readWhole(vfs, path);
}

async function readWhole(vfs: Vfs, path: string): Promise<Uint8Array> {
  const file = await vfs.open(path, { access: "read" });
  const bytes = new Uint8Array(await file.size());
  await file.read(bytes, 0);
  await file.close();
  return bytes;
}

async function writeWhole(vfs: Vfs, path: string, bytes: Uint8Array): Promise<void> {
  const file = await vfs.open(path, { access: "read-write", create: "if-missing" });
  await file.write(bytes, 0);
  await file.close();
}

/** An export of a commit store, in several frames. */
const exported: GoldenStore = {
  name: "export",
  async make(directory, vfs) {
    const source = new SimVfs({ seed: 7 });
    const store = await FlatKv.open("/exported", {
      vfs: source,
      engine: memoryEngine({ vfs: source }),
      databases: ["main", "empty"],
    });
    const changes = Array.from({ length: 40 }, (_, n) => ({
      key: encode(`row ${n}`),
      value: encode(long(`value ${n}`)),
    }));
    await store.applyChangeSets([{ database: "main", changes }]);
    await store.commit();
    const chunks: Uint8Array[] = [];
    for await (const chunk of store.export()) chunks.push(chunk.slice());
    await store.close();
    await vfs.makeDirectory(directory);
    await writeWhole(vfs, vfs.join(directory, "state.hfx"), Buffer.concat(chunks));
  },
  async look(directory) {
    const vfs = new SimVfs({ seed: 1 });
    const given = { vfs, engine: memoryEngine({ vfs }), databases: ["main", "empty"] };
    await importFlatKv("/imported", bytesOf(nodeVfs, nodeVfs.join(directory, "state.hfx")), given);
    const store = await FlatKv.open("/imported", given);
    const contents: Record<string, string[]> = {};
    for (const database of store.databases) {
      contents[database] = [`version ${store.version}`];
      for await (const { key, value } of store.iterate({ database }))
        contents[database].push([key, value].map((bytes) => new TextDecoder().decode(bytes)).join(": "));
    }
    await store.close();
    return contents;
  },
};

/** Proofs of a key that is there and of one that is not, of both together, and the root that they are for. */
const proofs: GoldenStore = {
  name: "proofs",
  async make(directory, vfs) {
    const store = await openMerkle("/proved", new SimVfs({ seed: 8 }));
    await setKeys(store, Object.fromEntries(Array.from({ length: KEYS }, (_, n) => [n, `value ${n}`])));
    await vfs.makeDirectory(directory);
    const files = {
      root: store.root,
      present: encodePathProof(await store.prove(keyOf(2))),
      absent: encodePathProof(await store.prove(keyOf(99))),
      both: encodeMultiProof(await store.proveMany([keyOf(2), keyOf(99)])),
    };
    await store.close();
    for (const [name, bytes] of Object.entries(files)) await writeWhole(vfs, vfs.join(directory, name), bytes);
  },
  async look(directory) {
    const read = (name: string): Promise<Uint8Array> => readWhole(nodeVfs, nodeVfs.join(directory, name));
    const root = await read("root");
    const present = { key: keyOf(2), value: encode("value 2") };
    const absent = { key: keyOf(99), value: undefined };
    const about = { root, hasher: blake3 };
    const verdicts = {
      present: verifyPathProof({ ...about, ...present, proof: decodePathProof(await read("present")) }),
      absent: verifyPathProof({ ...about, ...absent, proof: decodePathProof(await read("absent")) }),
      both: verifyMultiProof({ ...about, claims: [present, absent], proof: decodeMultiProof(await read("both")) }),
    };
    return Object.fromEntries(Object.entries(verdicts).map(([name, verdict]) => [name, [String(verdict)]]));
  },
};

export const goldenFiles: readonly GoldenStore[] = [anchors, doubleWrite, exported, proofs];
