/** Dumps as `hexdump -C` prints them, where `*` stands for repetitions of the line above: written for the format pages, read by their tests. */

export function formatHexdump(bytes: Uint8Array): string {
  const lines: string[] = [];
  let before = "";
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16);
    const hex = [...row].map((byte) => byte.toString(16).padStart(2, "0"));
    const text = [...row].map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
    const line = `${hex.slice(0, 8).join(" ").padEnd(23)} ${hex.slice(8).join(" ").padEnd(23)}  |${text}|`;
    if (line !== before) lines.push(`${offsetOf(at)}  ${line}`);
    else if (lines.at(-1) !== "*") lines.push("*");
    before = line;
  }
  return [...lines, offsetOf(bytes.length)].join("\n");
}

export function parseHexdump(text: string): Uint8Array {
  const lines = text.trim().split("\n");
  const bytes = new Uint8Array(Number.parseInt(lines.at(-1) ?? "", 16));
  let row: number[] = [];
  let at = 0;
  for (const [index, line] of lines.entries()) {
    const next = lines[index + 1];
    if (line === "*") {
      for (const end = Number.parseInt(next ?? "", 16); at < end; at += 16) bytes.set(row, at);
    } else if (line.includes("|")) {
      at = Number.parseInt(line.slice(0, 8), 16);
      row = line
        .slice(10, 57)
        .split(" ")
        .filter((pair) => pair !== "")
        .map((pair) => Number.parseInt(pair, 16));
      bytes.set(row, at);
      at += 16;
    }
  }
  return bytes;
}

function offsetOf(at: number): string {
  return at.toString(16).padStart(8, "0");
}
