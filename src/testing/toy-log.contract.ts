/**
 * A toy append-only log for testing the explorer: one file of checksummed records, one sync per append. Each mutant leaves out one thing
 * that crash safety needs; the explorer has to catch every one.
 */
import { HoldfastError, readU32, writeU32 } from "../base/index.js";
import { crc32c } from "../checksum/index.js";
import type { Vfs, VfsFile } from "../vfs/index.js";
import type { ExploreCrashesOptions } from "./crash-options.js";

/** What a mutant leaves out. */
export type ToyMutant =
  | "ack-early"
  | "no-sync"
  | "no-directory-sync"
  | "no-checksum"
  | "no-truncate"
  | "no-recovery-sync"
  | "retry-sync"
  | "ignore-sync-error";

export type ToyEvent = { readonly kind: "issued" | "acked" | "observed"; readonly count: number };

const HEADER_BYTES = 12;
const PATH = "/toy/log";

/** A log of byte strings. Record: u32 length, u32 sequence, u32 checksum of all the rest, payload. */
export class ToyLog {
  readonly records: Uint8Array[] = [];
  readonly #vfs: Vfs;
  readonly #mutant: ToyMutant | undefined;
  #file: VfsFile | undefined;
  #end = 0;
  #failed = false;

  constructor(vfs: Vfs, mutant: ToyMutant | undefined) {
    this.#vfs = vfs;
    this.#mutant = mutant;
  }

  static async open(vfs: Vfs, mutant?: ToyMutant): Promise<ToyLog> {
    const log = new ToyLog(vfs, mutant);
    await log.#recover();
    return log;
  }

  /** Appends a batch with one sync. */
  async append(payloads: readonly Uint8Array[], acknowledged?: () => void): Promise<void> {
    if (this.#failed) throw new HoldfastError("HF_POISONED", "the log has failed");
    const file = this.#file as VfsFile;
    let end = this.#end;
    try {
      if (this.#mutant === "ack-early") acknowledged?.();
      const writes = payloads.map((payload, at) => {
        const record = encode(payload, this.records.length + at, this.#mutant);
        end += record.byteLength;
        return file.write(record, end - record.byteLength);
      });
      await Promise.all(writes);
      if (this.#mutant !== "no-sync") await this.#sync(file);
    } catch (error) {
      this.#failed = true;
      throw error;
    }
    this.#end = end;
    this.records.push(...payloads);
    if (this.#mutant !== "ack-early") acknowledged?.();
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  async #sync(file: VfsFile): Promise<void> {
    try {
      await file.syncData();
    } catch (error) {
      if (this.#mutant === "ignore-sync-error") return;
      if (this.#mutant !== "retry-sync") throw error;
      await file.syncData();
    }
  }

  async #recover(): Promise<void> {
    await this.#vfs.makeDirectory("/toy");
    const file = await this.#vfs.open(PATH, { access: "read-write", create: "if-missing" });
    this.#file = file;
    const bytes = new Uint8Array(await file.size());
    await file.read(bytes, 0);
    for (;;) {
      const payload = decode(bytes, this.#end, this.records.length, this.#mutant);
      if (payload === undefined) break;
      this.records.push(payload);
      this.#end += HEADER_BYTES + payload.byteLength;
    }
    if (this.#mutant !== "no-truncate" && this.#end < bytes.byteLength) await file.truncate(this.#end);
    if (this.#mutant !== "no-recovery-sync") {
      // What is shown from here on must survive; a process that was killed may have left it in the page cache alone.
      if (this.#end > 0) await file.write(bytes.subarray(0, this.#end), 0);
      await file.syncData();
    }
    if (this.#mutant !== "no-directory-sync") {
      await this.#vfs.syncDirectory("/toy");
      await this.#vfs.syncDirectory("/");
    }
  }
}

function encode(payload: Uint8Array, sequence: number, mutant: ToyMutant | undefined): Uint8Array {
  const record = new Uint8Array(HEADER_BYTES + payload.byteLength);
  writeU32(record, 0, payload.byteLength);
  writeU32(record, 4, sequence);
  record.set(payload, HEADER_BYTES);
  writeU32(record, 8, mutant === "no-checksum" ? 1 : checksum(record));
  return record;
}

function decode(
  bytes: Uint8Array,
  at: number,
  sequence: number,
  mutant: ToyMutant | undefined,
): Uint8Array | undefined {
  if (at + HEADER_BYTES > bytes.byteLength) return undefined;
  const length = readU32(bytes, at);
  if (at + HEADER_BYTES + length > bytes.byteLength || readU32(bytes, at + 4) !== sequence) return undefined;
  const record = bytes.slice(at, at + HEADER_BYTES + length);
  const stored = readU32(record, 8);
  writeU32(record, 8, 0);
  if (mutant === "no-checksum" ? stored !== 1 : stored !== checksum(record)) return undefined;
  return record.slice(HEADER_BYTES);
}

function checksum(record: Uint8Array): number {
  return crc32c(record);
}

/** The payload of record `index` in every run: sizes below, at and above a sector. */
export function toyPayload(index: number): Uint8Array {
  return new Uint8Array([5, 700, 0, 100, 1300][index % 5] as number).fill(index + 1);
}

/** The payloads of records [first, end). */
function toyPayloads(first: number, end: number): Uint8Array[] {
  return Array.from({ length: end - first }, (_, at) => toyPayload(first + at));
}

function expectThat(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

/** A scenario over the toy log: batches of two records. */
export function toyScenario(mutant?: ToyMutant): ExploreCrashesOptions<ToyLog, ToyEvent> {
  return {
    name: `toy log${mutant === undefined ? "" : ` with ${mutant}`}`,
    steps: 3,
    async workload({ vfs, note, steps }) {
      const log = await ToyLog.open(vfs, mutant);
      for (let count = 2; count <= steps * 2; count += 2) {
        note({ kind: "issued", count });
        await log.append(toyPayloads(count - 2, count), () => note({ kind: "acked", count }));
      }
      await log.close();
    },
    async recover({ vfs, note }) {
      const log = await ToyLog.open(vfs, mutant);
      note({ kind: "observed", count: log.records.length });
      return log;
    },
    check(log, events) {
      const most = (...kinds: readonly ToyEvent["kind"][]): number =>
        events.reduce((max, event) => (kinds.includes(event.kind) ? Math.max(max, event.count) : max), 0);
      const count = log.records.length;
      expectThat(
        count >= most("acked", "observed"),
        `${count} records, but ${most("acked", "observed")} were promised`,
      );
      expectThat(count <= most("issued"), `${count} records, but only ${most("issued")} were written`);
      log.records.forEach((record, at) =>
        expectThat(Buffer.compare(record, toyPayload(at)) === 0, `record ${at} is not what was written`),
      );
    },
    async resume(log) {
      await log.append([toyPayload(log.records.length)]);
    },
    checkResumed(log, _, { previous }) {
      expectThat(
        log.records.length === previous?.records.length,
        `${log.records.length} records, but ${previous?.records.length} were there`,
      );
    },
    close: (log) => log.close(),
    idempotent: "bytes",
    describe: (log) => `${log.records.length}`,
  };
}
