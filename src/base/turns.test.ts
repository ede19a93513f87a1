import { expect, it } from "vitest";
import { Turns } from "./index.js";

it("acts take turns in the order of the calls, whatever became of those before", async () => {
  const turns = new Turns();
  const done: number[] = [];
  const act = (n: number) => async (): Promise<void> => {
    await Promise.resolve();
    done.push(n);
    if (n === 1) throw new Error("of the first");
  };
  const outcomes = await Promise.allSettled([turns.take(act(1)), turns.takeAtOnce(act(2)), turns.take(act(3))]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
  expect(done).toEqual([1, 2, 3]);
  expect(turns.isFree).toBe(true);
});

it("where nobody has a turn, an act begins within the call", () => {
  const turns = new Turns();
  let begun = false;
  void turns.takeAtOnce(async () => {
    begun = true;
  });
  expect(begun).toBe(true);
  expect(turns.isFree).toBe(false);
});

it("what an act that begins within the call asks for itself was done before it had ended", async () => {
  const turns = new Turns();
  const done: string[] = [];
  let inner: Promise<void> | undefined;
  await turns.takeAtOnce(async () => {
    expect(turns.isFree).toBe(false);
    inner = turns.takeAtOnce(async () => void done.push("inner"));
    await new Promise((resolve) => setImmediate(resolve));
    done.push("outer");
  });
  await inner;
  expect(done).toEqual(["outer", "inner"]);
});

it("an act that threw within the call threw at whoever asked, instead of rejecting", async () => {
  const turns = new Turns();
  const error = new Error("at once");
  const thrown = turns.takeAtOnce(() => {
    throw error;
  });
  await expect(thrown).rejects.toBe(error);
  expect(turns.isFree).toBe(true);
  expect(await turns.take(() => Promise.resolve(2))).toBe(2);
});

it("a look comes behind what was asked for before, and nothing waits for it", async () => {
  const turns = new Turns();
  const seen: string[] = [];
  const turn = async (name: string): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(name);
  };
  const before = turns.take(() => turn("before"));
  const look = turns.look(() => void seen.push("look"));
  const after = turns.take(async () => void seen.push("after"));
  await Promise.all([before, look, after]);
  expect(seen).toEqual(["before", "look", "after"]);
  const idle = turns.look(() => turns.isFree);
  expect(turns.isFree).toBe(true);
  expect(await idle).toBe(true);
});
