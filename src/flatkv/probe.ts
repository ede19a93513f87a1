/** Looks at a database's directory without believing or changing anything. */
import { CorruptionError } from "../base/index.js";
import type { Engine, EngineDatabase } from "../engine/index.js";
import type { DatabaseProbe, OlderMetadata } from "./recovery.js";
import { MARKERS_FROM, MARKERS_TO, META_KEY, decodeMarker, parseMetadata } from "./row-format.js";

/** An engine that could be opened, with what is in it; or what is there instead. */
export type Probed =
  | { readonly probe: Extract<DatabaseProbe, { kind: "readable" }>; readonly engine: EngineDatabase }
  | { readonly probe: Exclude<DatabaseProbe, { kind: "readable" }>; readonly engine: undefined };

/** Engine key of metadata in older layouts: a version, or version and hash. */
export const OLDER_KEY: Uint8Array = Uint8Array.of(0);
const OLDER_VERSION_BYTES = 8;
const OLDER_BOTH_BYTES = 8 + 2048;
/** Engine keys of metadata in a layout with one for each begin with this. */
export const SEPARATE_PREFIX: Uint8Array = new TextEncoder().encode("_meta/");

/** Opens the database in a directory and reads what it says of itself. Damage is a finding; anything else that fails is an error. */
export async function probeDatabase(engine: Engine, path: string): Promise<Probed> {
  let opened: EngineDatabase | undefined;
  try {
    opened = await engine.open(path);
    if (opened === undefined) return { probe: { kind: "missing" }, engine: undefined };
    return { probe: await readProbe(opened), engine: opened };
  } catch (error) {
    await opened?.close();
    if (error instanceof CorruptionError) return { probe: { kind: "unreadable", cause: error }, engine: undefined };
    throw error;
  }
}

/** What an open database says of itself. */
export async function readProbe(engine: EngineDatabase): Promise<Extract<DatabaseProbe, { kind: "readable" }>> {
  const stored = await engine.get(META_KEY);
  const markers: number[] = [];
  for await (const rows of engine.iterate({ gte: MARKERS_FROM, lt: MARKERS_TO }))
    for (const [, value] of rows) markers.push(decodeMarker(value));
  if (stored !== undefined)
    return { kind: "readable", metadata: parseMetadata(stored), older: undefined, hasRows: true, markers };
  return {
    kind: "readable",
    metadata: undefined,
    older: await findOlder(engine),
    hasRows: await hasOthers(engine),
    markers,
  };
}

/** The ways in which stores of this kind kept their metadata before. */
async function findOlder(engine: EngineDatabase): Promise<OlderMetadata | undefined> {
  const local = await engine.get(OLDER_KEY);
  if (local?.length === OLDER_VERSION_BYTES) return "version-only";
  if (local?.length === OLDER_BOTH_BYTES) return "version-and-hash";
  for await (const rows of engine.iterate({ gte: SEPARATE_PREFIX, limit: 1 }))
    for (const [key] of rows) if (SEPARATE_PREFIX.every((byte, at) => key[at] === byte)) return "separate-keys";
  return undefined;
}

/** Whether there is anything that is no marker. */
async function hasOthers(engine: EngineDatabase): Promise<boolean> {
  for (const range of [{ lt: MARKERS_FROM }, { gte: MARKERS_TO }])
    for await (const rows of engine.iterate({ ...range, limit: 1 })) if (rows.length > 0) return true;
  return false;
}
