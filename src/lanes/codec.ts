/** How values become bytes and come back: the caller's business, with typed errors where it fails. */
import { type Codec, FormatError, InvalidArgumentError, invalid } from "../base/index.js";

const encoder = new TextEncoder();

/** Refuses what is no codec. */
export function checkCodec<T>(where: string, option: string, codec: Codec<T> | undefined): Codec<T> {
  if (typeof codec?.encode !== "function" || typeof codec.decode !== "function")
    throw invalid(where, option, codec, "an object with encode and decode");
  return codec;
}

/** The bytes of entries of `lane`, copied, so that what the caller does with its own later does not matter. */
export function encodeAll<T>(codec: Codec<T>, values: readonly T[], lane: string): Uint8Array[] {
  return values.map((value) => encodeWith(codec, value, `An entry of ${lane}`));
}

/** The bytes of one value, copied. */
export function encodeWith<T>(codec: Codec<T>, value: T, what: string): Uint8Array {
  let bytes: unknown;
  try {
    bytes = codec.encode(value);
  } catch (error) {
    throw encodeFailed(what, "its codec threw", error);
  }
  if (typeof bytes === "string") return encoder.encode(bytes);
  if (!(bytes instanceof Uint8Array)) throw encodeFailed(what, "its codec returned neither a Uint8Array nor a text");
  // Not `slice`, which does not copy where the codec returned a `Buffer`.
  return new Uint8Array(bytes);
}

/** The value that `bytes` stand for. */
export function decodeWith<T>(codec: Codec<T>, bytes: Uint8Array, what: string): T {
  try {
    return codec.decode(bytes);
  } catch (error) {
    throw new FormatError(
      "HF_VALUE_UNDECODABLE",
      `${what} can't be decoded: its codec threw, though the bytes are as they were written. Read it with the codec that wrote it.`,
      { what, bytes: bytes.length },
      error,
    );
  }
}

function encodeFailed(what: string, why: string, cause?: unknown): InvalidArgumentError {
  return new InvalidArgumentError(
    "HF_VALUE_UNENCODABLE",
    `${what} can't be encoded: ${why}. Nothing was written.`,
    { what },
    cause,
  );
}
