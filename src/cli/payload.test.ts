import { describe, expect, it } from "vitest";
import { payloadLine, showPayload } from "./payload.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("payloads", () => {
  it("auto tells JSON, text and binary apart", () => {
    expect(showPayload(bytes('{"a":1}'), "auto")).toEqual({ encoding: "json", payload: { a: 1 } });
    expect(showPayload(bytes("héllo"), "auto")).toEqual({ encoding: "text", payload: "héllo" });
    expect(showPayload(bytes("42"), "auto")).toEqual({ encoding: "text", payload: "42" });
    expect(showPayload(bytes("{not json"), "auto")).toEqual({ encoding: "text", payload: "{not json" });
    expect(showPayload(Uint8Array.of(0xff, 0x00), "auto")).toEqual({ encoding: "hex", payload: "ff00" });
  });

  it("text that would move the cursor of a terminal is shown as hex", () => {
    expect(showPayload(bytes("\u001b[2J"), "auto").encoding).toBe("hex");
    expect(showPayload(bytes("\u001b[2J"), "text").encoding).toBe("hex");
  });

  it("a format that does not fit falls to hex, hex is always hex", () => {
    expect(showPayload(bytes("42"), "json")).toEqual({ encoding: "json", payload: 42 });
    expect(showPayload(bytes("no"), "json").encoding).toBe("hex");
    expect(showPayload(bytes("{}"), "text")).toEqual({ encoding: "text", payload: "{}" });
    expect(showPayload(bytes("{}"), "hex").encoding).toBe("hex");
  });

  it("is one line", () => {
    expect(payloadLine(showPayload(bytes("a\nb"), "text"))).toBe("a\\nb");
    expect(payloadLine(showPayload(Uint8Array.of(1, 2, 3, 4, 5), "hex"))).toBe("01020304 05");
  });
});
