/**
 * What every implementation of the port must do: each sentence of `vfs.ts` as a test. Durability itself is not here, since only a
 * power cut shows it; the crash tests have it.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { IoError, LockedError } from "../base/index.js";
import type { Vfs, VfsFile } from "./vfs.js";

/** A fresh, empty directory `root` on the file system under test. */
export interface ConformanceSubject {
  readonly vfs: Vfs;
  readonly root: string;
  /** The process id that the losers of a lock are told. Default: that of this process. */
  readonly pid?: number;
  readonly cleanup: () => Promise<void>;
}

const pattern = (length: number, salt = 0): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => ((at * 31 + salt * 17 + 1) % 255) + 1);

const THREE = Uint8Array.of(1, 2, 3);

/** The `IoError` that `act` ends with. */
async function ioErrorOf(act: () => unknown): Promise<IoError> {
  try {
    await act();
  } catch (error) {
    if (error instanceof IoError) return error;
    throw error;
  }
  throw new Error("nothing failed");
}

async function readAll(file: VfsFile): Promise<Uint8Array> {
  const bytes = new Uint8Array(await file.size());
  expect(await file.read(bytes, 0)).toBe(bytes.length);
  return bytes;
}

/** Runs the suite for one implementation. */
export function describeVfsConformance(name: string, makeVfs: () => Promise<ConformanceSubject>): void {
  describe(`the file-system port on ${name}`, () => {
    let subject: ConformanceSubject;
    let vfs: Vfs;
    let path: string;
    beforeEach(async () => {
      subject = await makeVfs();
      vfs = subject.vfs;
      path = vfs.join(subject.root, "file");
    });
    afterEach(() => subject.cleanup());

    /** A new file that holds `bytes`, open for reading and writing. */
    async function fileWith(bytes: Uint8Array, at: string = path): Promise<VfsFile> {
      const file = await vfs.open(at, { access: "read-write", create: "exclusive" });
      await file.write(bytes, 0);
      return file;
    }

    describe("open", () => {
      it("of a missing file is ENOENT, and makes nothing", async () => {
        for (const access of ["read", "read-write"] as const) {
          const error = await ioErrorOf(() => vfs.open(path, { access }));
          expect(error.errno).toBe("ENOENT");
          expect(error.code).toBe("HF_IO");
          expect(error.details["path"]).toBe(path);
          expect(error.details["operation"]).toBe("open");
        }
        expect(await vfs.stat(path)).toBeUndefined();
      });

      it("if missing makes an empty file, and leaves an existing one as it is", async () => {
        const made = await vfs.open(path, { access: "read-write", create: "if-missing" });
        expect(await made.size()).toBe(0);
        await made.write(THREE, 0);
        await made.close();
        const again = await vfs.open(path, { access: "read-write", create: "if-missing" });
        expect(await readAll(again)).toEqual(THREE);
        await again.close();
      });

      it("exclusively makes an empty file, and is EEXIST for an existing one", async () => {
        await (await vfs.open(path, { access: "read-write", create: "exclusive" })).close();
        expect(await vfs.stat(path)).toEqual({ kind: "file", bytes: 0 });
        const error = await ioErrorOf(() => vfs.open(path, { access: "read-write", create: "exclusive" }));
        expect(error.errno).toBe("EEXIST");
      });

      it("in a missing directory is ENOENT, even to make a file", async () => {
        const inside = vfs.join(subject.root, "missing", "file");
        for (const create of ["never", "if-missing", "exclusive"] as const) {
          expect((await ioErrorOf(() => vfs.open(inside, { access: "read-write", create }))).errno).toBe("ENOENT");
        }
      });

      it("of a directory is EISDIR", async () => {
        for (const access of ["read", "read-write"] as const) {
          expect((await ioErrorOf(() => vfs.open(subject.root, { access }))).errno).toBe("EISDIR");
        }
      });

      it("gives the path it was opened with", async () => {
        const file = await fileWith(THREE);
        expect(file.path).toBe(path);
        await file.close();
      });
    });

    describe("read", () => {
      it("gives exactly the bytes written, at any offset", async () => {
        const bytes = pattern(10_000);
        const file = await fileWith(bytes);
        for (const [offset, length] of [
          [0, 10_000],
          [1, 511],
          [511, 2],
          [4095, 4097],
          [9_999, 1],
        ] as const) {
          const target = new Uint8Array(length);
          expect(await file.read(target, offset)).toBe(length);
          expect(target).toEqual(bytes.slice(offset, offset + length));
        }
        await file.close();
      });

      it("is short only where the file ends, and leaves the rest of the target alone", async () => {
        const file = await fileWith(pattern(100));
        const target = new Uint8Array(50).fill(255);
        expect(await file.read(target, 70)).toBe(30);
        expect(target.subarray(0, 30)).toEqual(pattern(100).subarray(70));
        expect(target.subarray(30)).toEqual(new Uint8Array(20).fill(255));
        expect(await file.read(target, 100)).toBe(0);
        expect(await file.read(target, 1_000_000)).toBe(0);
        await file.close();
      });

      it("reads a target of several MiB whole", async () => {
        const bytes = pattern(3 * 1024 * 1024 + 7);
        const file = await fileWith(bytes);
        const target = new Uint8Array(bytes.length);
        expect(await file.read(target, 0)).toBe(bytes.length);
        expect(Buffer.compare(target, bytes)).toBe(0);
        await file.close();
      });

      it("fills only the view it was given", async () => {
        const file = await fileWith(pattern(64));
        const around = new Uint8Array(32).fill(255);
        expect(await file.read(around.subarray(8, 24), 0)).toBe(16);
        expect(around.subarray(0, 8)).toEqual(new Uint8Array(8).fill(255));
        expect(around.subarray(8, 24)).toEqual(pattern(64).subarray(0, 16));
        expect(around.subarray(24)).toEqual(new Uint8Array(8).fill(255));
        await file.close();
      });

      it("of nothing is zero", async () => {
        const file = await fileWith(THREE);
        expect(await file.read(new Uint8Array(0), 0)).toBe(0);
        await file.close();
      });
    });

    for (const [kind, act] of [
      ["write", (file: VfsFile, source: Uint8Array, offset: number) => file.write(source, offset)],
      ["writeNow", async (file: VfsFile, source: Uint8Array, offset: number) => file.writeNow(source, offset)],
    ] as const) {
      for (const durableWrites of [false, true]) {
        describe(`${kind}${durableWrites ? " with durableWrites" : ""}`, () => {
          const openNew = (): Promise<VfsFile> =>
            vfs.open(path, { access: "read-write", create: "exclusive", durableWrites });

          it("puts the bytes at the offset, and changes no other", async () => {
            const file = await openNew();
            await act(file, pattern(5000), 0);
            await act(file, pattern(1000, 9), 2100);
            const expected = pattern(5000);
            expected.set(pattern(1000, 9), 2100);
            expect(await readAll(file)).toEqual(expected);
            await file.close();
          });

          it("extends the file, and a gap reads as zeros", async () => {
            const file = await openNew();
            await act(file, THREE, 0);
            await act(file, THREE, 9000);
            expect(await file.size()).toBe(9003);
            const expected = new Uint8Array(9003);
            expected.set(THREE, 0);
            expected.set(THREE, 9000);
            expect(await readAll(file)).toEqual(expected);
            await file.close();
          });

          it("writes only the view it was given", async () => {
            const file = await openNew();
            await act(file, pattern(64).subarray(8, 24), 0);
            expect(await readAll(file)).toEqual(pattern(64).slice(8, 24));
            await file.close();
          });

          it("is seen by another descriptor and by a later opener", async () => {
            const file = await openNew();
            const other = await vfs.open(path, { access: "read" });
            await act(file, THREE, 0);
            expect(await readAll(other)).toEqual(THREE);
            await file.close();
            await other.close();
            const later = await vfs.open(path, { access: "read" });
            expect(await readAll(later)).toEqual(THREE);
            await later.close();
          });
        });
      }

      it(`${kind} on a file opened for reading is refused, and changes nothing`, async () => {
        await (await fileWith(THREE)).close();
        const file = await vfs.open(path, { access: "read" });
        const error = await ioErrorOf(() => act(file, Uint8Array.of(9), 0));
        expect(error.details["operation"]).toBe("write");
        expect(error.details["path"]).toBe(path);
        expect(await readAll(file)).toEqual(THREE);
        await file.close();
      });
    }

    it("truncate and preallocate on a file opened for reading are refused, and change nothing", async () => {
      await (await fileWith(THREE)).close();
      const file = await vfs.open(path, { access: "read" });
      await ioErrorOf(() => file.truncate(1));
      await ioErrorOf(() => file.truncate(10));
      await ioErrorOf(() => file.preallocate(10));
      expect(await readAll(file)).toEqual(THREE);
      await file.close();
    });

    it("a file opened for reading can be made", async () => {
      const file = await vfs.open(path, { access: "read", create: "if-missing" });
      expect(await file.size()).toBe(0);
      await file.close();
      expect(await vfs.stat(path)).toEqual({ kind: "file", bytes: 0 });
    });

    it("several writes in flight at other places all arrive", async () => {
      const file = await fileWith(new Uint8Array(0));
      await Promise.all(Array.from({ length: 16 }, (_, at) => file.write(pattern(1000, at), at * 1000)));
      const bytes = await readAll(file);
      for (let at = 0; at < 16; at++) expect(bytes.slice(at * 1000, at * 1000 + 1000)).toEqual(pattern(1000, at));
      await file.close();
    });

    describe("syncData", () => {
      it("resolves and changes nothing that can be read", async () => {
        const file = await fileWith(pattern(3000));
        await file.syncData();
        await file.syncData();
        expect(await readAll(file)).toEqual(pattern(3000));
        await file.close();
      });
    });

    describe("truncate", () => {
      it("to a smaller size drops the rest for good", async () => {
        const file = await fileWith(pattern(5000));
        await file.truncate(1234);
        expect(await readAll(file)).toEqual(pattern(5000).slice(0, 1234));
        await file.truncate(5000);
        const expected = new Uint8Array(5000);
        expected.set(pattern(5000).subarray(0, 1234));
        expect(await readAll(file)).toEqual(expected);
        await file.close();
      });

      it("to a larger size reads as zeros, and to the same size changes nothing", async () => {
        const file = await fileWith(THREE);
        await file.truncate(8193);
        expect((await readAll(file)).subarray(3)).toEqual(new Uint8Array(8190));
        await file.truncate(8193);
        expect(await file.size()).toBe(8193);
        await file.truncate(0);
        expect(await file.size()).toBe(0);
        await file.close();
      });
    });

    describe("preallocate", () => {
      it("fills with zeros from the end, and leaves the bytes before alone", async () => {
        const file = await fileWith(pattern(1000));
        await file.preallocate(20_000);
        const expected = new Uint8Array(20_000);
        expected.set(pattern(1000));
        expect(await readAll(file)).toEqual(expected);
        await file.close();
      });

      it("of more than one chunk makes all of it", async () => {
        const file = await fileWith(THREE);
        await file.preallocate(2 * 1024 * 1024 + 5);
        const bytes = await readAll(file);
        expect(bytes.length).toBe(2 * 1024 * 1024 + 5);
        expect(bytes.subarray(0, 3)).toEqual(THREE);
        expect(bytes.subarray(3).every((byte) => byte === 0)).toBe(true);
        await file.close();
      });

      it("never shrinks the file", async () => {
        const file = await fileWith(pattern(1000));
        await file.preallocate(10);
        expect(await readAll(file)).toEqual(pattern(1000));
        await file.close();
      });

      it("rejects with the reason of a signal that is aborted, and leaves the bytes before alone", async () => {
        const file = await fileWith(pattern(1000));
        const reason = new Error("enough");
        await expect(file.preallocate(100_000, AbortSignal.abort(reason))).rejects.toBe(reason);
        expect(await readAll(file)).toEqual(pattern(1000));
        await file.close();
      });
    });

    describe("close", () => {
      it("makes every later call EBADF", async () => {
        const file = await fileWith(THREE);
        await file.close();
        const calls: readonly (() => unknown)[] = [
          () => file.read(new Uint8Array(1), 0),
          () => file.write(THREE, 0),
          () => file.writeNow(THREE, 0),
          () => file.syncData(),
          () => file.truncate(0),
          () => file.preallocate(10),
          () => file.size(),
        ];
        for (const call of calls) expect((await ioErrorOf(call)).errno).toBe("EBADF");
        expect(await vfs.stat(path)).toEqual({ kind: "file", bytes: 3 });
      });

      it("is idempotent", async () => {
        const file = await fileWith(THREE);
        await Promise.all([file.close(), file.close()]);
        await expect(file.close()).resolves.toBeUndefined();
      });

      it("lets a write in flight finish", async () => {
        const file = await fileWith(THREE);
        const write = file.write(pattern(100_000), 0);
        await file.close();
        await write;
        const again = await vfs.open(path, { access: "read" });
        expect(await readAll(again)).toEqual(pattern(100_000));
        await again.close();
      });
    });

    describe("makeDirectory", () => {
      it("is true where it made one and false where one was", async () => {
        const directory = vfs.join(subject.root, "directory");
        expect(await vfs.makeDirectory(directory)).toBe(true);
        expect(await vfs.stat(directory)).toMatchObject({ kind: "directory" });
        expect(await vfs.makeDirectory(directory)).toBe(false);
        await (await fileWith(THREE, vfs.join(directory, "inside"))).close();
        expect(await vfs.list(directory)).toEqual(["inside"]);
        expect(await vfs.makeDirectory(directory)).toBe(false);
        expect(await vfs.list(directory)).toEqual(["inside"]);
      });

      it("over a file is EEXIST", async () => {
        await (await fileWith(THREE)).close();
        expect((await ioErrorOf(() => vfs.makeDirectory(path))).errno).toBe("EEXIST");
      });

      it("makes one level only", async () => {
        expect((await ioErrorOf(() => vfs.makeDirectory(vfs.join(subject.root, "a", "b")))).errno).toBe("ENOENT");
      });
    });

    describe("list and stat", () => {
      it("see files and directories, and what was removed no more", async () => {
        expect(await vfs.list(subject.root)).toEqual([]);
        await (await fileWith(pattern(77))).close();
        await vfs.makeDirectory(vfs.join(subject.root, "directory"));
        expect((await vfs.list(subject.root)).sort()).toEqual(["directory", "file"]);
        expect(await vfs.stat(path)).toEqual({ kind: "file", bytes: 77 });
        expect(await vfs.stat(subject.root)).toMatchObject({ kind: "directory" });
        await vfs.remove(path);
        expect(await vfs.list(subject.root)).toEqual(["directory"]);
        expect(await vfs.stat(path)).toBeUndefined();
      });

      it("list of a missing directory is ENOENT, and of a file ENOTDIR", async () => {
        expect((await ioErrorOf(() => vfs.list(vfs.join(subject.root, "missing")))).errno).toBe("ENOENT");
        await (await fileWith(THREE)).close();
        expect((await ioErrorOf(() => vfs.list(path))).errno).toBe("ENOTDIR");
      });
    });

    describe("rename", () => {
      it("moves the name, and an open descriptor goes with it", async () => {
        const to = vfs.join(subject.root, "to");
        const file = await fileWith(THREE);
        await vfs.rename(path, to);
        expect(await vfs.list(subject.root)).toEqual(["to"]);
        await file.write(Uint8Array.of(9), 3);
        await file.close();
        const moved = await vfs.open(to, { access: "read" });
        expect(await readAll(moved)).toEqual(Uint8Array.of(1, 2, 3, 9));
        await moved.close();
      });

      it("replaces a file, whose open descriptor keeps the old bytes", async () => {
        const to = vfs.join(subject.root, "to");
        const replaced = await fileWith(pattern(500), to);
        await (await fileWith(THREE)).close();
        await vfs.rename(path, to);
        expect(await vfs.list(subject.root)).toEqual(["to"]);
        expect(await readAll(replaced)).toEqual(pattern(500));
        await replaced.close();
        const file = await vfs.open(to, { access: "read" });
        expect(await readAll(file)).toEqual(THREE);
        await file.close();
      });

      it("moves between directories", async () => {
        const directory = vfs.join(subject.root, "directory");
        await vfs.makeDirectory(directory);
        await (await fileWith(THREE)).close();
        await vfs.rename(path, vfs.join(directory, "file"));
        expect(await vfs.list(subject.root)).toEqual(["directory"]);
        expect(await vfs.list(directory)).toEqual(["file"]);
      });

      it("of a missing file is ENOENT, and replaces nothing", async () => {
        const to = vfs.join(subject.root, "to");
        await (await fileWith(THREE, to)).close();
        expect((await ioErrorOf(() => vfs.rename(path, to))).errno).toBe("ENOENT");
        expect(await vfs.stat(to)).toEqual({ kind: "file", bytes: 3 });
      });
    });

    describe("remove", () => {
      it("takes the name away, and open descriptors keep reading and writing", async () => {
        const file = await fileWith(pattern(500));
        await vfs.remove(path);
        expect(await vfs.stat(path)).toBeUndefined();
        expect(await readAll(file)).toEqual(pattern(500));
        await file.write(THREE, 500);
        expect(await file.size()).toBe(503);
        const again = await fileWith(THREE);
        expect(await readAll(again)).toEqual(THREE);
        expect(await file.size()).toBe(503);
        await again.close();
        await file.close();
      });

      it("of a missing file is ENOENT, and a directory is not removed", async () => {
        expect((await ioErrorOf(() => vfs.remove(path))).errno).toBe("ENOENT");
        const directory = vfs.join(subject.root, "directory");
        await vfs.makeDirectory(directory);
        await ioErrorOf(() => vfs.remove(directory));
        expect(await vfs.stat(directory)).toMatchObject({ kind: "directory" });
      });
    });

    describe("removeDirectory", () => {
      it("takes an empty directory away, and its name can be used again", async () => {
        const directory = vfs.join(subject.root, "directory");
        await vfs.makeDirectory(directory);
        await (await fileWith(THREE, vfs.join(directory, "inside"))).close();
        await vfs.remove(vfs.join(directory, "inside"));
        await vfs.removeDirectory(directory);
        expect(await vfs.stat(directory)).toBeUndefined();
        expect(await vfs.list(subject.root)).toEqual([]);
        await vfs.syncDirectory(subject.root);
        expect(await vfs.makeDirectory(directory)).toBe(true);
        expect(await vfs.list(directory)).toEqual([]);
      });

      it("of one that holds a file or a directory is ENOTEMPTY, and takes nothing", async () => {
        const directory = vfs.join(subject.root, "directory");
        await vfs.makeDirectory(directory);
        await (await fileWith(THREE, vfs.join(directory, "inside"))).close();
        expect((await ioErrorOf(() => vfs.removeDirectory(directory))).errno).toBe("ENOTEMPTY");
        expect(await vfs.list(directory)).toEqual(["inside"]);
        await vfs.remove(vfs.join(directory, "inside"));
        await vfs.makeDirectory(vfs.join(directory, "below"));
        expect((await ioErrorOf(() => vfs.removeDirectory(directory))).errno).toBe("ENOTEMPTY");
        expect(await vfs.list(directory)).toEqual(["below"]);
      });

      it("of what is missing is ENOENT, and of a file ENOTDIR", async () => {
        expect((await ioErrorOf(() => vfs.removeDirectory(path))).errno).toBe("ENOENT");
        await (await fileWith(THREE)).close();
        expect((await ioErrorOf(() => vfs.removeDirectory(path))).errno).toBe("ENOTDIR");
        expect(await vfs.stat(path)).toEqual({ kind: "file", bytes: 3 });
      });
    });

    describe("syncDirectory", () => {
      it("resolves for a directory, whatever changed in it", async () => {
        await vfs.syncDirectory(subject.root);
        await (await fileWith(THREE)).close();
        await vfs.rename(path, vfs.join(subject.root, "to"));
        await vfs.syncDirectory(subject.root);
        expect(await vfs.list(subject.root)).toEqual(["to"]);
      });

      it("fails for what is not there", async () => {
        expect((await ioErrorOf(() => vfs.syncDirectory(vfs.join(subject.root, "missing")))).errno).toBe("ENOENT");
      });
    });

    describe("lock", () => {
      it("makes the file, refuses a second opener with the owner's pid, and is free after release", async () => {
        const first = await vfs.lock(path);
        expect(first.path).toBe(path);
        expect(await vfs.stat(path)).toMatchObject({ kind: "file" });
        const refused: unknown = await vfs.lock(path).then(
          () => undefined,
          (error: unknown) => error,
        );
        expect(refused).toBeInstanceOf(LockedError);
        expect(refused).toMatchObject({ code: "HF_LOCKED", details: { path, pid: subject.pid ?? process.pid } });
        await first.release();
        expect(await vfs.stat(path)).toMatchObject({ kind: "file" });
        const second = await vfs.lock(path);
        await expect(vfs.lock(path)).rejects.toBeInstanceOf(LockedError);
        await second.release();
      });

      it("is released once: releasing again does not free the next owner's", async () => {
        const first = await vfs.lock(path);
        await Promise.all([first.release(), first.release()]);
        const second = await vfs.lock(path);
        await first.release();
        await expect(vfs.lock(path)).rejects.toBeInstanceOf(LockedError);
        await second.release();
      });

      it("goes to exactly one of many who ask at once", async () => {
        const asked = await Promise.allSettled(Array.from({ length: 8 }, () => vfs.lock(path)));
        const held = asked.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
        expect(held.length).toBe(1);
        const refused = asked.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
        expect(refused.every((reason) => reason instanceof LockedError)).toBe(true);
        await held[0]?.release();
      });

      it("of one file says nothing about another", async () => {
        const one = await vfs.lock(path);
        const other = await vfs.lock(vfs.join(subject.root, "other"));
        await one.release();
        await expect(vfs.lock(other.path)).rejects.toBeInstanceOf(LockedError);
        await other.release();
      });

      it("in a missing directory is an IoError with ENOENT", async () => {
        expect((await ioErrorOf(() => vfs.lock(vfs.join(subject.root, "missing", "lock")))).errno).toBe("ENOENT");
      });
    });

    describe("paths", () => {
      it("join and parent undo each other", () => {
        const joined = vfs.join(subject.root, "a", "b");
        expect(vfs.parent(joined)).toBe(vfs.join(subject.root, "a"));
        expect(vfs.parent(vfs.parent(joined))).toBe(vfs.join(subject.root));
      });
    });

    describe("randomness and time", () => {
      it("randomBytes gives as many bytes as asked, other ones each time", () => {
        const seen = new Set<string>();
        for (let draw = 0; draw < 50; draw++) {
          const bytes = vfs.randomBytes(16);
          expect(bytes.length).toBe(16);
          seen.add(bytes.join());
        }
        expect(seen.size).toBe(50);
        expect(vfs.randomBytes(0).length).toBe(0);
        expect(vfs.randomBytes(100_000).length).toBe(100_000);
      });

      it("nowMs never goes back, and a delay takes about as long as asked", async () => {
        const start = vfs.nowMs();
        await vfs.delay(20);
        const end = vfs.nowMs();
        expect(end - start).toBeGreaterThanOrEqual(18);
        let last = end;
        for (let read = 0; read < 100; read++) {
          const now = vfs.nowMs();
          expect(now).toBeGreaterThanOrEqual(last);
          last = now;
        }
      });

      it("a delay rejects with the reason of its signal, aborted before or meanwhile", async () => {
        const reason = new Error("enough");
        await expect(vfs.delay(60_000, AbortSignal.abort(reason))).rejects.toBe(reason);
        const controller = new AbortController();
        const delay = vfs.delay(60_000, controller.signal);
        controller.abort(reason);
        await expect(delay).rejects.toBe(reason);
      });

      it("a delay that was not aborted resolves with a signal too", async () => {
        await expect(vfs.delay(1, new AbortController().signal)).resolves.toBeUndefined();
      });
    });
  });
}
