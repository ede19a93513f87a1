import { describe, expect, it } from "vitest";
import { abortable } from "./abortable.js";

describe("abortable", () => {
  it("settles as the promise does, and lets go of the signal", async () => {
    const { signal } = new AbortController();
    let listening = 0;
    const counted = new Proxy(signal, {
      get(target, name) {
        if (name === "addEventListener") listening += 1;
        if (name === "removeEventListener") listening -= 1;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? (value as () => void).bind(target) : value;
      },
    });
    expect(await abortable(Promise.resolve(1), counted)).toBe(1);
    await expect(abortable(Promise.reject(new Error("no")), counted)).rejects.toThrow("no");
    expect(listening).toBe(0);
    expect(await abortable(Promise.resolve(2), undefined)).toBe(2);
  });

  it("rejects with the reason, before and during, and the promise may fail unheard", async () => {
    const reason = new Error("enough");
    await expect(abortable(Promise.reject(new Error("no")), AbortSignal.abort(reason))).rejects.toBe(reason);
    const controller = new AbortController();
    const waiting = abortable(new Promise(() => undefined), controller.signal);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });
});
