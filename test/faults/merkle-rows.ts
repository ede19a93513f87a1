import { createHash } from "node:crypto";
import { seededDraw } from "./seed.js";

/** What the commits of a Merkle store put into it: a function of the seed and the commit's serial number, which no two commits share. */

/** Keys by number. Those of the cluster share their first twelve bits, so that a page under them comes and goes. */
export const MERKLE_KEYS = 300;
const CLUSTER = { from: 200, count: 100 };
/** Commits that can be undone. */
export const UNDOABLE = 4;
/** Serials of one process. */
export const SERIALS_PER_PROCESS = 1_000_000;

/** A key's new value, or its end. */
export interface MerkleChange {
  readonly key: number;
  readonly value: Buffer | undefined;
}

/** The 32 bytes of key `n`. */
export function merkleKey(n: number): Uint8Array {
  const key = new Uint8Array(createHash("sha256").update(`key ${n}`).digest());
  if (n < CLUSTER.from) return key;
  key[0] = 0xab;
  key[1] = 0xc0 | (key[1]! & 15);
  return key;
}

/** The changes of a commit; no key twice. */
export function merkleChanges(seed: number, serial: number): MerkleChange[] {
  const draw = seededDraw(`merkle ${seed} ${serial}`);
  const change = (key: number, isDelete: boolean): MerkleChange => {
    const bytes = draw(20) === 0 ? 1000 + draw(2000) : draw(200);
    return { key, value: isDelete ? undefined : Buffer.alloc(bytes, `${serial}.${key}.`) };
  };
  if (draw(8) === 0) {
    const goes = draw(2) === 0;
    const from = CLUSTER.from + draw(CLUSTER.count / 2);
    return Array.from({ length: CLUSTER.count / 2 }, (_, at) => change(from + at, goes && draw(8) > 0));
  }
  const keys = new Set(Array.from({ length: draw(14) }, () => draw(MERKLE_KEYS)));
  return [...keys].map((key) => change(key, draw(4) === 0));
}

/** All rows as one hash. `hashes`: of the values, hexadecimal. */
export function digestOfRows(hashes: ReadonlyMap<number, string>): string {
  const digest = createHash("sha256");
  for (let key = 0; key < MERKLE_KEYS; key++) {
    const hash = hashes.get(key);
    if (hash !== undefined) digest.update(`${key}=${hash} `);
  }
  return digest.digest("hex");
}
