/** Values whose shape changes from one version of a program to the next, and how old bytes become new values. */
import { checkInteger, checkOptions, invalid } from "../base/index.js";
import type { Codec } from "../base/index.js";
import { VERSION_MAX } from "./format.js";

/** Turns a value of one version into one of the next. Its parameter may be annotated with the old type. */
export type Upcaster = { upcast(old: unknown): unknown }["upcast"];

/** How a value is encoded now, and how what earlier versions wrote is read. */
export interface VersionedOptions<T> {
  readonly codec: Codec<T>;
  /** What new values are marked with. 1 to 65,535. Raise it with each change of shape. Default 1. */
  readonly version?: number;
  /** By version: what makes a value of the next version of one of this. Without gaps up to `version` − 1. */
  readonly upcast?: Readonly<Record<number, Upcaster>>;
  /** By version: what decodes it, where `codec` does not. */
  readonly codecs?: Readonly<Record<number, Codec<unknown>>>;
}

/** Options as somebody gave them. */
export type Unchecked<Options> = { readonly [Key in keyof Options]?: Options[Key] | undefined };

/** {@link VersionedOptions}, checked. */
export interface Versioned<T> {
  readonly codec: Codec<T>;
  readonly version: number;
  /** The oldest version that can be read. */
  readonly versionMin: number;
  readonly upcast: Readonly<Record<number, Upcaster>>;
  readonly codecs: Readonly<Record<number, Codec<unknown>>>;
}

export const VERSIONED_OPTIONS = ["codec", "version", "upcast", "codecs"] as const;

/** Checks what a definition says of its versions: what a program declares, and what was made of that. */
export function checkVersioned<T>(where: string, given: Unchecked<VersionedOptions<T>>): Versioned<T> {
  const codec = checkCodec(where, "codec", given.codec);
  const version = checkInteger(where, "version", given.version, { min: 1, max: VERSION_MAX }, 1);
  const upcast = checkByVersion(where, "upcast", given.upcast);
  const codecs = checkByVersion(where, "codecs", given.codecs);
  let versionMin = version;
  while (versionMin > 1 && typeof upcast[versionMin - 1] === "function") versionMin--;
  const isOlder = (key: string): boolean =>
    /^[1-9]\d*$/.test(key) && Number(key) >= versionMin && Number(key) < version;
  for (const key of Object.keys(upcast)) {
    if (!isOlder(key)) throw invalid(where, "upcast", key, `functions under ${version - 1} and below, without a gap`);
  }
  for (const [key, old] of Object.entries(codecs)) {
    checkCodec(where, `codecs[${key}]`, old);
    if (!isOlder(key)) throw invalid(where, "codecs", key, "codecs of versions that upcast knows");
  }
  return { codec, version, versionMin, upcast, codecs };
}

/** The current value of what `version` wrote. The caller has made sure that the version is a known one. Throws what codec and upcasters throw. */
export function decodeVersioned<T>(definition: Versioned<T>, version: number, body: Uint8Array): T {
  if (version === definition.version) return definition.codec.decode(body);
  let value = (definition.codecs[version] ?? definition.codec).decode(body);
  for (let at = version; at < definition.version; at++) value = definition.upcast[at]!(value);
  return value as T;
}

/** How a program's state is kept in checkpoints. */
export type SnapshotType<T> = Versioned<T>;

/** Declares how snapshots are encoded, for the option `snapshot` of an event log. */
export function snapshot<T>(options: VersionedOptions<T>): SnapshotType<T> {
  return checkVersioned<T>("snapshot", checkOptions("snapshot", options, VERSIONED_OPTIONS));
}

function checkCodec<T>(where: string, name: string, codec: Codec<T> | undefined): Codec<T> {
  if (typeof codec?.encode !== "function" || typeof codec.decode !== "function")
    throw invalid(where, name, codec, "an object with encode and decode");
  return codec;
}

function checkByVersion<Value>(
  where: string,
  name: string,
  given: Readonly<Record<number, Value>> | undefined,
): Readonly<Record<number, Value>> {
  if (given === undefined) return {};
  if (typeof given !== "object" || given === null) throw invalid(where, name, given, "an object by version");
  return given;
}
