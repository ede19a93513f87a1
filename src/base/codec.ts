/** The one thing that typed stores ask of an encoding. */

/**
 * How values of one type become bytes and back. Any object with these two methods is one: a generated protobuf class, an encoder of a library.
 *
 * `encode` returns bytes, or a text that is stored as UTF-8 (which spares a copy); it may throw where a value can't be encoded, and nothing is
 * written then. `decode` gets bytes that it may keep, throws where they are none of its own, and must understand what earlier versions of the
 * program encoded.
 */
export interface Codec<T> {
  encode(value: T): Uint8Array | string;
  decode(bytes: Uint8Array): T;
}
