/** Databases and logs of npm as logs: opened, appended to, filled and read, as each offers it. What each does and doesn't is in `facts.mjs`. */
import fs from "node:fs";
import path from "node:path";
import { Log } from "../holdfast.mjs";
import { gather } from "./gather.mjs";

/**
 * An open log. `append` is durable when it resolves, as far as the peer goes. `replay` gives every record from the oldest to the newest.
 *
 * @typedef {object} LogPeer
 * @property {(record: Uint8Array) => PromiseLike<unknown>} append
 * @property {(records: Uint8Array[]) => Promise<unknown>} fill
 * @property {(each: (record: Uint8Array) => void) => Promise<void>} replay
 * @property {() => Promise<unknown>} close
 *
 * @typedef {(directory: string, purpose: "append" | "fill" | "read") => Promise<LogPeer>} OpenLogPeer
 */

/**
 * @param {"pool" | "inline"} flush
 * @returns {OpenLogPeer}
 */
export function holdfast(flush) {
  return async (directory, purpose) => {
    const log = await Log.open(directory, { flush, durability: purpose === "fill" ? "os" : "sync" });
    return {
      append: (record) => log.append(record),
      fill: (records) => log.appendAll(records),
      replay: async (each) => {
        for await (const batch of log.readBatches())
          for (let index = 0, { count } = batch; index < count; index++) each(batch.payload(index));
      },
      close: () => log.close(),
    };
  };
}

/** @type {OpenLogPeer} */
export async function classicLevel(directory, purpose) {
  const { ClassicLevel } = await import("classic-level");
  /** @type {import("classic-level").ClassicLevel<Uint8Array, Uint8Array>} */
  const level = new ClassicLevel(directory, { keyEncoding: "view", valueEncoding: "view", compression: false });
  await level.open();
  let next = 0;
  const write = async (/** @type {Uint8Array[]} */ records) => {
    const batch = level.batch();
    for (const record of records) {
      const key = new Uint8Array(8);
      new DataView(key.buffer).setFloat64(0, next++);
      batch.put(key, record);
    }
    await batch.write({ sync: purpose !== "fill" });
  };
  return {
    append: gather(write),
    fill: write,
    replay: async (each) => {
      const values = level.values();
      for (let some = await values.nextv(1000); some.length > 0; some = await values.nextv(1000)) some.forEach(each);
      await values.close();
    },
    close: () => level.close(),
  };
}

/**
 * @param {boolean} overlapping
 * @returns {OpenLogPeer}
 */
export function lmdb(overlapping) {
  return async (directory, purpose) => {
    const { open } = await import("lmdb");
    const database = open({
      path: directory,
      keyEncoding: "uint32",
      encoding: "binary",
      // Of a database that is only filled, nothing has to be durable.
      overlappingSync: overlapping && purpose !== "fill",
      noSync: purpose === "fill",
    });
    let key = 0;
    const put = (/** @type {Uint8Array} */ record) =>
      database.put(key++, Buffer.from(record.buffer, record.byteOffset, record.length));
    return {
      append: overlapping
        ? async (record) => {
            await put(record);
            await database.flushed;
          }
        : put,
      fill: (records) => Promise.all(records.map(put)),
      replay: async (each) => {
        for (const { value } of database.getRange()) each(value);
      },
      close: () => database.close(),
    };
  };
}

/** @type {OpenLogPeer} */
export async function betterSqlite3(directory, purpose) {
  const { default: Database } = await import("better-sqlite3");
  fs.mkdirSync(directory, { recursive: true });
  const database = new Database(path.join(directory, "log.db"));
  database.pragma("journal_mode = WAL");
  database.pragma(`synchronous = ${purpose === "fill" ? "OFF" : "FULL"}`);
  database.exec("CREATE TABLE IF NOT EXISTS log (lsn INTEGER PRIMARY KEY, payload BLOB NOT NULL)");
  const insert = database.prepare("INSERT INTO log (payload) VALUES (?)");
  const insertAll = database.transaction((/** @type {Uint8Array[]} */ records) => {
    for (const record of records) insert.run(record);
  });
  return {
    append: gather(async (records) => insertAll(records)),
    fill: async (records) => insertAll(records),
    replay: async (each) => {
      const rows = database.prepare("SELECT payload FROM log ORDER BY lsn").pluck().iterate();
      for (const payload of rows) each(/** @type {Uint8Array} */ (payload));
    },
    close: async () => database.close(),
  };
}

const AT_ONCE = 256;

/** @type {OpenLogPeer} */
export async function hypercore(directory) {
  const { default: Hypercore } = await import("hypercore");
  const core = new Hypercore(directory);
  await core.ready();
  return {
    append: gather(async (records) => {
      await core.append(records);
    }),
    fill: (records) => core.append(records),
    replay: async (each) => {
      // Its stream takes one block after another; so many at a time are five times as quick.
      for (let at = 0; at < core.length; at += AT_ONCE) {
        const wanted = Array.from({ length: Math.min(AT_ONCE, core.length - at) }, (_, index) => core.get(at + index));
        for (const block of await Promise.all(wanted)) each(block);
      }
    },
    close: () => core.close(),
  };
}

/** @type {OpenLogPeer} */
export async function appendFdatasync(directory) {
  fs.mkdirSync(directory, { recursive: true });
  const file = path.join(directory, "log");
  const fd = fs.openSync(file, "a+");
  const header = Buffer.alloc(4);
  const write = (/** @type {Uint8Array} */ record) => {
    header.writeUInt32LE(record.length);
    if (fs.writevSync(fd, [header, record]) !== 4 + record.length) throw new Error(`A short write to ${file}.`);
  };
  return {
    append: async (record) => {
      write(record);
      fs.fdatasyncSync(fd);
    },
    fill: async (records) => records.forEach(write),
    replay: async (each) => {
      let left = Buffer.alloc(0);
      for await (const chunk of fs.createReadStream(file, { highWaterMark: 2 ** 20 })) {
        const bytes = left.length === 0 ? chunk : Buffer.concat([left, chunk]);
        let at = 0;
        while (at + 4 <= bytes.length) {
          const end = at + 4 + bytes.readUInt32LE(at);
          if (end > bytes.length) break;
          each(bytes.subarray(at + 4, end));
          at = end;
        }
        left = bytes.subarray(at);
      }
    },
    close: async () => fs.closeSync(fd),
  };
}
