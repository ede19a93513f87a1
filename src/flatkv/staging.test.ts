/** Staging: whatever a call names, however often, wholly or by a field, the hash is that of the rows that come of it. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { memoryEngine } from "../engine/index.js";
import { SimVfs } from "../vfs/index.js";
import { FlatKv, encodeAccount } from "./index.js";

const step = fc.record({
  address: fc.integer({ min: 1, max: 3 }),
  what: fc.constantFrom("row" as const, "nonce" as const, "delete" as const),
  number: fc.integer({ min: 0, max: 2 }),
});

test("rows set, deleted and changed by their fields, in any order and in any number of calls and commits, have the hash of a scan", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.array(step, { maxLength: 6 }), { maxLength: 3 }), { maxLength: 3 }),
      async (commits) => {
        const vfs = new SimVfs();
        const store = await FlatKv.open("/store", { vfs, engine: memoryEngine({ vfs }) });
        for (const calls of commits) {
          for (const steps of calls)
            await store.applyChangeSets(
              steps.map(({ address, what, number }) => {
                const key = new Uint8Array(20).fill(address);
                if (what === "nonce")
                  return { changes: [{ key: Uint8Array.of(0x0a, ...key), value: new Uint8Array(8).fill(number) }] };
                const value = what === "row" ? encodeAccount({ balance: BigInt(number), nonce: 1n }) : undefined;
                return { database: "account", changes: [{ key, value }] };
              }),
            );
          const working = store.workingHash();
          await store.commit();
          expect(store.committedHash().equals(working)).toBe(true);
        }
        expect((await store.verify()).problems).toEqual([]);
        await store.close();
      },
    ),
    { numRuns: 40 },
  );
});
