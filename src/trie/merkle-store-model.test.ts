import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../base/index.js";
import { SimVfs, keepSome } from "../vfs/index.js";
import { keySpaces } from "./keys.contract.js";
import type { MerkleStore, MerkleStoreOptions } from "./index.js";
import {
  type Change,
  type Model,
  changed,
  expectHolds,
  expectSound,
  openSmall,
} from "./small-merkle-store.contract.js";

type Action =
  | { readonly kind: "commit"; readonly changes: readonly Change[] }
  | { readonly kind: "rollback"; readonly commits: number }
  | { readonly kind: "reopen" | "kill" | "cut" };

const HISTORY = 4;

const SETTINGS: Readonly<Record<string, MerkleStoreOptions>> = {
  "lazy checkpoints": { rollback: { commits: HISTORY } },
  "a checkpoint for every commit": {
    rollback: { commits: HISTORY },
    pages: { capacity: 8, checkpoint: "every-commit" },
  },
  "a cache that keeps nothing, and early checkpoints": {
    rollback: { commits: HISTORY },
    pages: { capacity: 8, cache: { bytes: 0, pinnedDepth: 0 }, checkpoint: { dirtyPagesMax: 2, logBytesMax: 4096 } },
  },
};

const value = fc.oneof(
  { weight: 6, arbitrary: fc.uint8Array({ maxLength: 6 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1000, max: 1100 }).map((length) => new Uint8Array(length).fill(7)) },
);

function actions(key: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Action[]> {
  const put = fc.tuple(key, value);
  const change = fc.tuple(key, fc.option(value, { nil: undefined, freq: 2 }));
  const commit = fc
    .oneof(fc.array(put, { maxLength: 70 }), fc.array(change, { maxLength: 40 }))
    .map((changes): Action => ({ kind: "commit", changes }));
  return fc.array(
    fc.oneof(
      { weight: 6, arbitrary: commit },
      {
        weight: 1,
        arbitrary: fc.integer({ min: 1, max: HISTORY }).map((commits): Action => ({ kind: "rollback", commits })),
      },
      { weight: 2, arbitrary: fc.constantFrom<Action>({ kind: "reopen" }, { kind: "kill" }, { kind: "cut" }) },
    ),
    { minLength: 1, maxLength: 12 },
  );
}

describe.each(Object.entries(SETTINGS))("a Merkle store with %s", (_, options) => {
  it.each(keySpaces())("does what a map does, with keys of the kind: $name", async ({ key }) => {
    await fc.assert(
      fc.asyncProperty(actions(key), fc.integer({ min: 0, max: 1000 }), async (steps, seed) => {
        let vfs = new SimVfs({ seed });
        const random = new SeededRandom(seed);
        let store: MerkleStore = await openSmall(vfs, options);
        let model: Model = new Map();
        /** What was there before each commit that can be undone. */
        let before: Model[] = [];
        for (const step of steps) {
          let touched: readonly Uint8Array[] = [];
          if (step.kind === "commit") {
            const session = store.begin();
            for (const [each, next] of step.changes) {
              if (next === undefined) session.delete(each);
              else session.put(each, next);
            }
            await session.commit();
            before = [...before, model].slice(-HISTORY);
            model = changed(model, step.changes);
            touched = step.changes.map(([each]) => each);
          } else if (step.kind === "rollback") {
            if (step.commits > before.length) continue;
            await store.rollback(step.commits);
            model = before[before.length - step.commits]!;
            before = before.slice(0, -step.commits);
          } else {
            if (step.kind === "reopen") await store.close();
            vfs = step.kind === "cut" ? vfs.powerCut(keepSome(random)) : vfs.kill();
            store = await openSmall(vfs, options);
          }
          await expectHolds(store, model, touched);
        }
        await expectSound(store, model);
        await store.close();
        expect(vfs.openHandles()).toEqual([]);
      }),
      { numRuns: 12 },
    );
  });
});
