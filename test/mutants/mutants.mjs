/**
 * Engines with one thing wrong each: one for each rule and each sync. A mutant is a textual change that is made while the engine is bundled
 * for its hunt; nothing of it is in the sources or the package. A change whose `find` does not stand exactly once in its file is an error.
 *
 * What is not here, because no crash can tell it from the engine, with the reason:
 * - the segment's salt or number left out of the checksum's seed: LSN, epoch and chain each refuse a leftover group on their own;
 * - the epoch not raised by an opening: the chain refuses the groups behind a cut, because the group before them is another one now;
 * - the next segment's number not counted on: a number whose name is taken is passed over, and the salt tells two lives of a number apart;
 * - the kept tail written again without its image: the simulated disk does not tear a write of the bytes that are there already. Real ones may,
 *   so the image stays;
 * - the group header's checksum not looked at: LSN, chain, the records' checksum and their lengths each catch what a tear or a flipped byte makes
 *   of a header, or it harms no record;
 */

/**
 * @typedef {object} Mutant
 * @property {string} name
 * @property {string} rule The rule that it breaks: R1 to R10 of the design, O9 for tidiness.
 * @property {string} file Below `src`.
 * @property {string} find
 * @property {string} replace
 * @property {string} [hint] The scenario that is tried first; all others follow.
 */

/** @type {readonly Mutant[]} */
export const mutants = [
  // How a group becomes durable.
  {
    name: "acknowledge before the write",
    rule: "R1",
    file: "log/sync.ts",
    find: "  await active.write(bytes);",
    replace: "  void active.write(bytes).catch(() => undefined);",
    hint: "log-align",
  },
  {
    name: "group writes are not durable",
    rule: "R1",
    file: "log/activation.ts",
    find: 'durableWrites: options.durability === "sync",',
    replace: "durableWrites: false,",
    hint: "log-align",
  },
  {
    name: "roll without syncing",
    rule: "R1",
    file: "log/sync.ts",
    find: "  await syncTail(tail);\n  await activateSegment",
    replace: "  await activateSegment",
    hint: "log-os",
  },
  {
    name: "sync that syncs nothing",
    rule: "R1",
    file: "log/sync.ts",
    find: "  await tail.active.syncData();",
    replace: "",
    hint: "log-os",
  },
  {
    name: "close without syncing",
    rule: "R1",
    file: "log/writer.ts",
    find: "      await this.syncWritten();\n      await last();",
    replace: "      await last();",
    hint: "log-os",
  },
  {
    name: "truncate what is not durable",
    rule: "R1",
    file: "log/writer.ts",
    find: "        await this.syncWritten();\n        const plan",
    replace: "        const plan",
    hint: "log-os",
  },
  {
    name: "double-write image left out",
    rule: "R5",
    file: "log/sync.ts",
    find: "  if (tail.doubleWrite !== undefined) await protectSharedBlock(tail, bytes);",
    replace: "",
    hint: "tight",
  },
  {
    name: "floor too high",
    rule: "R5",
    file: "log/sync.ts",
    find: "floor: tail.durableLsn,",
    replace: "floor: group.lastLsn,",
    hint: "log-align",
  },
  {
    name: "floor always zero",
    rule: "R5",
    file: "log/sync.ts",
    find: "floor: tail.durableLsn,",
    replace: "floor: 0,",
    hint: "damage",
  },
  {
    name: "batch split over two groups",
    rule: "R10",
    file: "log/writer.ts",
    find: "    if (!this.#takes(bytes)) return this.#wait(records, bytes);\n    const range",
    replace:
      "    if (records.length > 1) return this.appendAll(records.slice(0, 1)).then(async ({ firstLsn }) => ({ firstLsn, lastLsn: (await this.appendAll(records.slice(1))).lastLsn }));\n    if (!this.#takes(bytes)) return this.#wait(records, bytes);\n    const range",
    hint: "log-align",
  },
  {
    name: "go on after a failed write",
    rule: "R4",
    file: "log/writer.ts",
    find: "        this.#fail(group, this.#poison(error));",
    replace: "        this.#fail(group, error);",
    hint: "faults",
  },
  {
    name: "failed sync forgotten",
    rule: "R4",
    file: "log/writer.ts",
    find: "        .catch((error: unknown) => {\n          this.#poison(error);\n        })\n        .finally(() => {\n          this.#syncing",
    replace:
      "        .catch(() => {\n          this.#tail.durableLsn = target;\n        })\n        .finally(() => {\n          this.#syncing",
    hint: "faults",
  },
  {
    name: "mark claims what is not durable",
    rule: "R5",
    file: "log/log.ts",
    find: "this.#mark.write({ epoch: state.epoch, durableLsn, visibleLsn })",
    replace: "this.#mark.write({ epoch: state.epoch, durableLsn: visibleLsn + 0 * durableLsn, visibleLsn })",
    hint: "log-os",
  },

  // Segments: making, rolling, pruning, cutting.
  {
    name: "segment header not synced",
    rule: "R2",
    file: "log/activation.ts",
    find: "    await file.syncData();\n  } finally",
    replace: "  } finally",
    hint: "log-rows",
  },
  {
    name: "segment name not synced",
    rule: "R2",
    file: "log/activation.ts",
    find: "  await vfs.syncDirectory(directory.path);",
    replace: "",
    hint: "log-rows",
  },
  {
    name: "log directory's name not synced",
    rule: "R2",
    file: "log/open.ts",
    find: "  await syncName(vfs, path);\n}",
    replace: "}",
    hint: "log-rows",
  },
  {
    name: "cut that starts no epoch",
    rule: "R6",
    file: "log/activation.ts",
    find: "plan.cuts === true ? state.epoch + 1 : state.epoch",
    replace: "state.epoch",
    hint: "cuts",
  },
  {
    name: "cut not written into the next header",
    rule: "R6",
    file: "log/activation.ts",
    find: "  return [{ ...back[0], end: plan.previousEnd, chain: plan.chain }, ...back.slice(1)];",
    replace: "  return back;",
    hint: "log-rows",
  },
  {
    name: "records that a cut keeps are not copied",
    rule: "R10",
    file: "log/activation.ts",
    find: "    if (kept !== undefined) await file.write(kept.bytes, options.blockBytes);",
    replace: "",
    hint: "cuts",
  },
  {
    name: "first segment forgotten by a cut of everything",
    rule: "R7",
    file: "log/activation.ts",
    find: "      ...(plan.previous === undefined ? { firstSegment: number } : {}),",
    replace: "",
    hint: "log-rows",
  },
  {
    name: "segments recycled before the anchor drops them",
    rule: "R2",
    file: "log/truncation.ts",
    find: "  await anchorState(tail, { firstLsn: lsn, firstSegment: keep.number });\n  await tail.spares.recycle(tail.table.dropBefore(lsn), tail.files);",
    replace:
      "  await tail.spares.recycle(tail.table.dropBefore(lsn), tail.files);\n  await anchorState(tail, { firstLsn: lsn, firstSegment: keep.number });",
    hint: "log-rows",
  },
  {
    name: "LSNs go on behind a cut",
    rule: "R6",
    file: "log/writer.ts",
    find: "        if (this.#failure === undefined) this.#nextLsn = this.#tail.visibleLsn + 1;",
    replace: "",
    hint: "log-rows",
  },

  // Recovery.
  {
    name: "double-write buffer not cleared after a rewrite",
    rule: "R5",
    file: "log/recovery.ts",
    find: "  await buffer.clear();",
    replace: "",
    hint: "log-trust",
  },
  {
    name: "damage taken for a torn tail",
    rule: "R5",
    file: "log/recovery.ts",
    find: "  if (evidence !== undefined && evidence.durableLsn >= end.lsn) {",
    replace: "  if (evidence !== undefined && evidence.durableLsn < 0) {",
    hint: "damage",
  },
  {
    name: "uncertain tail not written again",
    rule: "R3",
    file: "log/open.ts",
    find: "const rewrittenBytes = buffer === undefined ? 0 : await rewriteTail(file, segment, buffer, range);",
    replace: "const rewrittenBytes = buffer === undefined ? 0 : range.end - range.from;",
    hint: "unsynced",
  },
  {
    name: "rewritten tail not synced",
    rule: "R3",
    file: "log/recovery.ts",
    find: "    await file.syncData();\n    bytes += length;",
    replace: "    bytes += length;",
    hint: "unsynced",
  },
  {
    name: "images not put back",
    rule: "R5",
    file: "log/open.ts",
    find: "      await restoreImages(file, segment, buffer);",
    replace: "",
    hint: "tight",
  },
  {
    name: "new epoch not anchored",
    rule: "R6",
    file: "log/open.ts",
    find: "    await anchor.write(encodeLogState(reopened));",
    replace: "",
    hint: "log-align",
  },
  {
    name: "still clean after reopening",
    rule: "R4",
    file: "log/open.ts",
    find: "epoch: state.epoch + 1, clean: false,",
    replace: "epoch: state.epoch + 1, clean: state.clean,",
    hint: "log-rows",
  },
  {
    name: "mark of another epoch believed",
    rule: "R6",
    file: "log/recovery.ts",
    find: "mark !== undefined && mark.epoch === state.epoch ? mark.durableLsn : undefined",
    replace: "mark?.durableLsn",
    hint: "cuts",
  },
  {
    name: "orphans left",
    rule: "O9",
    file: "log/open.ts",
    find: "    for (const number of removable) await vfs.remove(directory.segment(number));",
    replace: "",
    hint: "log-rows",
  },
  {
    name: "no lock",
    rule: "R9",
    file: "log/open.ts",
    find: "    const lock = await vfs.lock(directory.lock);",
    replace: "    const lock = { path: directory.lock, release: () => Promise.resolve() };",
    hint: "lock",
  },
  {
    name: "reader shows what is not acknowledged",
    rule: "R9",
    file: "log/log-reader.ts",
    find: "      if (group.firstLsn > acknowledged) break;",
    replace: "",
    hint: "looks",
  },

  // Checks of what is read.
  {
    name: "records not checked",
    rule: "R5",
    file: "log/format.ts",
    find: "  return crc32cRange(bytes, start, start + header.bodyBytes, seed) === header.bodyCrc;",
    replace: "  return true;",
    hint: "log-align",
  },
  {
    name: "segment header not checked",
    rule: "R5",
    file: "log/format.ts",
    find: "  if (readU32(bytes, SEGMENT_CRC) !== segmentHeaderCrc(bytes, end)) {",
    replace: "  if (readU32(bytes, SEGMENT_CRC) < 0) {",
    hint: "damage",
  },
  {
    name: "chain and epoch not checked",
    rule: "R6",
    file: "log/group-scanner.ts",
    find: "    if (header.epoch < this.#epoch || header.epoch > plan.epochMax) {",
    replace: "    this.#chain = undefined;\n    if (header.epoch < 0) {",
    hint: "unsynced",
  },

  // The double-write buffer.
  {
    name: "image not checked",
    rule: "R5",
    file: "log/double-write-buffer.ts",
    find: " || crc32c(image) !== readU32(table, entry + 20)",
    replace: "",
    hint: "double-write",
  },
  {
    name: "buffer writes are not durable",
    rule: "R5",
    file: "log/double-write-buffer.ts",
    find: 'create: "if-missing", durableWrites: true',
    replace: 'create: "if-missing", durableWrites: false',
    hint: "double-write",
  },
  {
    name: "buffer's name not synced",
    rule: "R2",
    file: "log/double-write-buffer.ts",
    find: "      await vfs.syncDirectory(vfs.parent(path));",
    replace: "",
    hint: "double-write",
  },
  {
    name: "images used that are not durable",
    rule: "R3",
    file: "log/double-write-buffer.ts",
    find: "      await this.#renew(batch.images, batch.sequence);",
    replace: "",
    hint: "double-write",
  },

  // The anchor.
  {
    name: "anchor writes are not durable",
    rule: "R1",
    file: "anchor/anchor-file.ts",
    find: '  return vfs.open(path, { access: "read-write", durableWrites: true });',
    replace: '  return vfs.open(path, { access: "read-write", durableWrites: false });',
    hint: "anchor",
  },
  {
    name: "anchor's second slot not written",
    rule: "R5",
    file: "anchor/anchor.ts",
    find: "        await this.#file.write(bytes, slotBytes);",
    replace: "",
    hint: "anchor",
  },
  {
    name: "both slots at once",
    rule: "R5",
    file: "anchor/anchor.ts",
    find: "        await this.#file.write(bytes, 0);",
    replace: "        void this.#file.write(bytes, 0);",
    hint: "anchor",
  },
  {
    name: "fresh anchor file not durable",
    rule: "R2",
    file: "anchor/anchor-file.ts",
    find: 'create: "exclusive", durableWrites: true',
    replace: 'create: "exclusive", durableWrites: false',
    hint: "anchor",
  },
  {
    name: "anchor's name not synced",
    rule: "R2",
    file: "anchor/anchor-file.ts",
    find: "  await vfs.syncDirectory(vfs.parent(path));",
    replace: "",
    hint: "anchor",
  },
  {
    name: "anchor adopted without writing it again",
    rule: "R3",
    file: "anchor/anchor.ts",
    find: "    await replaceAnchorFile(vfs, path, slotBytes, [newest, older]);",
    replace:
      "    if ((await vfs.stat(path)) === undefined) await replaceAnchorFile(vfs, path, slotBytes, [newest, older]);",
    hint: "anchor",
  },
  {
    name: "older slot wins",
    rule: "R1",
    file: "anchor/recovery.ts",
    find: "first.sequence > second.sequence ? [first, second] : [second, first]",
    replace: "first.sequence < second.sequence ? [first, second] : [second, first]",
    hint: "anchor",
  },
  {
    name: "anchor's value not checked",
    rule: "R5",
    file: "anchor/format.ts",
    find: "  if (slotCrc(bytes) !== readU32(bytes, SLOT_CRC_OFFSET)) return",
    replace: "  if (slotCrc(bytes) < 0) return",
    hint: "anchor",
  },
  {
    name: "go on after a failed anchor write",
    rule: "R4",
    file: "anchor/anchor.ts",
    find: "      this.#poisoned = true;",
    replace: "",
    hint: "faults",
  },

  // Shared logs.
  {
    name: "shared: a batch over two streams split in two",
    rule: "R10",
    file: "streams/writer.ts",
    find: "  commit(where: string, batches: readonly StreamBatch[]): Promise<LsnRange[]> {",
    replace:
      "  commit(where: string, batches: readonly StreamBatch[]): Promise<LsnRange[]> {\n    if (batches.length > 1) return this.commit(where, batches.slice(0, 1)).then(async ([first]) => [first!, ...(await this.commit(where, batches.slice(1)))]);",
    hint: "shared-log",
  },
  {
    name: "shared: moving an entry drops it",
    rule: "R1",
    file: "streams/book.ts",
    find: "    stream.index.set(lsn, physical);",
    replace: "",
    hint: "shared-log-stuck",
  },
  {
    name: "shared: moved copies forgotten by openings",
    rule: "R1",
    file: "streams/recovery.ts",
    find: "    this.#book.applyMoved(stream, lsn, physical);",
    replace: "",
    hint: "shared-log-stuck",
  },
  {
    name: "shared: pruned before the moved copies are durable",
    rule: "R1",
    file: "streams/maintenance.ts",
    find: "    issue();\n    await Promise.all(issued);",
    replace: "    await this.#prune(range.end);\n    issue();\n    await Promise.all(issued);",
    hint: "shared-log-stuck",
  },
  {
    name: "shared: segment with one live record pruned",
    rule: "R1",
    file: "streams/segment-use.ts",
    find: "this.#live[count] === 0",
    replace: "this.#live[count]! <= 1",
    hint: "shared-log-stuck",
  },
  {
    name: "shared: a copy brings back what is being cut",
    rule: "R6",
    file: "streams/writer.ts",
    find: "    return !stream.dropped && lsn >= stream.acceptedFirst && lsn < stream.pendingCutLsn;",
    replace: "    return true || lsn > stream.id;",
    hint: "shared-log-moves",
  },
  {
    name: "shared: baseline not stored",
    rule: "R1",
    file: "streams/writer.ts",
    find: "encodeState({ stream: id, firstLsn: acceptedFirst, nextLsn: acceptedNext }, nameBytes)",
    replace:
      "encodeState(acceptedFirst === acceptedNext ? { stream: id, firstLsn: 1, nextLsn: 1 } : { stream: id, firstLsn: acceptedFirst, nextLsn: acceptedNext }, nameBytes)",
    hint: "shared-log",
  },
  {
    name: "shared: a stream's state not kept alive",
    rule: "R1",
    file: "streams/book.ts",
    find: "    if (stream.statePhysical !== 0) this.use.remove(stream.statePhysical);\n    stream.statePhysical = physical;\n    this.use.add(physical);",
    replace: "    stream.statePhysical = physical;",
    hint: "idle",
  },
  {
    name: "shared: checkpoint says more than it holds",
    rule: "R3",
    file: "streams/maintenance.ts",
    find: "    const asOf = this.#log.lastLsn;",
    replace: "    const asOf = this.#writer.nextPhysical - 1;",
    hint: "shared-log",
  },
  {
    name: "shared: checkpoint believed up to where it ends",
    rule: "R3",
    file: "streams/recovery.ts",
    find: "new Replay(log, loaded.book, loaded.asOf + 1, true)",
    replace: "new Replay(log, loaded.book, lsn + 1, true)",
    hint: "shared-log",
  },
  {
    name: "shared: truncation acknowledged before it is durable",
    rule: "R1",
    file: "streams/writer.ts",
    find: "    if (this.#log.durableLsn < this.#log.lastLsn) await this.#log.sync();",
    replace: "",
    hint: "shared-log-os",
  },

  // Event logs.
  {
    name: "checkpoint written before its snapshot",
    rule: "R10",
    file: "events/checkpointer.ts",
    find: "    for (const batch of batches.slice(0, -1)) await writer.appendAll(WHERE, batch);",
    replace:
      "    for (const batch of batches.slice(0, -1)) void new Promise(setImmediate).then(() => writer.appendAll(WHERE, batch)).catch(() => undefined);",
    hint: "events",
  },
  {
    name: "prune before the checkpoint is durable",
    rule: "R1",
    file: "events/checkpointer.ts",
    find: "    await writer.appendCheckpoint(WHERE, [...rest, record]);",
    replace:
      "    await this.#journal.truncateBefore(through + 1);\n    await writer.appendCheckpoint(WHERE, [...rest, record]);",
    hint: "events",
  },
  {
    name: "checkpoint that covers what came after it was asked for",
    rule: "R10",
    file: "events/checkpointer.ts",
    find: "      through,\n      firstPartLsn,",
    replace: "      through: writer.nextLsn - 1,\n      firstPartLsn,",
    hint: "events",
  },
  {
    name: "records that do not point back to the newest checkpoint",
    rule: "R10",
    file: "events/writer.ts",
    find: "    this.#checkpointLsn = this.#nextLsn - 1;",
    replace: "",
    hint: "events",
  },
  {
    name: "flush that does not wait for the disk",
    rule: "R1",
    file: "events/writer.ts",
    find: "      await this.#last;",
    replace: "      if (this.#inFlight > 1) await this.#last;\n      else return lastLsn;",
    hint: "events",
  },
  {
    name: "enqueued events forgotten by close",
    rule: "R1",
    file: "events/writer.ts",
    find: "    if (this.#failure === undefined) await this.#flush();",
    replace: "    if (this.#failure === undefined) return;",
    hint: "events",
  },
  {
    name: "only the newest snapshot is tried",
    rule: "R10",
    file: "events/hydration.ts",
    find: "  for (const checkpoint of checkpoints) {",
    replace: "  for (const checkpoint of checkpoints.slice(0, 1)) {",
    hint: "events",
  },
  {
    name: "pruned past the only snapshot",
    rule: "R10",
    file: "events/checkpointer.ts",
    find: "    if (withSnapshot !== undefined && !kept.includes(withSnapshot)) kept.push(withSnapshot);",
    replace: "",
    hint: "events",
  },
  // Lanes.
  {
    name: "prune to the newer slot of the anchor",
    rule: "R5",
    file: "lanes/persist-pipeline.ts",
    find: "needsOf(this.#parts.options, this.#parts.anchor.fallbackValue)",
    replace: "needsOf(this.#parts.options, this.#parts.anchor.value)",
    hint: "tellings",
  },
  {
    name: "jump with the anchor in one slot",
    rule: "R5",
    file: "lanes/persist.ts",
    find: "  await anchor.writeAgain();",
    replace:
      "  for (const part of planned) if (hasToJump(part)) Object.assign(part, { olderNeed: part.need });\n  if (planned.length > 0) return planned;",
    hint: "tellings",
  },
  {
    name: "publish before it is durable",
    rule: "R1",
    file: "lanes/persist.ts",
    find: "acts.push(entries.append(request).then(publish));",
    replace:
      "{ const firstIndex = request.from ?? entries.nextIndex; publish({ firstIndex, nextIndex: firstIndex + request.values.length }); acts.push(entries.append(request).then(() => undefined)); }",
    hint: "tellings",
  },
  {
    name: "publish an anchor before it is durable",
    rule: "R1",
    file: "lanes/persist-pipeline.ts",
    find: '          await write(anchor.bytes);\n          this.#publish({ kind: "anchor", anchor: anchor.value });',
    replace: '          this.#publish({ kind: "anchor", anchor: anchor.value });\n          await write(anchor.bytes);',
    hint: "tellings",
  },
  {
    name: "baseline not stored",
    rule: "R1",
    file: "lanes/entry-log.ts",
    find: "    const after = this.#baseline(records, this.#run, nextIndex);\n",
    replace:
      "    const after = this.#baseline(records, this.#run, nextIndex);\n    await this.#journal.truncateAll();\n    this.#run = { ...after, generation: 0, shift: this.#journal.nextLsn + 1 - nextIndex };\n    if (nextIndex >= 0) return;\n",
    hint: "lanes-entries",
  },
  {
    name: "prune before the baseline is there",
    rule: "R10",
    file: "lanes/entry-log.ts",
    find: "    const after = this.#baseline(records, this.#run, nextIndex);\n",
    replace:
      "    const after = this.#baseline(records, this.#run, nextIndex);\n    await this.#journal.truncateAll();\n",
    hint: "lanes-entries",
  },
  {
    name: "interrupted jump left unfinished",
    rule: "O9",
    file: "lanes/entry-log.ts",
    find: "    if (keepLsn > journal.firstLsn) await journal.truncateBefore(keepLsn);",
    replace: "",
    hint: "lanes-entries",
  },

  // Directories of tidwall/wal.
  {
    name: "exported files not synced",
    rule: "R1",
    file: "tidwall/writer.ts",
    find: "    await this.#file?.syncData();",
    replace: "",
    hint: "tidwall",
  },
  {
    name: "exported names not synced",
    rule: "R2",
    file: "tidwall/writer.ts",
    find: "      await this.#vfs.syncDirectory(this.directory);",
    replace: "",
    hint: "tidwall",
  },
  {
    name: "import that begins again behind what is there",
    rule: "R10",
    file: "tidwall/import.ts",
    find: "source.firstIndex + alreadyThere, room",
    replace: "source.firstIndex, room",
    hint: "tidwall",
  },
];

/** An engine that is broken for everyone to see: if no hunt finds it, the hunts are blind. @type {Mutant} */
export const canary = {
  name: "canary",
  rule: "-",
  file: "log/sync.ts",
  find: "  await active.write(bytes);",
  replace: "",
};
