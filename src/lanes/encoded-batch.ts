/** What goes into a pipeline, as bytes. Pure. */
import { checkOptions } from "../base/index.js";
import type { AppendRequest } from "./append-queue.js";
import { checkArray, checkIndex } from "./arguments.js";
import { encodeAll } from "./codec.js";
import type { PersistBatch } from "./persist-batch.js";
import { type Needs, NOTHING, encodeAnchor, needsOf } from "./pipeline-needs.js";
import type { PipelineParts } from "./pipeline-parts.js";

/** A batch as bytes. */
export interface EncodedBatch<K, A> {
  readonly anchor: { readonly value: A; readonly bytes: Uint8Array; readonly needs: Needs<K> } | undefined;
  readonly chain: AppendRequest | undefined;
  readonly lanes: readonly { readonly key: K; readonly request: AppendRequest }[];
  /** Of all its values. */
  readonly bytes: number;
}

/** Encodes a batch. Throws what a call of `persist` refuses at once. */
export function encodeBatch<K, T, C, A>(
  { options, chain, lanes }: Pick<PipelineParts<K, T, C, A>, "options" | "chain" | "lanes">,
  batch: PersistBatch<K, T, C, A>,
): EncodedBatch<K, A> {
  const where = "PersistPipeline.persist";
  const given = checkOptions<PersistBatch<K, T, C, A>>(where, batch, ["anchor", "chain", "lanes"]);
  const bytes = given.anchor === undefined ? undefined : encodeAnchor(options, given.anchor);
  const encoded = {
    anchor: bytes === undefined ? undefined : { value: given.anchor as A, bytes, needs: needsOf(options, bytes) },
    chain: given.chain && {
      values: encodeAll(options.chain.codec, checkArray(where, "chain.values", given.chain.values), chain.name),
      from: checkIndex(where, "chain.firstIndex", given.chain.firstIndex),
      skipsKnown: true,
    },
    lanes: checkArray(where, "lanes", given.lanes ?? []).map(({ key, values, firstIndex }) => ({
      key,
      request: {
        values: encodeAll(options.lanes.codec, checkArray(where, "values", values), lanes.label(key)),
        from: firstIndex === undefined ? undefined : checkIndex(where, "firstIndex", firstIndex),
      },
    })),
  };
  const { chainEntry } = encoded.anchor?.needs ?? NOTHING;
  // Durable, an anchor whose entry has no room could never be opened again.
  if (chainEntry !== undefined) chain.requireRoom(chainEntry);
  const requests = [...encoded.lanes.map(({ request }) => request), ...chainRequests(encoded)];
  const values = [...requests.flatMap((request) => request.values), ...(bytes === undefined ? [] : [bytes])];
  return { ...encoded, bytes: values.reduce((sum, value) => sum + value.length, 0) };
}

/** What the chain gets: the entry that the anchor starts it at, then the batch's own. */
export function chainRequests<K, A>({ anchor, chain }: Pick<EncodedBatch<K, A>, "anchor" | "chain">): AppendRequest[] {
  const needs = anchor?.needs;
  const start: AppendRequest[] =
    needs?.chainEntry === undefined ? [] : [{ values: [needs.chainEntry], from: needs.chain, skipsKnown: true }];
  return chain === undefined ? start : [...start, chain];
}
