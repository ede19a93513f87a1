/** How a payload is shown: as JSON, as text, or as hex. */
import { toHex } from "../base/index.js";

/** What the user may ask for. */
export const payloadFormats: readonly ["auto", "text", "hex", "json"] = ["auto", "text", "hex", "json"];

/** One of {@link payloadFormats}. */
export type PayloadFormat = (typeof payloadFormats)[number];

/** A payload ready to print. */
export type ShownPayload =
  | { readonly encoding: "json"; readonly payload: unknown }
  | { readonly encoding: "text" | "hex"; readonly payload: string };

const utf8 = new TextDecoder("utf-8", { fatal: true });
// Control characters other than tab, line feed and carriage return: a sign of binary data, and harmful on a terminal.
const controlCharacters = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;

/** `auto` takes JSON objects and arrays as JSON, other printable UTF-8 as text, the rest as hex. What does not fit `text` or `json` is shown as hex. */
export function showPayload(bytes: Uint8Array, format: PayloadFormat): ShownPayload {
  if (format !== "hex") {
    const text = decodeText(bytes);
    if (text !== undefined) {
      const parsed = format === "text" ? undefined : parseJson(text, format === "json");
      if (parsed !== undefined) return { encoding: "json", payload: parsed.value };
      if (format !== "json") return { encoding: "text", payload: text };
    }
  }
  return { encoding: "hex", payload: toHex(bytes) };
}

/** One line for a person; line ends in a text are shown as `\n`. */
export function payloadLine(shown: ShownPayload): string {
  if (shown.encoding === "json") return JSON.stringify(shown.payload);
  if (shown.encoding === "text")
    return shown.payload.replaceAll("\r", "\\r").replaceAll("\n", "\\n").replaceAll("\t", "\\t");
  return shown.payload.replaceAll(/.{8}(?=.)/g, "$& ");
}

function decodeText(bytes: Uint8Array): string | undefined {
  try {
    const text = utf8.decode(bytes);
    return controlCharacters.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

function parseJson(text: string, anyValue: boolean): { readonly value: unknown } | undefined {
  if (!anyValue && !/^\s*[[{]/.test(text)) return undefined;
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}
