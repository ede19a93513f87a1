/**
 * What each contender is, how it was set, and what it does not do: stated here once, and printed beside its numbers. `ahead` says why it can be
 * quicker than ours where it is, and `aheadReading` why so in opening and replay.
 *
 * @typedef {object} Facts
 * @property {string} settings durability, and how concurrent writers share a sync
 * @property {string} lacks
 * @property {string} ahead
 * @property {string} [aheadReading]
 * @property {string} [from] the package that has its version
 */

const GATHERED = "gathered by the bench, which writes all that wait with one call";
const NATIVE = "It runs in machine code on threads of its own, where ours shares one thread with the program.";

/** @type {Readonly<Record<string, Facts>>} */
export const facts = {
  floor: {
    settings:
      "a loop in C that writes the very groups that holdfast formed in that round into a preallocated file opened with O_DSYNC",
    lacks: "checksums, groups of its own, reading, any structure at all",
    ahead: "It is the disk alone.",
  },
  "floor, reading": {
    settings: "reads holdfast's files into one buffer, and looks at nothing",
    lacks: "everything but reading bytes",
    ahead: "It looks at nothing.",
  },
  holdfast: {
    settings: "as it comes: O_DSYNC writes on the thread pool, own group commit",
    lacks: "",
    ahead: "",
  },
  "holdfast, inline": {
    settings: '`flush: "inline"`: O_DSYNC writes on the caller\'s thread, own group commit',
    lacks: "an event loop that is free while the disk writes",
    ahead: "No thread is switched for a write; the event loop waits instead.",
  },
  "classic-level": {
    settings: `LevelDB, batches with sync, no compression; writers are ${GATHERED}`,
    lacks: "an error where its log is damaged: by default what can't be read of it is dropped at opening",
    ahead:
      "Its log is packed without padding and one call in C++ does all the work; a group of ours begins on a fresh block, so that acknowledged bytes are never rewritten.",
    aheadReading: "Its iterator fetches a thousand records at a time from tables that it merged before.",
    from: "classic-level",
  },
  lmdb: {
    settings: "as it comes: put, then `flushed`; own group commit",
    lacks: "checksums",
    ahead: "Its writing thread does all the work of a commit in C.",
    aheadReading: "Pages are mapped: nothing is parsed or checked when they are read.",
    from: "lmdb",
  },
  "lmdb, strict": {
    settings: "`overlappingSync: false`; own group commit",
    lacks: "checksums",
    ahead: "Its writing thread does all the work of a commit in C.",
    aheadReading: "Pages are mapped: nothing is parsed or checked when they are read.",
    from: "lmdb",
  },
  "better-sqlite3": {
    settings: `SQLite, WAL, synchronous=FULL; writers are ${GATHERED}, in a transaction`,
    lacks: "an event loop that is free while the disk writes; checksums in the database file (its WAL has them)",
    ahead: "Everything happens on the caller's thread, so no thread is switched.",
    aheadReading:
      "It reads on the caller's thread, without waiting in between, and checks no sums once the WAL is merged.",
    from: "better-sqlite3",
  },
  hypercore: {
    settings: `as it comes: it does not sync; writers are ${GATHERED}`,
    lacks: "durability: nothing waits for the disk, and a power cut may take what was acknowledged",
    ahead: "It does not wait for the disk.",
    aheadReading: "",
    from: "hypercore",
  },
  "append + fdatasync": {
    settings: "one record at a time, length before it, fdatasync on the caller's thread; writers take turns",
    lacks:
      "checksums, groups, atomic batches, recovery from a torn record, an event loop that is free while the disk writes",
    ahead: "It checks nothing, and does everything on the caller's thread.",
    aheadReading: "It checks nothing and finds a record by adding up lengths.",
  },
  "tidwall/wal": {
    settings: `Go; binary format, fsync; writers are ${GATHERED}`,
    lacks: "checksums; recovery from a torn record, after which it does not open; a sync of the directory",
    ahead: `It checks nothing and packs records without padding. ${NATIVE}`,
    aheadReading: "It checks no sums: records are views of a segment that is read whole.",
    from: "go:github.com/tidwall/wal",
  },
  "raft-wal": {
    settings: `Go; preallocated segments, fsync; writers are ${GATHERED}`,
    lacks: "verification of sums when records are read",
    ahead: `Its segments are preallocated and its batches packed without padding. ${NATIVE}`,
    aheadReading: "Reading checks no sums.",
    from: "go:github.com/hashicorp/raft-wal",
  },
  "etcd wal": {
    settings: `Go; preallocated segments, fdatasync; writers are ${GATHERED}`,
    lacks: "random access: a log has to be read whole before it can be appended to, so that opening it is replaying it",
    ahead: `Its segments are preallocated and its records packed without padding. ${NATIVE}`,
    aheadReading: "It reads straight ahead, in machine code, into memory that it keeps.",
    from: "go:go.etcd.io/etcd/server/v3",
  },
  okaywal: {
    settings:
      "Rust; as it comes: segments of 1 MB, given back when nearly full, fdatasync; own group commit of threads, one thread for each writer",
    lacks: "keeping its records: it gives them back at each checkpoint, so there is nothing to replay",
    ahead: `It writes the same few files again and again, which need no new blocks. ${NATIVE}`,
    from: "rust:okaywal",
  },
  "raft-engine": {
    settings:
      "Rust; as it comes: fdatasync, own group commit of threads, one thread for each writer, LZ4 above 8 KB; each writer is a Raft group",
    lacks: "one order over all writers",
    ahead: `Its batches are packed without padding, and compressed where they are large. ${NATIVE}`,
    aheadReading: "It scans with four threads.",
    from: "rust:raft-engine",
  },
  FlatKV: {
    settings: "as it comes: one durable write in the log, then four databases and their hashes",
    lacks: "",
    ahead: "",
  },
  "rows on classic-level": {
    settings: "one LevelDB, one synced batch with version and hash for a commit",
    lacks: "a log that others can follow, rollback, separate databases with a hash each",
    ahead: "It writes each row once, into one database; ours writes it into the log and then into a database.",
    from: "classic-level",
  },
  "rows on lmdb": {
    settings: "one transaction with version and hash for a commit, then `flushed`",
    lacks: "checksums, a log that others can follow, rollback, separate databases with a hash each",
    ahead: "It reads old rows from mapped pages on the caller's thread, and writes each row once.",
    from: "lmdb",
  },
  "rows on better-sqlite3": {
    settings: "WAL, synchronous=FULL, one transaction with version and hash for a commit",
    lacks:
      "a log that others can follow, rollback, separate databases with a hash each, an event loop that is free meanwhile",
    ahead: "Everything happens on the caller's thread, and each row is written once.",
    from: "better-sqlite3",
  },
  MerkleStore: {
    settings: "BLAKE3, one durable write in the log for pages, values and root; page cache of 256 MiB",
    lacks: "",
    ahead: "",
  },
  nomt: {
    settings: "Rust, BLAKE3, io_uring; a write-ahead log for its pages; caches of 512 MiB",
    lacks: "checksums in pages and values",
    ahead:
      "It is machine code on several threads, which hash, read and write at once; ours does all but the writing on one thread.",
    from: "rust:nomt",
  },
  "@ethereumjs/mpt": {
    settings: "Keccak-256, on LevelDB, one synced batch for a commit; cache of a million nodes",
    lacks: "giving back the nodes that a commit leaves behind",
    ahead: "The key lies in few levels of 16 branches.",
    from: "@ethereumjs/mpt",
  },
  "@ethereumjs/binarytree": {
    settings: "BLAKE3, on LevelDB, one synced batch for a commit; cache of a million nodes",
    lacks: "giving back the nodes that a commit leaves behind",
    ahead: "It keeps its nodes in memory.",
    from: "@ethereumjs/binarytree",
  },
};
