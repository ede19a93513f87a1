/** Where a command prints: results to `out`, progress and errors to `err`, and whether there is a person to see them. */
import { stripVTControlCharacters } from "node:util";
import pc from "picocolors";

/** The two output streams of a command. Tests pass their own. */
export interface Terminal {
  readonly out: Output;
  readonly err: Output;
  /** Colours that are on only where `out` shows them. */
  readonly colors: Colors;
}

/** The colours in use. */
export type Colors = ReturnType<typeof pc.createColors>;

/** One output stream. */
export interface Output {
  readonly isTty: boolean;
  /** Width of the terminal in characters; 80 where it is unknown. */
  readonly columns: number;
  /** Resolves when the stream takes more, so that a slow reader of a pipe bounds memory. */
  write(text: string): Promise<void>;
}

/** The process's own streams. */
export function processTerminal(): Terminal {
  const out = streamOutput(process.stdout);
  return { out, err: streamOutput(process.stderr), colors: pc.createColors(pc.isColorSupported && out.isTty) };
}

function streamOutput(stream: NodeJS.WriteStream): Output {
  return {
    isTty: stream.isTTY === true,
    get columns() {
      return stream.columns > 0 ? stream.columns : 80;
    },
    write(text) {
      if (stream.write(text)) return Promise.resolve();
      return new Promise((resolve) => {
        const settle = (): void => {
          stream.off("drain", settle);
          stream.off("close", settle);
          resolve();
        };
        stream.once("drain", settle);
        stream.once("close", settle);
      });
    },
  };
}

/** Prints one line. */
export function writeLine(output: Output, line = ""): Promise<void> {
  return output.write(`${line}\n`);
}

/** How many characters a text takes on the screen. */
export function visibleLength(text: string): number {
  return stripVTControlCharacters(text).length;
}

/** A text that takes at most `width` characters; one that has to be cut loses its colours. */
export function cutVisible(text: string, width: number): string {
  return visibleLength(text) <= width ? text : stripVTControlCharacters(text).slice(0, Math.max(0, width));
}

/** Pads a text, coloured or not, to `width` characters on the screen. */
export function padVisible(text: string, width: number, side: "start" | "end" = "end"): string {
  const space = " ".repeat(Math.max(0, width - visibleLength(text)));
  return side === "end" ? text + space : space + text;
}
