/** What the tests of the pipeline share: an anchor that says plainly what it needs, and pipelines in every kind of place. */
import type { AnchorMode } from "../anchor/index.js";
import { SharedLog } from "../streams/index.js";
import type { Vfs } from "../vfs/index.js";
import { type Codec, type Persisted, PersistPipeline, type PersistPipelineOptions } from "./index.js";
import { type Durability, SMALL, SMALL_SHARED, textCodec } from "./lanes.contract.js";

/** An anchor: a round, and from where on it needs each lane. */
export interface Anchor {
  readonly round: number;
  /** From where on it needs the chain. */
  readonly chain: number;
  /** Whether it brings the chain's entry along. */
  readonly entry?: boolean;
  readonly lanes: Record<string, number>;
}

export type Pipeline = PersistPipeline<string, string, string, Anchor>;

const anchorCodec: Codec<Anchor> = {
  encode: (anchor) => new TextEncoder().encode(JSON.stringify(anchor)),
  decode: (bytes) => JSON.parse(new TextDecoder().decode(bytes)) as Anchor,
};

export interface PipelineSettings {
  readonly mode?: AnchorMode;
  readonly atomic?: boolean;
  /** Of the shared log. */
  readonly durability?: Durability;
  readonly inFlightBytes?: number;
  /** Where lanes start. Default 0. */
  readonly lanesFirst?: number;
  /** Anchors name each lane again, with the entry before. */
  readonly twice?: boolean;
  /** How anchors are read. */
  readonly decode?: (bytes: Uint8Array) => Anchor;
  /** The chain's entries that anchors bring along. */
  readonly entry?: (index: number) => string;
  readonly onPersisted?: (persisted: Persisted<string, Anchor>) => void;
}

export const DIRECTORY = "/node";
/** Of the anchors in directories. */
export const SLOT_BYTES = 1024;

/** Opens the same pipeline, on whatever disk a crash left of it. */
export type PipelineOpener = (vfs: Vfs, settings?: PipelineSettings) => Promise<OpenPipeline>;

/** Opens a pipeline in a directory. */
export async function openIn(vfs: Vfs, settings: PipelineSettings = {}): Promise<Pipeline> {
  const { mode } = settings;
  const { anchor, ...options } = optionsOf(settings);
  return await PersistPipeline.open(DIRECTORY, {
    ...options,
    anchor: { ...anchor, ...(mode === undefined ? {} : { mode }), slotBytes: SLOT_BYTES },
    layout: "log-per-lane",
    vfs,
    log: SMALL,
  });
}

/** What pipelines in every kind of place are opened with. */
function optionsOf({
  inFlightBytes,
  lanesFirst = 0,
  twice = false,
  decode = anchorCodec.decode.bind(anchorCodec),
  entry = certificate,
  onPersisted,
}: PipelineSettings): PersistPipelineOptions<string, string, string, Anchor> {
  const needs: typeof anchorOptions.needs = (anchor) => {
    const { chain, lanes } = anchorOptions.needs(anchor);
    const again = lanes.map(([key, from]): [string, number] => [key, from - 1]);
    return {
      chain,
      ...(anchor.entry === true ? { chainEntry: entry(chain) } : {}),
      lanes: twice ? [...lanes, ...again] : lanes,
    };
  };
  return {
    lanes: { codec: textCodec, firstIndex: lanesFirst },
    chain: { codec: textCodec },
    anchor: { codec: { ...anchorCodec, decode }, needs },
    ...(inFlightBytes === undefined ? {} : { inFlightBytes }),
    ...(onPersisted === undefined ? {} : { onPersisted }),
  };
}

export const anchorOptions: {
  codec: Codec<Anchor>;
  needs: (anchor: Anchor) => { chain: number; chainEntry?: string; lanes: [string, number][] };
} = {
  codec: anchorCodec,
  needs: ({ chain, entry, lanes }) => ({
    chain,
    ...(entry === true ? { chainEntry: certificate(chain) } : {}),
    lanes: Object.entries(lanes),
  }),
};

export function certificate(index: number): string {
  return `certificate ${index}`;
}

export function certificates(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, at) => certificate(first + at));
}

export function blocks(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, at) => `block ${first + at}`);
}

/** Entries `first` to `last` of a lane, as a batch. */
export function lane(key: string, first: number, last: number): { key: string; values: string[]; firstIndex: number } {
  return { key, values: blocks(first, last), firstIndex: first };
}

/** The pipelines that every test of cycles runs on. */
export const pipelineKinds: readonly (readonly [string, PipelineOpener])[] = [
  [
    "a directory, with an anchor that alternates",
    (vfs, settings) => inDirectory(vfs, { ...settings, mode: "alternate" }),
  ],
  ["a directory, with an anchor that mirrors", (vfs, settings) => inDirectory(vfs, { ...settings, mode: "mirror" })],
  ["a shared log, part by part", (vfs, settings) => inSharedLog(vfs, { ...settings, atomic: false })],
  ["a shared log, atomic", (vfs, settings) => inSharedLog(vfs, { ...settings, atomic: true })],
  [
    "a shared log that acknowledges early, part by part",
    (vfs, settings) => inSharedLog(vfs, { ...settings, atomic: false, durability: "interval" }),
  ],
  [
    "a shared log that acknowledges early, atomic",
    (vfs, settings) => inSharedLog(vfs, { ...settings, atomic: true, durability: "os" }),
  ],
];

/** A pipeline and whatever it stands on. */
export interface OpenPipeline {
  readonly pipeline: Pipeline;
  close(): Promise<void>;
}

async function inDirectory(vfs: Vfs, settings: PipelineSettings): Promise<OpenPipeline> {
  const pipeline = await openIn(vfs, settings);
  return { pipeline, close: () => pipeline.close() };
}

async function inSharedLog(vfs: Vfs, settings: PipelineSettings): Promise<OpenPipeline> {
  const { atomic, durability = "sync" } = settings;
  const shared = await SharedLog.open(DIRECTORY, { ...SMALL_SHARED, vfs, durability });
  const pipeline = await PersistPipeline.open(shared, {
    ...optionsOf(settings),
    ...(atomic === undefined ? {} : { atomic }),
  });
  return {
    pipeline,
    async close() {
      await pipeline.close();
      await shared.close();
    },
  };
}
