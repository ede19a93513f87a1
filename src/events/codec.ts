/** Ready codecs, and how a library becomes one. */
import { type Codec, invalid } from "../base/index.js";

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * JSON in UTF-8. `check`, where it is given, gets what was parsed and returns it as a `T`, or throws: the place for a schema.
 *
 * What JSON can't hold is refused (`undefined`, functions, `bigint`, cycles) or changed by its own rules (`NaN` becomes `null`, a `Date` a string).
 */
export function json<T>(check?: (value: unknown) => T): Codec<T> {
  return {
    encode(value) {
      const text = JSON.stringify(value) as string | undefined;
      if (text === undefined) throw new TypeError(`JSON has no form for ${typeof value}`);
      return text;
    },
    decode(bytes) {
      const value: unknown = JSON.parse(decoder.decode(bytes));
      return check === undefined ? (value as T) : check(value);
    },
  };
}

/** The bytes themselves. */
export function bytes(): Codec<Uint8Array> {
  return {
    encode(value) {
      if (!(value instanceof Uint8Array)) throw new TypeError(`expected a Uint8Array, got ${typeof value}`);
      return value;
    },
    decode: (stored) => stored,
  };
}

/** What `cbor()` needs of a library: the module `cbor-x`, or an `Encoder` of it, fits. */
export interface CborLibrary {
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}

/**
 * CBOR, by a library that is handed over, so that only those who use it install it. `check` is as for `json`.
 *
 * An `Encoder` that keeps structures across calls (`sequential: true`) can't be used: each event is read by itself.
 */
export function cbor<T>(library: CborLibrary, check?: (value: unknown) => T): Codec<T> {
  checkLibrary("cbor", "library", library, "the module cbor-x, or an Encoder of it");
  return {
    encode: (value) => library.encode(value),
    decode(stored) {
      const value = library.decode(stored);
      return check === undefined ? (value as T) : check(value);
    },
  };
}

/** What `protobuf()` needs of a message class: those of `protobufjs` and `ts-proto` fit. */
export interface ProtobufMessage<T> {
  encode(message: T): Uint8Array | { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

/**
 * Protocol Buffers, by a generated message class. With `@bufbuild/protobuf` a codec is two arrow functions:
 * `{ encode: (message) => toBinary(schema, message), decode: (bytes) => fromBinary(schema, bytes) }`.
 */
export function protobuf<T>(message: ProtobufMessage<T>): Codec<T> {
  checkLibrary("protobuf", "message", message, "a message class with encode and decode");
  return {
    encode(value) {
      const encoded = message.encode(value);
      return encoded instanceof Uint8Array ? encoded : encoded.finish();
    },
    decode: (stored) => message.decode(stored),
  };
}

function checkLibrary(
  where: string,
  name: string,
  given: { readonly encode: unknown; readonly decode: unknown },
  allowed: string,
): void {
  if (typeof given?.encode !== "function" || typeof given.decode !== "function")
    throw invalid(where, name, given, allowed);
}
