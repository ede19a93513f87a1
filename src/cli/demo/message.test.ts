import { describe, expect, it } from "vitest";
import { MessageDecoder } from "./message.js";

describe("messages of the writer", () => {
  it("come out whole, however the pipe cuts them", () => {
    const text = '{"kind":"finished"}\n{"kind":"failed","code":"HF_IO","message":"x","exitCode":4}\n';
    for (let cut = 0; cut <= text.length; cut++) {
      const decoder = new MessageDecoder();
      const messages = [...decoder.push(text.slice(0, cut)), ...decoder.push(text.slice(cut))];
      expect(messages.map((message) => message.kind)).toEqual(["finished", "failed"]);
    }
  });

  it("leave out the line that a kill cut short", () => {
    expect(new MessageDecoder().push('{"kind":"finished"}\n{"kind":"acknow')).toHaveLength(1);
  });
});
