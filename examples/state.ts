/**
 * The state of a chain: accounts that each block changes, with a hash that tells two nodes whether they agree. A second node starts from an export of
 * the first, and comes to the same hash with the same block.
 *
 *     node examples/state.ts [directory]
 */
import { FlatKv, encodeAccount, importFlatKv, seiRouting } from "holdfast/flatkv";

const directory = process.argv[2] ?? "./example-state";
const options = { route: seiRouting, snapshots: { everyCommits: 100 } };

const address = (n: number): Uint8Array => new Uint8Array(20).fill(n);
const nonceKey = (n: number): Uint8Array => Uint8Array.of(0x0a, ...address(n));
const nonce = (value: number): Uint8Array => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, value);
/** The beginning of a hash, for people. */
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex").slice(0, 16);

/** A block in which the account sends something: its nonce goes up. Resolves when the block is durable. */
async function apply(store: FlatKv, sender: number): Promise<string> {
  const before = (await store.get(nonceKey(sender))) ?? nonce(0);
  await store.applyChangeSets([{ changes: [{ key: nonceKey(sender), value: nonce(before[7]! + 1) }] }]);
  const version = await store.commit();
  return `version ${version}: ${hex(store.committedHash().checksum())}`;
}

const node = await FlatKv.open(`${directory}-one`, options);
if (node.version === 0) {
  // The genesis: balances have no key of their own, so the rows are written as a whole.
  const accounts = [1, 2, 3].map((n) => ({ key: address(n), value: encodeAccount({ balance: 1000n, nonce: 0n }) }));
  await node.applyChangeSets([{ database: "account", changes: accounts }]);
  await node.commit();
}
for (const sender of [1, 2, 1]) console.log(await apply(node, sender));

await importFlatKv(`${directory}-two`, node.export(), options);
const other = await FlatKv.open(`${directory}-two`, options);
const [here, there] = [await apply(node, 3), await apply(other, 3)];
console.log(here);
if (here !== there) throw new Error(`The nodes differ: ${there}.`);
if (!(await other.verify()).sound) throw new Error("The import is damaged.");
await node.close();
await other.close();
