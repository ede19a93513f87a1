/** Mutants of what stores commit together. */

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const togetherMutants = [
  {
    name: "what is gathered handed over as two batches",
    rule: "R10",
    file: "streams/writer.ts",
    find: "    return this.#issueEntries(gathering.records, gathering.bytes).then(\n",
    replace:
      "    return this.#issueEntries(gathering.records.slice(0, 1), 0)\n      .then(() => this.#issueEntries(gathering.records.slice(1), gathering.bytes)).then(\n",
    hint: "together",
  },
  {
    name: "a gathered append acknowledged before the batch is durable",
    rule: "R1",
    file: "streams/writer.ts",
    find: "    if (gathering !== undefined) return gathering.add(records, bytes, ranges);",
    replace:
      "    if (gathering !== undefined) { gathering.add(records, bytes, ranges).catch(() => undefined); return Promise.resolve(ranges); }",
    hint: "together",
  },
  {
    name: "of a batch that is too large together, a part is kept",
    rule: "R10",
    file: "streams/writer.ts",
    find: "    const total = { bytes: bytes + (gathering?.bytes ?? 0), count: count + (gathering?.records.length ?? 0) };\n    const problem = batchTooLarge(where, total, this.#limits);\n    if (problem !== undefined) return Promise.reject(gathering?.spoil(problem) ?? problem);",
    replace:
      "    const total = { bytes: bytes + (gathering?.bytes ?? 0), count: count + (gathering?.records.length ?? 0) };\n    const problem = batchTooLarge(where, total, this.#limits);\n    if (problem !== undefined) return Promise.reject(problem);",
    hint: "refused together",
  },
  {
    name: "numbers of what was refused together not taken back",
    rule: "R10",
    file: "streams/gathering.ts",
    find: "    for (const [stream, next] of this.#nextBefore) stream.acceptedNext = next;",
    replace: "",
    hint: "refused together",
  },
  {
    name: "a stream that lacks its part not missed",
    rule: "R10",
    file: "streams/writer.ts",
    find: "    const missing = required.find((stream) => !gathering.has(stream));",
    replace: "    const missing = required.find((stream) => gathering.has(stream) && stream.id < 0);",
    hint: "refused together",
  },
  {
    name: "what was gathered handed over though the function threw",
    rule: "R10",
    file: "streams/writer.ts",
    find: "      return Promise.reject(gathering.refuse(refusalFor(where, error), error));",
    replace:
      "      void this.#issueEntries(gathering.records, gathering.bytes).then(() => gathering.acknowledge());\n      return Promise.reject(error);",
    hint: "refused together",
  },
  {
    name: "events of a refused batch keep their numbers",
    rule: "R10",
    file: "events/writer.ts",
    find: "      this.#nextLsn = firstLsn;\n",
    replace: "",
    hint: "refused together",
  },
  {
    name: "a refusal of what was gathered poisons the events",
    rule: "R10",
    file: "events/writer.ts",
    find: "if (batch.isRefused) throw error;",
    replace: "",
    hint: "refused together",
  },
  {
    name: "a commit store that hands its version over later than in the call",
    rule: "R10",
    file: "flatkv/flat-kv.ts",
    find: "return await this.#turns.takeAtOnce(() => this.#commitNow());",
    replace: "return await this.#turns.take(() => this.#commitNow());",
    hint: "refused together",
  },
  {
    name: "a session that hands its commit over later than in the call",
    rule: "R10",
    file: "trie/session.ts",
    find: "      return await this.#store.turns.takeAtOnce(async () => {",
    replace: "      return await this.#store.turns.take(async () => {",
    hint: "refused together",
  },
  {
    name: "what joins a cycle handed over behind it",
    rule: "R10",
    file: "lanes/commit-together.ts",
    find: "companions === undefined ? place.commit!(batches) : companions.commit(place, batches)",
    replace:
      "companions === undefined ? place.commit!(batches) : place.commit!(batches).then(async (ranges) => (await companions.commit(place, []), ranges))",
    hint: "together-cycles",
  },
];
